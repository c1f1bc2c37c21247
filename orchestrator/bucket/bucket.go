// Package bucket reads and writes the objects of a store: S3, by whatever server speaks it, Google Cloud Storage, Azure Blob
// Storage, or a local folder.
//
//	b, err := bucket.Open(ctx, "s3://photos?region=eu-central-1", bucket.Default())
//	defer b.Close()
//	content, err := b.Read(ctx, "2024/apple.jpg")
//
// Every error is a fault that names the object. The package is not for what an object is to clipseek (source/object).
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"google.golang.org/api/storage/v1"

	"clipseek/orchestrator/fault"
)

// Bucket is a bucket, or the part of one below a prefix. It is safe for concurrent use.
type Bucket struct {
	store  *blob.Bucket
	name   string // with scheme, and no slash behind
	prefix string // of all keys
	folder bool
	stall  time.Duration
}

// Object is what a listing says of one.
type Object struct {
	Key      string
	Bytes    int64
	Modified time.Time
}

// Name is the bucket as messages name it, s3://photos.
func (b *Bucket) Name() string { return b.name }

// Close lets go of the bucket. Readers that are open stay so.
func (b *Bucket) Close() error { return b.store.Close() }

// List gives the objects whose key begins with prefix and comes behind after, in the order of their keys (by bytes); ""
// is before all. An error ends it. Memory is that of a page, 1,000 objects; of a folder it is that of all. Faults: NotFound (no such bucket), Forbidden,
// Invalid (wrong region, a store that lists in another order), Overloaded, Unavailable.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	if b.folder {
		return b.listFolder(ctx, prefix, after)
	}
	return func(yield func(Object, error) bool) {
		page := b.store.List(&blob.ListOptions{Prefix: b.prefix + prefix, BeforeList: b.startAfter(after)})
		last := after
		for {
			found, err := page.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Object{}, b.fault(ctx, "", err))
				return
			}
			object := b.object(found)
			if after != "" && object.Key <= after { // a store that cannot begin behind a key
				continue
			}
			if last != "" && object.Key <= last {
				yield(Object{}, fault.Invalid("%s lists its objects in another order than that of their keys (so do S3's directory buckets), and such a listing cannot be gone on with", b.name))
				return
			}
			if last = object.Key; !yield(object, nil) {
				return
			}
		}
	}
}

// mostInFolder is the most objects of a folder that are listed.
const mostInFolder = 1 << 20

// listFolder sorts what the driver gives in the order of the folder's tree, where a/b is before a-b.
func (b *Bucket) listFolder(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		page, more, err := b.store.ListPage(ctx, blob.FirstPageToken, mostInFolder, &blob.ListOptions{Prefix: prefix})
		if err == nil && more != nil {
			err = fault.TooLarge("%s holds more than %d files, too many for a folder as a bucket", b.name, mostInFolder)
		}
		if err != nil {
			yield(Object{}, b.fault(ctx, "", err))
			return
		}
		slices.SortFunc(page, func(x, y *blob.ListObject) int { return strings.Compare(x.Key, y.Key) })
		for _, found := range page {
			if ctx.Err() != nil {
				yield(Object{}, ctx.Err())
				return
			}
			if found.Key > after && !yield(b.object(found), nil) {
				return
			}
		}
	}
}

// startAfter has a store begin a listing behind a key, or with it. Azure's startFrom is left alone: what it is relative to
// where there is a prefix is not told, and a listing that lacks objects is worse than one that is read twice.
func (b *Bucket) startAfter(after string) func(func(any) bool) error {
	return func(as func(any) bool) error {
		if after == "" {
			return nil
		}
		key := b.prefix + after
		var ofS3 *s3.ListObjectsV2Input
		if as(&ofS3) && ofS3.ContinuationToken == nil {
			ofS3.StartAfter = &key
		}
		var ofGoogle *storage.ObjectsListCall
		if as(&ofGoogle) {
			ofGoogle.StartOffset(key)
		}
		return nil
	}
}

func (b *Bucket) object(found *blob.ListObject) Object {
	key := found.Key
	var raw types.Object
	if found.As(&raw) { // found.Key has been rewritten where it looks like one that was escaped
		key = aws.ToString(raw.Key)
	}
	return Object{Key: key[min(len(b.prefix), len(key)):], Bytes: found.Size, Modified: found.ModTime}
}

