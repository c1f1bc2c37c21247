// Package whole is what drivers of gocloud's have in common that read and write whole objects: no ranges, no folders, no
// copies and no signed URLs.
//
// The package is not for what a store is asked (google, azure).
package whole

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

var errUnsupported = errors.New("the driver does not do this")

// Driver is the part of a driver.Bucket that is the same for every store.
type Driver struct{}

// As implements driver.Bucket.
func (Driver) As(any) bool { return false }

// Copy implements driver.Bucket.
func (Driver) Copy(context.Context, string, string, *driver.CopyOptions) error { return errUnsupported }

// SignedURL implements driver.Bucket.
func (Driver) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnsupported
}

// Close implements driver.Bucket.
func (Driver) Close() error { return nil }

// Code is what gocloud calls an error for which the store answered with a status of HTTP; 0 is no answer.
func Code(err error, status int) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, errUnsupported):
		return gcerrors.Unimplemented
	case status == http.StatusNotFound:
		return gcerrors.NotFound
	}
	return gcerrors.Unknown
}

// ErrorAs gives a store's error of type E to who asks for it by a *E, as driver.Bucket's ErrorAs.
func ErrorAs[E error](err error, i any) bool {
	target, ok := i.(*E)
	return ok && errors.As(err, target)
}

// CheckRange refuses a part of an object.
func CheckRange(offset, length int64) error {
	if offset != 0 || length >= 0 {
		return errUnsupported
	}
	return nil
}

// mostListed is how many objects stores tell of at once.
const mostListed = 1000

// PageSize is how many objects a page of a listing has. It refuses a listing of folders.
func PageSize(opts *driver.ListOptions) (int, error) {
	if opts.Delimiter != "" {
		return 0, errUnsupported
	}
	if opts.PageSize == 0 {
		return mostListed, nil
	}
	return opts.PageSize, nil
}

// Reader is an object that is being read.
type Reader struct {
	io.ReadCloser
	About driver.ReaderAttributes
}

// As implements driver.Reader.
func (*Reader) As(any) bool { return false }

// Attributes implements driver.Reader.
func (r *Reader) Attributes() *driver.ReaderAttributes { return &r.About }

// Writer collects an object, which Close sends in one request.
type Writer struct {
	bytes.Buffer
	Send func(content []byte) error
}

// Close implements driver.Writer.
func (w *Writer) Close() error { return w.Send(w.Bytes()) }
