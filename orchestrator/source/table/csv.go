package table

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/line"
)

// csvFormat is CSV as RFC 4180 has it, with a header; the separator may be a comma, a semicolon or a tab.
//
// Values are strings. A column whose header ends in :int, :float or :bool has that type instead, and the ending is not
// part of its name; :string may be written too. Empty cells are left out.
type csvFormat struct {
	file      textFile
	separator rune
	tabs      bool

	header []header
	start  line.Place // of the first row
}

// header is a column.
type header struct {
	name string
	read func(string) (any, error)
}

func (f *csvFormat) describe(context.Context) ([]string, error) {
	from, err := f.file.open(line.Place{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }() // nothing was written
	if f.separator == 0 {
		f.separator = ','
		if f.tabs {
			f.separator = '\t'
		}
	}
	rows := &csvReader{from: from, csvFormat: f, guess: f.options()}
	record, _, err := rows.record()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.Invalid("the table is empty; its first line must name the columns")
	case err != nil:
		return nil, fault.At("the first line, which names the columns", err)
	}
	var names []string
	for i, name := range record {
		if !utf8.ValidString(name) {
			return nil, fault.Invalid("the first line is not UTF-8 text; save the table as CSV in UTF-8")
		}
		h := newHeader(name)
		if h.name == "" {
			h.name = "column_" + strconv.Itoa(i+1)
		}
		if slices.Contains(names, h.name) {
			return nil, fault.Invalid("two columns are named %q; rename one", h.name)
		}
		f.header, names = append(f.header, h), append(names, h.name)
	}
	f.start = rows.end
	return names, nil
}

// options are the separators that the header is searched for.
func (f *csvFormat) options() []rune {
	if f.separator != ',' {
		return nil
	}
	return []rune{',', ';', '\t'}
}

func newHeader(text string) header {
	text = strings.TrimSpace(text)
	name, kind, _ := strings.Cut(text, ":")
	name = strings.TrimSpace(name)
	wrong := func(value, kind string) error {
		return fault.Invalid("the column %q has %q in this row, which is not %s", name, value, kind)
	}
	switch kind {
	case "int":
		return header{name, func(s string) (any, error) {
			if v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
				return v, nil
			}
			return nil, wrong(s, "a whole number")
		}}
	case "float":
		return header{name, func(s string) (any, error) {
			if v, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
				return v, nil
			}
			return nil, wrong(s, "a number")
		}}
	case "bool":
		return header{name, func(s string) (any, error) {
			if v, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s))); err == nil {
				return v, nil
			}
			return nil, wrong(s, "true or false")
		}}
	case "string":
	default:
		name = text
	}
	return header{name, func(s string) (any, error) { return s, nil }}
}

func (f *csvFormat) open(after string) (reader, error) {
	if broken(after) {
		return nothing{}, nil
	}
	place, err := line.ParsePlace(after)
	if err != nil {
		return nil, err
	}
	if place.Offset < f.start.Offset {
		if after != "" {
			return nil, fault.Invalid("%q is no place in the table; begin the listing anew", after)
		}
		place = f.start
	}
	from, err := f.file.open(place)
	if err != nil {
		return nil, err
	}
	return &csvReader{from: from, csvFormat: f}, nil
}

// csvReader gathers the lines of a record before it has them parsed, so that a quote that is never closed costs one row and
// not the rest of the table.
type csvReader struct {
	*csvFormat
	from  *lines
	guess []rune // separators, where the first record is to tell

	ahead  []oneLine // that were taken for a part of a record and are none
	text   bytes.Buffer
	parser *csv.Reader
	end    line.Place // of the record
}

type oneLine struct {
	text []byte
	end  line.Place
}

func (r *csvReader) Close() error { return r.from.Close() }

func (r *csvReader) next() (row, error) {
	record, number, err := r.record()
	out := row{number: number, place: r.end.String(), wrong: err}
	if err != nil && number == 0 {
		return row{}, err
	}
	if err == nil {
		out.cells, out.wrong = r.cells(record)
	}
	return out, nil
}

func (r *csvReader) cells(record []string) ([]cell, error) {
	if len(record) != len(r.header) {
		return nil, fault.Invalid("the row has %d values and the header %d; a value with a separator in it needs quotes", len(record), len(r.header))
	}
	cells := make([]cell, 0, len(record))
	for i, text := range record {
		if text == "" {
			continue
		}
		if !utf8.ValidString(text) {
			return nil, fault.Invalid("the column %q has a value in this row that is not UTF-8 text", r.header[i].name)
		}
		value, err := r.header[i].read(text)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{r.header[i].name, value})
	}
	return cells, nil
}