// Open opens an object and tells its size and time. A connection that breaks, or is silent for longer than configured, is
// the reader's fault Unavailable. Faults: NotFound, Forbidden, Invalid, Overloaded, Unavailable.
func (b *Bucket) Open(ctx context.Context, key string) (*Reader, error) {
	if err := b.checkKey(key); err != nil {
		return nil, err
	}
	reading, cancel := context.WithCancel(ctx)
	r := &Reader{b: b, ctx: ctx, key: key, cancel: cancel}
	from, err := b.store.NewReader(reading, b.prefix+key, &blob.ReaderOptions{BeforeRead: b.exactKey(key)})
	if err != nil {
		cancel()
		return nil, b.fault(ctx, key, err)
	}
	r.from, r.timer = from, time.AfterFunc(b.stall, cancel)
	r.timer.Stop() // it runs while bytes are waited for
	return r, nil
}

// exactKey has S3 read the very key; the driver would escape some.
func (b *Bucket) exactKey(key string) func(func(any) bool) error {
	return func(as func(any) bool) error {
		var input *s3.GetObjectInput
		if as(&input) {
			input.Key = aws.String(b.prefix + key)
		}
		return nil
	}
}

// Read gives an object's content. Faults: those of Open.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	r, err := b.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // nothing was written
	return io.ReadAll(r)
}

// Write writes an object, whole or not at all, in the place of one that is there. kind is its MIME type. Faults: NotFound
// (no such bucket), Forbidden, Invalid, Overloaded, Unavailable.
func (b *Bucket) Write(ctx context.Context, key string, content []byte, kind string) error {
	if err := b.checkWritten(key); err != nil {
		return err
	}
	err := b.store.WriteAll(ctx, b.prefix+key, content, &blob.WriterOptions{ContentType: kind, DisableContentTypeDetection: kind == ""})
	return b.writeFault(ctx, key, err)
}

// Stat tells what a listing would of an object. Faults: those of Open.
func (b *Bucket) Stat(ctx context.Context, key string) (Object, error) {
	if err := b.checkKey(key); err != nil {
		return Object{}, err
	}
	if !b.folder && isEscaped(key) { // the driver would ask for another
		r, err := b.Open(ctx, key)
		if err != nil {
			return Object{}, err
		}
		return Object{Key: key, Bytes: r.Size(), Modified: r.Modified()}, r.Close()
	}
	found, err := b.store.Attributes(ctx, b.prefix+key)
	if err != nil {
		return Object{}, b.fault(ctx, key, err)
	}
	return Object{Key: key, Bytes: found.Size, Modified: found.ModTime}, nil
}

// Exists reports whether an object is there. Faults: those of Open but NotFound.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	_, err := b.Stat(ctx, key)
	if fault.KindOf(err) == fault.KindNotFound {
		return false, nil
	}
	return err == nil, err
}

// Delete removes an object. Faults: those of Open; NotFound where it is not there.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := b.checkWritten(key); err != nil {
		return err
	}
	return b.writeFault(ctx, key, b.store.Delete(ctx, b.prefix+key))
}

// at names an object.
func (b *Bucket) at(key string) string {
	if key == "" {
		return b.name
	}
	return b.name + "/" + key
}

// Reader reads one object.
type Reader struct {
	b      *Bucket
	ctx    context.Context // of the caller; what breaks without its end is the store's fault
	key    string
	from   *blob.Reader
	cancel context.CancelFunc
	timer  *time.Timer
}

// Size is the object's, in bytes.
func (r *Reader) Size() int64 { return r.from.Size() }

// Modified is when the object was written.
func (r *Reader) Modified() time.Time { return r.from.ModTime() }

// Read reads on. Faults: Unavailable.
func (r *Reader) Read(p []byte) (int, error) {
	r.timer.Reset(r.b.stall)
	n, err := r.from.Read(p)
	r.timer.Stop()
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if r.ctx.Err() != nil {
		return n, r.ctx.Err()
	}
	return n, fault.Unavailable("%s cannot be read to its end: the connection broke or fell silent", r.b.at(r.key)).Because(fmt.Errorf("after %d bytes: %w", n, err))
}

// Close ends the reading.
func (r *Reader) Close() error {
	r.timer.Stop()
	defer r.cancel()
	return r.from.Close()
}
