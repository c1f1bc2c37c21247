package web

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/line"
)

// List is the source that a text file of URLs is: one a line; empty lines and those that begin with # are passed over.
//
// An item's key and path are its URL as source.NormalURL writes it, and its label is the host. Size and time are unknown
// until it is fetched. A line that is no URL is an item that cannot be had, named FILE:LINE.
type List struct {
	name   string
	client *Client
}

var _ source.Source = (*List)(nil)

// NewList makes a source of a file. Faults: NotFound, Forbidden, Invalid; each names it.
func NewList(path string, client *Client) (*List, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", path).Because(err)
	}
	l := &List{name: absolute, client: client}
	f, err := l.open()
	if err != nil {
		return nil, err
	}
	return l, f.Close()
}

func (l *List) open() (*os.File, error) {
	f, _, err := source.OpenFile(l.name)
	return f, err
}

// Name is the path of the list.
func (l *List) Name() string { return l.name }

// Items lists the URLs in the order of their lines. A place is that of the end of the line.
func (l *List) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		from, err := l.at(after)
		if err != nil {
			yield(source.Item{}, err)
			return
		}
		defer func() { _ = from.Close() }() // nothing was written
		l.list(ctx, from.Reader, yield)
	}
}

// lines is a list that is being read.
type lines struct {
	*line.Reader
	io.Closer
}

func (l *List) at(after string) (_ *lines, err error) {
	place, err := line.ParsePlace(after)
	if err != nil {
		return nil, fault.At(l.name, err)
	}
	f, err := l.open()
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		err = line.Check(f, size, place)
	}
	if err == nil {
		_, err = f.Seek(place.Offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fault.At(l.name, readFault(err)), f.Close())
	}
	return &lines{line.New(f, source.MaxURL, place), f}, nil
}

func (l *List) list(ctx context.Context, from *line.Reader, yield func(source.Item, error) bool) {
	for {
		if ctx.Err() != nil {
			yield(source.Item{}, ctx.Err())
			return
		}
		text, err := from.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && fault.KindOf(err) != fault.KindTooLarge {
			yield(source.Item{Path: l.name, Source: l.name, Place: from.Place().String()}, readFault(err))
			return
		}
		entry := strings.TrimSpace(string(text))
		if err == nil && (entry == "" || entry[0] == '#') {
			continue
		}
		var item source.Item
		if err == nil {
			item, err = newItem(entry)
		}
		if err != nil {
			item.Path = l.name + ":" + strconv.FormatInt(from.Place().Number, 10)
			item.Key = item.Path
		}
		item.Source, item.Place = l.name, from.Place().String()
		if !yield(item, err) {
			return
		}
	}
}

func newItem(entry string) (source.Item, error) {
	if !strings.Contains(entry, "://") {
		return source.Item{}, fault.Invalid("the line is not a URL; for pictures in files name their folder, or a table with a column of paths")
	}
	normal, err := source.NormalURL(entry)
	if err != nil {
		return source.Item{}, err
	}
	return source.Item{Key: normal, Path: normal, Label: Label(normal)}, nil
}

// Label is what a picture of a URL is labelled with: the host.
func Label(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}

// readFault is what keeps a list from being read; faults stay.
func readFault(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Unavailable("the list cannot be read: %s", path.Err).Because(err)
	}
	return fault.Unavailable("the list cannot be read to its end").Because(err)
}

// Open fetches the item.
func (l *List) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	return l.client.Open(ctx, item.Path)
}

// Traces are the records that it named last. One whose URL is not in it any more has gone.
func (l *List) Traces() []source.Traces {
	return []source.Traces{{Name: l.name, Source: l.name, Root: l.name, Lists: true}}
}
