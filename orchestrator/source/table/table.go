// Package table is the source that a table is: CSV, JSON Lines or Parquet, with a column that names pictures and others
// that describe them.
//
// The picture column holds URLs or paths. The other columns become fields of the records, by the rules of FieldName and of
// each format. A row that is wrong is an item that cannot be had, and the rows after it are read.
//
//	rows, err := table.New("photos.csv", table.Options{Fetch: client.Open})
//
// The package is not for lists of bare URLs (source/web) nor for fetching them (web.Client).
package table

import (
	"context"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Options say how a table is read. The zero value finds the column itself and fetches nothing.
type Options struct {
	Column    string   // that names the pictures; "" looks for the usual names, see pictureNames
	Key       string   // a column whose values name the items in the world, in place of URL or path
	Separator rune     // of CSV; 0 finds out from the header
	Roots     []string // folders where local pictures may lie, beside the table's own
	AnyPath   bool     // local pictures may lie anywhere

	Fetch func(ctx context.Context, url string) (io.ReadCloser, error) // opens URLs
	Note  func(text string)                                            // is told what is left out, each thing once; from any goroutine
}

// Table is the source. An item's key and path are its URL or its absolute path, and its label is the value of the column
// label, or else the host or folder. A row that cannot be had is named TABLE:ROW: by its line in CSV and JSON Lines, by its
// number in Parquet, from 1 both.
type Table struct {
	path    string
	options Options
	layout  layout
	roots   *source.Roots
	columns columns
	notes   notes
}

var _ source.Source = (*Table)(nil)

// layout is how tables of a kind are read.
type layout interface {
	// describe gives the names of the columns; for a format without a header, those of its first row.
	describe(ctx context.Context) ([]string, error)
	// open reads from behind the row whose place is after.
	open(after string) (reader, error)
}

// reader goes through rows.
type reader interface {
	// next gives a row; io.EOF at the end. With another error nothing more can be read.
	next() (row, error)
	io.Closer
}

// row is one row of a table.
type row struct {
	number int64
	place  string
	cells  []cell
	wrong  error // what keeps it from being read
}

// cell is a value of a column: a string, int64, float64, bool or []string.
type cell struct {
	column string
	value  any
}

// Is reports whether a file is a table by its ending.
func Is(path string) bool {
	_, _, ok := kindOf(path)
	return ok
}

// kindOf gives the ending of a table, and of its compression, in lower case.
func kindOf(path string) (kind, compression string, ok bool) {
	name := strings.ToLower(filepath.Base(path))
	compression = filepath.Ext(name)
	switch compression {
	case ".gz", ".zst":
		name = strings.TrimSuffix(name, compression)
	default:
		compression = ""
	}
	kind = filepath.Ext(name)
	switch kind {
	case ".csv", ".tsv", ".jsonl", ".ndjson":
		return kind, compression, true
	case ".parquet":
		return kind, compression, compression == ""
	}
	return "", "", false
}

// New looks at the head of a table. Faults: NotFound, Forbidden; Invalid for a file that is none, that lacks the column (the
// message tells which there are), or two columns of which would be one field.
func New(ctx context.Context, path string, options Options) (*Table, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", path).Because(err)
	}
	kind, compression, ok := kindOf(absolute)
	if !ok {
		return nil, fault.Invalid("%s is not a table: those end in .csv, .tsv, .jsonl or .ndjson, perhaps with .gz or .zst behind, or in .parquet", path)
	}
	t := &Table{path: absolute, options: options, notes: notes{tell: options.Note}}
	text := textFile{absolute, compression}
	switch kind {
	case ".csv", ".tsv":
		t.layout = &csvFormat{file: text, separator: options.Separator, tabs: kind == ".tsv"}
	case ".jsonl", ".ndjson":
		t.layout = &jsonFormat{file: text, note: t.notes.once}
	default:
		t.layout = &parquetFormat{path: absolute, note: t.notes.once}
	}
	if t.roots, err = source.NewRoots(append([]string{filepath.Dir(absolute)}, options.Roots...)); err != nil {
		return nil, err
	}
	names, err := t.layout.describe(ctx)
	if err == nil {
		t.columns, err = choose(names, options)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.At(absolute, err)
	}
	return t, nil
}

// Name is the path of the table.
func (t *Table) Name() string { return t.path }

// Items lists the rows in their order.
func (t *Table) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		rows, err := t.layout.open(after)
		if err != nil {
			yield(source.Item{}, fault.At(t.path, err))
			return
		}
		defer func() { _ = rows.Close() }() // nothing was written
		place := after
		for {
			if ctx.Err() != nil {
				yield(source.Item{}, ctx.Err())
				return
			}
			row, err := rows.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil { // what there is behind this is lost; other sources go on
				yield(source.Item{Key: t.path, Path: t.path, Source: t.path, Place: place + brokenMark}, err)
				return
			}
			place = row.place
			if !yield(t.item(row)) {
				return
			}
		}
	}
}

// brokenMark ends the place of the failure that ends a listing: behind it comes nothing.
const brokenMark = "!"

// Open fetches or opens the item.
func (t *Table) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if source.IsURL(item.Path) {
		if t.options.Fetch == nil {
			return nil, fault.Forbidden("nothing is fetched from the web here")
		}
		return t.options.Fetch(ctx, item.Path)
	}
	real, err := t.local(item.Path) // links may have changed since
	if err != nil {
		return nil, err
	}
	file, _, err := source.OpenFile(real)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// local is the real path of a picture that the table may name.
func (t *Table) local(path string) (string, error) {
	if t.options.AnyPath {
		return path, nil
	}
	real, err := t.roots.Resolve(path)
	if fault.KindOf(err) == fault.KindForbidden {
		return "", fault.Forbidden("%s lies outside the folder of the table, and whoever wrote the table may have meant any file; name the folder under ingest.roots to allow it", path).Because(err)
	}
	return real, err
}

// Traces are the records that it named last. One that is not in it any more has gone, and so has one whose local file has.
func (t *Table) Traces() []source.Traces {
	return []source.Traces{{
		Name: t.path, Source: t.path, Root: t.path, Lists: true,
		File: func(path, _ string) (string, bool) {
			if !filepath.IsAbs(path) {
				return "", true
			}
			return path, true
		},
	}}
}
