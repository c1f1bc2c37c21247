package table

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// parquetFormat is Parquet. Flat columns of texts, whole and floating-point numbers, booleans, dates and times are taken,
// and lists of texts; dates become 2006-01-02 and times index.Timestamp. Other columns are left out with a note, and not
// read: a column of pictures' bytes costs nothing.
type parquetFormat struct {
	path string
	note func(string)
}

// mostFooter is the most bytes of what describes a file: some hundred for each column of each group of rows.
const mostFooter = 64 << 20

// column is a column that is taken.
type column struct {
	name  string
	index int // among the leaves
	list  bool
	read  func(parquet.Value) (any, error)
}

// parquetFile is an open file.
type parquetFile struct {
	*parquet.File
	file    *os.File
	columns []column
}

// safely turns a panic of the library, which damaged files cause, into a fault.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Invalid("the Parquet file is damaged").Because(fmt.Errorf("panic: %v", p))
		}
	}()
	return f()
}

func (f *parquetFormat) file() (_ *parquetFile, err error) {
	file, size, err := source.OpenFile(f.path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := checkFooter(file, size); err != nil {
		return nil, err
	}
	opened := &parquetFile{file: file}
	err = safely(func() (err error) {
		opened.File, err = parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
		if err == nil {
			opened.columns = f.take(opened.Root())
		}
		return err
	})
	if err != nil {
		return nil, readFault(err)
	}
	return opened, nil
}

// checkFooter refuses a file before memory is made for a footer of the length that it claims.
func checkFooter(file io.ReaderAt, size int64) error {
	var end [8]byte // the footer's length, and the magic
	if size < int64(len(end)+4) {
		return fault.Invalid("the file is too short for Parquet")
	}
	if _, err := file.ReadAt(end[:], size-int64(len(end))); err != nil {
		return readFault(err)
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	switch {
	case string(end[4:]) == "PARE":
		return fault.Invalid("the Parquet file is encrypted")
	case string(end[4:]) != "PAR1":
		return fault.Invalid("the file is not Parquet, or not whole")
	case length > size-int64(len(end)+4) || length > mostFooter:
		return fault.Invalid("the Parquet file is damaged: its footer would have %d bytes", length)
	}
	return nil
}

// take lists the columns that can be taken.
func (f *parquetFormat) take(root *parquet.Column) []column {
	var taken []column
	for _, top := range root.Columns() {
		leaf, list := top, top.Repeated()
		for !leaf.Leaf() && len(leaf.Columns()) == 1 {
			leaf = leaf.Columns()[0]
			list = list || leaf.Repeated()
		}
		var read func(parquet.Value) (any, error)
		if leaf.Leaf() && leaf.MaxRepetitionLevel() <= 1 && (leaf == top || list) {
			read = reads(leaf.Type())
		}
		if list && read != nil && !isText(leaf.Type()) {
			read = nil
		}
		if read == nil {
			f.note(fmt.Sprintf("the column %q is left out: only texts, numbers, booleans, dates, times and lists of texts are taken", top.Name()))
			continue
		}
		taken = append(taken, column{top.Name(), leaf.Index(), list, read})
	}
	return taken
}

func (f *parquetFormat) describe(context.Context) ([]string, error) {
	opened, err := f.file()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range opened.columns {
		names = append(names, c.name)
	}
	if len(names) == 0 {
		err = fault.Invalid("the table has no column of texts")
	}
	return names, errors.Join(err, opened.file.Close())
}

func (f *parquetFormat) open(after string) (reader, error) {
	if broken(after) {
		return nothing{}, nil
	}
	var rows int64
	if after != "" {
		var err error
		if rows, err = strconv.ParseInt(after, 10, 64); err != nil || rows < 1 {
			return nil, fault.Invalid("%q is no place in the table; begin the listing anew", after)
		}
	}
	opened, err := f.file()
	if err != nil {
		return nil, err
	}
	if rows > opened.NumRows() {
		return nil, errors.Join(fault.Invalid("%q is no place in the table, which may have changed since; begin the listing anew", after), opened.file.Close())
	}
	return &parquetReader{parquetFile: opened, skip: rows, groups: opened.RowGroups()}, nil
}

// parquetReader reads one group of rows after the other.
type parquetReader struct {
	*parquetFile
	number int64 // of rows read or passed over
	skip   int64 // rows to pass over
	groups []parquet.RowGroup
	left   int64 // rows of the group that is read
	values []*cursor
}

func (r *parquetReader) Close() error {
	return errors.Join(safely(r.leave), r.file.Close())
}

// leave ends the group that is read.
func (r *parquetReader) leave() error {
	var all []error
	for _, c := range r.values {
		all = append(all, c.from.Close())
	}
	r.values = nil
	return errors.Join(all...)
}

func (r *parquetReader) next() (out row, err error) {
	err = safely(func() error {
		for r.left == 0 {
			if len(r.groups) == 0 {
				return io.EOF
			}
			if err := r.enter(); err != nil {
				return err
			}
		}
		r.left--
		r.number++
		out = row{number: r.number, place: strconv.FormatInt(r.number, 10)}
		for i, c := range r.columns {
			value, wrong, err := r.values[i].next(c)
			if err != nil {
				return err
			}
			if wrong != nil {
				out.wrong = fault.Invalid("the column %q %s", c.name, fault.Public(wrong)).Because(wrong)
			}
			if value != nil {
				out.cells = append(out.cells, cell{c.name, value})
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		err = readFault(err)
	}
	return out, err
}

// enter begins the next group of rows.
func (r *parquetReader) enter() error {
	if err := r.leave(); err != nil {
		return err
	}
	group := r.groups[0]
	r.groups = r.groups[1:]
	rows := group.NumRows()
	if rows < 0 {
		return fault.Invalid("the Parquet file is damaged")
	}
	passed := min(rows, r.skip)
	r.number += passed
	r.skip -= passed
	if r.left = rows - passed; r.left == 0 {
		return nil
	}
	chunks := group.ColumnChunks()
	for _, c := range r.columns {
		from := parquet.NewColumnChunkValueReader(chunks[c.index])
		r.values = append(r.values, &cursor{from: from})
		if passed > 0 {
			if err := from.SeekToRow(passed); err != nil {
				return err
			}
		}
	}
	return nil
}

// cursor reads the values of a column row by row.
type cursor struct {
	from   parquet.ColumnChunkValueReader
	buffer [64]parquet.Value
	ahead  []parquet.Value // of buffer
}

// peek gives the next value, nil at the end of the column.
func (c *cursor) peek() (*parquet.Value, error) {
	if len(c.ahead) == 0 {
		n, err := c.from.ReadValues(c.buffer[:])
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			return nil, err
		}
		c.ahead = c.buffer[:n]
	}
	return &c.ahead[0], nil
}

// next gives the value of a row: nil for none; wrong where only this value cannot be taken.
func (c *cursor) next(of column) (value any, wrong, err error) {
	var list []string
	for first := true; ; first = false {
		v, err := c.peek()
		switch {
		case err != nil:
			return nil, nil, err
		case v == nil && first:
			return nil, nil, fault.Invalid("the Parquet file is damaged: the column %q ends early", of.name)
		case v == nil || !first && v.RepetitionLevel() == 0:
			if list != nil {
				return list, wrong, nil
			}
			return nil, wrong, nil
		}
		var one any
		if !v.IsNull() {
			one, err = of.read(*v)
		}
		c.ahead = c.ahead[1:]
		if !of.list {
			return one, err, nil
		}
		if err != nil {
			wrong = err
		}
		if s, ok := one.(string); ok {
			list = append(list, s)
		}
	}
}
