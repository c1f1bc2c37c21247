package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/line"
)

// jsonFormat is JSON Lines: an object in each line. Strings, numbers, booleans and lists of strings are taken; a number is
// whole if it is written without a point or exponent. Null is left out in silence, objects and other lists with a note.
type jsonFormat struct {
	file textFile
	note func(string)
}

// fewRows are looked at for one that names the columns.
const fewRows = 1000

func (f *jsonFormat) describe(ctx context.Context) ([]string, error) {
	rows, err := f.open("")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // nothing was written
	var wrong error
	for range fewRows {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r, err := rows.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, wrong
		case err != nil:
			return nil, err
		case r.wrong != nil:
			wrong = r.wrong
			continue
		}
		var names []string
		for _, c := range r.cells {
			names = append(names, c.column)
		}
		return names, nil
	}
	return nil, wrong
}

func (f *jsonFormat) open(after string) (reader, error) {
	if broken(after) {
		return nothing{}, nil
	}
	place, err := line.ParsePlace(after)
	if err != nil {
		return nil, err
	}
	from, err := f.file.open(place)
	if err != nil {
		return nil, err
	}
	return &jsonReader{from, f.note}, nil
}

type jsonReader struct {
	*lines
	note func(string)
}

func (r *jsonReader) next() (row, error) {
	for {
		text, err := r.Next()
		if errors.Is(err, io.EOF) {
			return row{}, io.EOF
		}
		if err != nil && fault.KindOf(err) != fault.KindTooLarge {
			return row{}, readFault(err)
		}
		if err == nil && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		out := row{number: r.Place().Number, place: r.Place().String(), wrong: err}
		if err == nil {
			out.cells, out.wrong = r.cells(text)
		}
		return out, nil
	}
}

func (r *jsonReader) cells(text []byte) ([]cell, error) {
	if !utf8.Valid(text) {
		return nil, fault.Invalid("the line is not UTF-8 text")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	err := decoder.Decode(&object)
	if _, more := decoder.Token(); err == nil && !errors.Is(more, io.EOF) {
		return nil, fault.Invalid("the line has something behind its JSON object")
	}
	if err != nil || object == nil {
		return nil, fault.Invalid("the line is not a JSON object").Because(err)
	}
	cells := make([]cell, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value, err := r.value(name, object[name])
		if err != nil {
			return nil, err
		}
		if value != nil {
			cells = append(cells, cell{name, value})
		}
	}
	return cells, nil
}

func (r *jsonReader) value(name string, value any) (any, error) {
	switch v := value.(type) {
	case string, bool, nil:
		return v, nil
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			if whole, err := v.Int64(); err == nil {
				return whole, nil
			}
		}
		number, err := strconv.ParseFloat(v.String(), 64)
		if err != nil {
			return nil, fault.Invalid("%q has %s in this row, a number that is too large", name, v)
		}
		return number, nil
	case []any:
		if list, ok := texts(v); ok {
			return list, nil
		}
	}
	r.note(fmt.Sprintf("%q is left out where it is no text, number, boolean or list of texts", name))
	return nil, nil
}

func texts(list []any) ([]string, bool) {
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}
