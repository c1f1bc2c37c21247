package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Limits of a group.
const (
	longestGroup = 64       // pictures: more of one name cannot be meant
	longestSide  = 64 << 10 // bytes of a side file; all fields of a record have no more
)

// group is entries of a tar that stand together and have one name up to the last point.
type group struct {
	stem     string
	pictures []picture
	loose    map[string]any // of .json
	own      map[string]any // of .txt, .caption and .cls, which win
	err      error          // what is wrong with a side file, and so with its pictures
}

type picture struct {
	item   source.Item
	number int64
	err    error
}

func isSide(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".caption", ".json", ".cls":
		return true
	}
	return false
}

// add reads a side file.
func (g *group) add(e entry) {
	if g.err != nil {
		return
	}
	content, err := e.read(longestSide + 1)
	switch {
	case err != nil: // the next step of the walk meets it again and says where
		return
	case len(content) > longestSide:
		err = fault.TooLarge("it has more than %d bytes", longestSide)
	case !utf8.Valid(content):
		err = fault.Invalid("it is not UTF-8")
	default:
		err = g.read(strings.ToLower(path.Ext(e.name)), bytes.TrimPrefix(content, []byte("\ufeff")))
	}
	g.err = fault.At("its side file "+shown(path.Base(e.name)), err)
}

func (g *group) read(ending string, content []byte) error {
	if g.own == nil {
		g.own = map[string]any{}
	}
	text := strings.TrimSpace(string(content))
	switch ending {
	case ".json":
		var err error
		g.loose, err = objectFields(content)
		return err
	case ".cls":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fault.Invalid("it holds no whole number").Because(err)
		}
		g.own["cls"] = n
	default:
		g.own["caption"] = text
	}
	return nil
}

// objectFields takes the strings, numbers, booleans and lists of strings from the top level of a JSON object. The rest,
// null among it, is left out.
func objectFields(content []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil || object == nil {
		return nil, fault.Invalid("it is not a JSON object").Because(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Invalid("it holds more than one JSON object")
	}
	for name, value := range object {
		if v := fieldValue(value); v != nil {
			object[name] = v
		} else {
			delete(object, name)
		}
	}
	return object, nil
}

// fieldValue is a value as a record's field has it, nil where no field can.
func fieldValue(value any) any {
	switch v := value.(type) {
	case string, bool:
		return v
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if x, err := v.Float64(); err == nil {
			return x
		}
	case []any:
		list := make([]string, len(v))
		for i, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil
			}
			list[i] = s
		}
		return list
	}
	return nil
}

// fields is what each picture gets: an empty map where a group of a tar has no side files, which is to say that there are
// no fields, and nil where the archive cannot say.
func (g *group) fields(grouped bool) map[string]any {
	if !grouped {
		return nil
	}
	fields := maps.Clone(g.loose)
	if fields == nil {
		fields = make(map[string]any, len(g.own))
	}
	maps.Copy(fields, g.own)
	return fields
}
