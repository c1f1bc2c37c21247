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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"clipseek/orchestrator/bucket/whole"
)

// Bucket implements driver.Bucket for whole objects.
type Bucket struct {
	whole.Driver
	client *container.Client
}

var _ driver.Bucket = (*Bucket)(nil)

// New makes a driver for the container of a name.
func New(client *Client, name string) (*Bucket, error) {
	one, err := client.container(name)
	if err != nil {
		return nil, err
	}
	return &Bucket{client: one}, nil
}

// ErrorCode implements driver.Bucket.
func (b *Bucket) ErrorCode(err error) gcerrors.ErrorCode {
	status := 0
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		status = answer.StatusCode
	}
	return whole.Code(err, status)
}

// ErrorAs implements driver.Bucket.
func (b *Bucket) ErrorAs(err error, i any) bool { return whole.ErrorAs[*azcore.ResponseError](err, i) }

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
	size, err := whole.PageSize(opts)
	if err != nil {
		return nil, err
	}
	most := int32(size) //nolint:gosec // gocloud asks for a thousand or so
	options := &container.ListBlobsFlatOptions{MaxResults: &most, Prefix: &opts.Prefix}
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

// NewRangeReader implements driver.Bucket.
func (b *Bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	if err := whole.CheckRange(offset, length); err != nil {
		return nil, err
	}
	answer, err := b.client.NewBlobClient(key).DownloadStream(ctx, nil)
	if err != nil {
		return nil, err
	}
	about := driver.ReaderAttributes{ContentType: value(answer.ContentType), ModTime: value(answer.LastModified), Size: value(answer.ContentLength)}
	return &whole.Reader{ReadCloser: answer.Body, About: about}, nil
}

// NewTypedWriter implements driver.Bucket.
func (b *Bucket) NewTypedWriter(ctx context.Context, key, contentType string, _ *driver.WriterOptions) (driver.Writer, error) {
	return &whole.Writer{Send: func(content []byte) error {
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
