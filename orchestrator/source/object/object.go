// Package object is pictures in an object store: those below a prefix, or one object.
//
//	s, err := object.New(ctx, client, "s3://photos/2024/")
//
// The package is not for how a store is spoken to (bucket), and for no archive or table in one.
package object

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Objects is the pictures below a prefix, told by their endings, or the one object that was named, whatever its ending.
//
// Key and path of an item are s3://BUCKET/KEY, gs://BUCKET/KEY or azblob://CONTAINER/KEY, its label is the last folder of the key, or the bucket. As in local
// folders, what has a leading dot, or lies in a folder that has one, is left out. A place is the object's key, so that a
// listing goes on behind an object whether it is still there or not.
type Objects struct {
	name   string
	bucket *bucket.Bucket
	prefix string // of keys; the key itself where one object was named
	one    bool
}

var _ source.Source = (*Objects)(nil)

// New asks the store what address names: an object, else what is below it. Close is owed.
// Faults: those of bucket.Bucket.List; NotFound where nothing is there.
func New(ctx context.Context, client *bucket.Client, address string) (*Objects, error) {
	name, key, err := source.SplitObject(address)
	if err != nil {
		return nil, err
	}
	o := &Objects{name: address, prefix: key}
	if o.bucket, err = client.Named(ctx, name, ""); err != nil {
		return nil, err
	}
	if key != "" && !strings.HasSuffix(key, "/") {
		o.one, err = o.bucket.Exists(ctx, key)
		if o.one || err != nil && fault.KindOf(err) != fault.KindForbidden { // who may list a prefix only hears that of what is not there
			if err != nil {
				return nil, errors.Join(err, o.Close())
			}
			return o, nil
		}
		o.prefix += "/"
	}
	for _, err := range o.bucket.List(ctx, o.prefix, "") {
		if err != nil {
			return nil, errors.Join(err, o.Close())
		}
		return o, nil // one is enough
	}
	if key == "" {
		return o, nil // an empty bucket is as good as an empty folder
	}
	return nil, errors.Join(fault.NotFound("%s is not there, nor anything below it", address), o.Close())
}

// Close lets go of the bucket.
func (o *Objects) Close() error { return o.bucket.Close() }

// Name is the address as it was given.
func (o *Objects) Name() string { return o.name }

// Items lists the objects in the order of their keys. An end of the listing for the store's sake is Unavailable or
// Overloaded and can be gone on with from the last place.
func (o *Objects) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		if after != "" && !strings.HasPrefix(after, o.prefix) || o.one && after != "" && after != o.prefix || after != "" && o.prefix == "" && !o.accepts(after) {
			yield(source.Item{}, fault.Invalid("%q is no place in %s; begin the listing anew", after, o.name))
			return
		}
		if ctx.Err() != nil {
			yield(source.Item{}, ctx.Err())
			return
		}
		if o.one {
			if after == "" {
				o.single(ctx, yield)
			}
			return
		}
		for object, err := range o.bucket.List(ctx, o.prefix, after) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(source.Item{}, err)
				return
			}
			if o.accepts(object.Key) && !yield(o.item(object), nil) {
				return
			}
		}
		if ctx.Err() != nil { // since the last object
			yield(source.Item{}, ctx.Err())
		}
	}
}

func (o *Objects) single(ctx context.Context, yield func(source.Item, error) bool) {
	object, err := o.bucket.Stat(ctx, o.prefix)
	switch {
	case err == nil:
	case ctx.Err() != nil || fault.IsPassing(err):
		yield(source.Item{}, err)
		return
	default:
		object.Key = o.prefix
	}
	item := o.item(object)
	if err == nil && ctx.Err() != nil {
		item, err = source.Item{}, ctx.Err()
	}
	if yield(item, err) && ctx.Err() != nil && err == nil {
		yield(source.Item{}, ctx.Err())
	}
}

// Traces are the records of objects that Items would list. One that it does not list any more has gone; one object that was
// named stays.
func (o *Objects) Traces() []source.Traces {
	if o.one {
		return nil
	}
	store := o.bucket.Name() + "/"
	return []source.Traces{{
		Name: o.name, Prefix: store + o.prefix, Lists: true,
		File: func(path, _ string) (string, bool) { return "", o.accepts(strings.TrimPrefix(path, store)) },
	}}
}

func (o *Objects) accepts(key string) bool {
	below := strings.TrimPrefix(key, o.prefix)
	return source.IsPictureName(key) && !strings.HasPrefix(below, ".") && !strings.Contains(below, "/.")
}

func (o *Objects) item(object bucket.Object) source.Item {
	path := o.bucket.Name() + "/" + object.Key
	return source.Item{
		Key: path, Path: path, Source: o.name, Label: o.label(object.Key),
		Bytes: object.Bytes, Modified: object.Modified, Place: object.Key,
	}
}

// label is the last folder of a key that has a name.
func (o *Objects) label(key string) string {
	folders := strings.Split(key, "/")
	for i := len(folders) - 2; i >= 0; i-- {
		if folders[i] != "" {
			return folders[i]
		}
	}
	_, name, _ := strings.Cut(o.bucket.Name(), "://")
	return name
}

// Open opens the item's object. Faults: NotFound (it has gone since), Forbidden, Unavailable, Overloaded.
func (o *Objects) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	key, ok := strings.CutPrefix(item.Path, o.bucket.Name()+"/")
	if !ok {
		return nil, fault.Invalid("%s is no item of %s", item.Path, o.name)
	}
	r, err := o.bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Read opens an object by its path, as a record has it, and tells its size. Faults: Invalid for what is no such path, and
// those of Open.
func Read(ctx context.Context, client *bucket.Client, path string) (io.ReadCloser, int64, error) {
	name, key, err := source.SplitObject(path)
	if err != nil {
		return nil, 0, err
	}
	b, err := client.Named(ctx, name, "")
	if err != nil {
		return nil, 0, err
	}
	r, err := b.Open(ctx, key)
	if err != nil {
		return nil, 0, errors.Join(err, b.Close())
	}
	return opened{r, b}, r.Size(), nil
}

// opened is a reader that closes its bucket behind it.
type opened struct {
	*bucket.Reader
	bucket *bucket.Bucket
}

func (o opened) Close() error { return errors.Join(o.Reader.Close(), o.bucket.Close()) }
