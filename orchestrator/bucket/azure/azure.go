// Package azure is gocloud's driver for Azure Blob Storage, on Azure's client.
//
//	client, err := azure.NewClient(azure.Config{Account: "photos", Transport: http.DefaultTransport})
//	driver, err := azure.New(client, "photos")
//	store := blob.NewBucket(driver)
//
// gocloud's own driver rewrites keys that have " # % ? or \, so that objects of such names that others wrote cannot be read.
// For As an error gives **azcore.ResponseError.
package azure

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// Bucket implements driver.Bucket for whole objects; ranges, copies and signed URLs are not there.
type Bucket struct{ client *container.Client }

var _ driver.Bucket = (*Bucket)(nil)

// New makes a driver for the container of a name.
func New(client *Client, name string) (*Bucket, error) {
	one, err := client.container(name)
	if err != nil {
		return nil, err
	}
	return &Bucket{one}, nil
}

var errUnsupported = errors.New("the driver does not do this")

// ErrorCode implements driver.Bucket.
func (b *Bucket) ErrorCode(err error) gcerrors.ErrorCode {
	if errors.Is(err, errUnsupported) {
		return gcerrors.Unimplemented
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok && answer.StatusCode == http.StatusNotFound {
		return gcerrors.NotFound
	}
	return gcerrors.Unknown
}

// As implements driver.Bucket.
func (b *Bucket) As(any) bool { return false }

// ErrorAs implements driver.Bucket.
func (b *Bucket) ErrorAs(err error, i any) bool {
	target, ok := i.(**azcore.ResponseError)
	return ok && errors.As(err, target)
}

// value is what an optional part of an answer points to.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// Attributes implements driver.Bucket.
func (b *Bucket) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	found, err := b.client.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{
		ContentType: value(found.ContentType), ModTime: value(found.LastModified), Size: value(found.ContentLength), ETag: string(value(found.ETag)),
	}, nil
}

// ListPaged implements driver.Bucket.
func (b *Bucket) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if opts.Delimiter != "" {
		return nil, errUnsupported
	}
	size := int32(opts.PageSize)
	if size == 0 {
		size = 1000
	}
	options := &container.ListBlobsFlatOptions{MaxResults: &size, Prefix: &opts.Prefix}
	if len(opts.PageToken) > 0 {
		token := string(opts.PageToken)
		options.Marker = &token
	}
	if opts.BeforeList != nil {
		if err := opts.BeforeList(b.As); err != nil {
			return nil, err
		}
	}
	listed, err := b.client.NewListBlobsFlatPager(options).NextPage(ctx)
	if err != nil {
		return nil, err
	}
	page := &driver.ListPage{NextPageToken: []byte(value(listed.NextMarker))}
	if listed.Segment == nil {
		return page, nil
	}
	for _, found := range listed.Segment.BlobItems {
		one := &driver.ListObject{Key: value(found.Name), AsFunc: b.As}
		if p := found.Properties; p != nil {
			one.ModTime, one.Size = value(p.LastModified), value(p.ContentLength)
		}
		page.Objects = append(page.Objects, one)
	}
	return page, nil
}

// reader is an answer that is being read.
type reader struct{ blob.DownloadStreamResponse }

func (r *reader) Read(p []byte) (int, error) { return r.Body.Read(p) }
func (r *reader) Close() error               { return r.Body.Close() }
func (r *reader) As(any) bool                { return false }

func (r *reader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{ContentType: value(r.ContentType), ModTime: value(r.LastModified), Size: value(r.ContentLength)}
}

// NewRangeReader implements driver.Bucket.
func (b *Bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	if offset != 0 || length >= 0 {
		return nil, errUnsupported
	}
	answer, err := b.client.NewBlobClient(key).DownloadStream(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &reader{answer}, nil
}

// writer collects an object, which is sent in one request.
type writer struct {
	bytes.Buffer
	send func(content []byte) error
}

// Close sends what was written.
func (w *writer) Close() error { return w.send(w.Bytes()) }

// NewTypedWriter implements driver.Bucket.
func (b *Bucket) NewTypedWriter(ctx context.Context, key, contentType string, _ *driver.WriterOptions) (driver.Writer, error) {
	return &writer{send: func(content []byte) error {
		var options blockblob.UploadOptions
		if contentType != "" {
			options.HTTPHeaders = &blob.HTTPHeaders{BlobContentType: &contentType}
		}
		_, err := b.client.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(content)), &options)
		return err
	}}, nil
}

// Delete implements driver.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	_, err := b.client.NewBlobClient(key).Delete(ctx, nil)
	return err
}

// Copy implements driver.Bucket.
func (b *Bucket) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return errUnsupported
}

// SignedURL implements driver.Bucket.
func (b *Bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnsupported
}

// Close implements driver.Bucket.
func (b *Bucket) Close() error { return nil }