// record gives the values of a record and the number of its first line, 0 where nothing more can be read.
func (r *csvReader) record() ([]string, int64, error) {
	first, err := r.line()
	for err == nil && len(bytes.TrimSpace(first.text)) == 0 {
		first, err = r.line()
	}
	r.end = first.end
	if err != nil {
		if fault.KindOf(err) == fault.KindTooLarge {
			return nil, first.end.Number, err
		}
		return nil, 0, err
	}
	if r.guess != nil {
		r.separator, r.guess = likeliest(first.text, r.guess), nil
	}
	number := first.end.Number
	group, err := r.gather(first)
	if err != nil {
		r.ahead = append(group[1:], r.ahead...)
		return nil, number, err
	}
	record, err := r.parse(group)
	if err != nil {
		r.ahead = append(group[1:], r.ahead...)
		return nil, number, err
	}
	r.end = group[len(group)-1].end
	return record, number, nil
}

// line gives a line, one of those ahead if there are any. With the fault TooLarge its end is set.
func (r *csvReader) line() (oneLine, error) {
	if len(r.ahead) > 0 {
		one := r.ahead[0]
		r.ahead = r.ahead[1:]
		return one, nil
	}
	text, err := r.from.Next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = readFault(err)
		}
		return oneLine{end: r.from.Place()}, err
	}
	return oneLine{bytes.Clone(text), r.from.Place()}, nil
}

// gather adds the lines that belong to a record because a quote is open.
func (r *csvReader) gather(first oneLine) ([]oneLine, error) {
	group, size := []oneLine{first}, len(first.text)
	for state := scan(outside, first.text, r.separator); state == quoted; {
		next, err := r.line()
		if err != nil || size+len(next.text) > mostLine {
			if err == nil {
				r.ahead = append([]oneLine{next}, r.ahead...)
			}
			return group, fault.Invalid("a quote is opened in this row and not closed")
		}
		size += len(next.text) + 1
		group = append(group, next)
		state = scan(state, next.text, r.separator)
	}
	return group, nil
}

// quoting is where in a record a byte stands.
type quoting int

const (
	outside quoting = iota // before or in a value without quotes
	inside                 // in a value without quotes
	quoted
	closing // behind a quote in a quoted value, which ends it or is doubled
	wrong
)

// scan tells where the end of a line stands.
func scan(state quoting, text []byte, separator rune) quoting {
	for i := 0; i < len(text); i++ {
		c := rune(text[i]) // separators and quotes are ASCII
		switch {
		case state == quoted && c == '"':
			state = closing
		case state == quoted:
		case c == separator:
			state = outside
		case c == '"' && (state == outside || state == closing):
			state = quoted
		case c == '"' || state == closing:
			return wrong
		default:
			state = inside
		}
	}
	return state
}

// parse has the library read a record.
func (r *csvReader) parse(group []oneLine) ([]string, error) {
	if r.parser == nil {
		r.text.Reset()
		r.parser = csv.NewReader(&r.text)
		r.parser.Comma, r.parser.FieldsPerRecord, r.parser.ReuseRecord = r.separator, -1, true
	}
	for _, one := range group {
		r.text.Write(one.text)
		r.text.WriteByte('\n')
	}
	record, err := r.parser.Read()
	if err == nil && r.text.Len() == 0 {
		return record, nil
	}
	r.parser = nil // it may have read ahead
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fault.Invalid("the row is not CSV: %s in column %d of the text", parse.Err, parse.Column).Because(err)
	}
	return nil, fault.Invalid("the row is not CSV").Because(err)
}

// likeliest is the separator that the header has most of, outside quotes.
func likeliest(text []byte, separators []rune) rune {
	best, most := separators[0], 0
	for _, separator := range separators {
		n, open := 0, false
		for _, c := range text {
			if c == '"' {
				open = !open
			} else if rune(c) == separator && !open {
				n++
			}
		}
		if n > most {
			best, most = separator, n
		}
	}
	return best
}

// nothing has no rows.
type nothing struct{}

func (nothing) next() (row, error) { return row{}, io.EOF }
func (nothing) Close() error       { return nil }
