package table

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// pictureNames are the columns that are taken for the pictures' where none is named, the first that is there, in any case.
func pictureNames() []string {
	return []string{"url", "path", "image_url", "image", "file", "filename", "file_path", "uri"}
}

// columns are those with a meaning of their own, as the table spells them.
type columns struct {
	picture, key, label string
}

// choose finds the columns among the names that there are. No names are those of an empty table.
func choose(names []string, options Options) (columns, error) {
	if len(names) == 0 {
		return columns{picture: options.Column, key: options.Key}, nil
	}
	find := func(wanted string) string {
		if slices.Contains(names, wanted) {
			return wanted
		}
		if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, wanted) }); i >= 0 {
			return names[i]
		}
		return ""
	}
	c := columns{label: find(index.FieldLabel)}
	if options.Column != "" {
		if c.picture = find(options.Column); c.picture == "" {
			return c, fault.Invalid("there is no column %q; there are %s", options.Column, listed(names))
		}
	} else {
		for _, usual := range pictureNames() {
			if c.picture = find(usual); c.picture != "" {
				break
			}
		}
		if c.picture == "" {
			return c, fault.Invalid("no column is named %s; tell which one names the pictures with --column, there are %s", strings.Join(pictureNames(), ", "), listed(names))
		}
	}
	if options.Key != "" {
		if c.key = find(options.Key); c.key == "" {
			return c, fault.Invalid("there is no column %q for the keys; there are %s", options.Key, listed(names))
		}
	}
	fields := map[string]string{}
	for _, name := range names {
		if name == c.picture || name == c.label {
			continue
		}
		field := FieldName(name)
		if other, twice := fields[field]; twice {
			return c, fault.Invalid("the columns %q and %q would both be the field %s; rename one", other, name, field)
		}
		fields[field] = name
	}
	return c, nil
}

// listed shows the names of columns, as many as a person reads.
func listed(names []string) string {
	const most = 30
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf("%q", names) + more
}

// FieldName is the field that a column becomes. ASCII letters, digits and _ stay, other letters become their code point
// (标 is u6807), everything else _; a digit in front gets one before it. A name that records or filters keep for
// themselves gets _ behind: width is width_, in is in_.
func FieldName(column string) string {
	var b strings.Builder
	for _, r := range column {
		switch {
		case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			b.WriteRune(r)
		case '0' <= r && r <= '9':
			if b.Len() == 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r)
		case r > '~':
			b.WriteString("u" + strconv.FormatInt(int64(r), 16))
		default:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	name := b.String()
	if index.TypeOf(name) != index.TypeAny || index.CheckField(name, nil) != nil && len(name) < 100 { // of a type, or kept
		return name + "_"
	}
	return name
}

// item makes the item of a row.
func (t *Table) item(r row) (source.Item, error) {
	item, err := source.Item{}, r.wrong
	if err == nil {
		item, err = t.read(r.cells)
	}
	if err != nil { // the key, where the row gives one, tells that the item is named all the same
		item = source.Item{Key: item.Key, Path: t.path + ":" + strconv.FormatInt(r.number, 10)}
		item.Key = cmp.Or(item.Key, item.Path)
	}
	item.Source, item.Place = t.path, r.place
	return item, err
}

func (t *Table) read(cells []cell) (item source.Item, err error) {
	picture, key, label := "", "", ""
	for _, c := range cells {
		switch c.column {
		case t.columns.picture:
			if picture, err = text(c); err != nil {
				return item, err
			}
		case t.columns.label:
			label = fmt.Sprint(c.value)
		}
		if c.column == t.columns.key {
			key = fmt.Sprint(c.value)
		}
	}
	switch {
	case picture == "":
		return item, fault.Invalid("the row has nothing in the column %q, which names the picture", t.columns.picture)
	case t.columns.key != "" && key == "":
		return item, fault.Invalid("the row has nothing in the column %q, which is the key", t.columns.key)
	}
	item, err = t.locate(picture)
	if key != "" {
		item.Key = key
	}
	if err != nil {
		return item, err
	}
	if label != "" {
		item.Label = label
	}
	item.Fields, err = t.fields(cells)
	return item, err
}

func text(c cell) (string, error) {
	s, ok := c.value.(string)
	if !ok {
		return "", fault.Invalid("the column %q has %v in this row, not a text", c.column, c.value)
	}
	return strings.TrimSpace(s), nil
}

// locate makes an item of what the picture column says. One that cannot be had has a key where that is known.
func (t *Table) locate(picture string) (source.Item, error) {
	if strings.Contains(picture, "://") {
		address, err := source.NormalURL(picture)
		if err != nil {
			return source.Item{}, err
		}
		item := source.Item{Key: address, Path: address}
		if parsed, err := url.Parse(address); err == nil { // as it was a moment ago
			item.Label = parsed.Hostname()
		}
		return item, nil
	}
	path := filepath.Clean(picture)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(t.path), path)
	}
	real, err := t.local(path)
	if err != nil {
		return source.Item{Key: path}, err
	}
	info, err := source.StatFile(real)
	if err != nil {
		return source.Item{Key: path}, err
	}
	return source.Item{
		Key: path, Path: path, Label: filepath.Base(filepath.Dir(path)),
		Bytes: info.Size(), Modified: info.ModTime(),
	}, nil
}

// fields are the columns without a meaning of their own.
func (t *Table) fields(cells []cell) (map[string]any, error) {
	var fields map[string]any
	for _, c := range cells {
		if c.column == t.columns.picture || c.column == t.columns.label {
			continue
		}
		name := FieldName(c.column)
		if _, twice := fields[name]; twice {
			return nil, fault.Invalid("two columns of the row would be the field %s, %q is one of them; rename it", name, c.column)
		}
		if err := index.CheckField(name, c.value); err != nil {
			return nil, err
		}
		if fields == nil {
			fields = map[string]any{}
		}
		fields[name] = c.value
	}
	return fields, nil
}

// notes tells what is left out, each thing once.
type notes struct {
	tell func(string)

	mu   sync.Mutex
	told map[string]bool
}

// mostNotes are told; a table whose columns never end is not told in full.
const mostNotes = 100

func (n *notes) once(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tell == nil || n.told[text] || len(n.told) == mostNotes {
		return
	}
	if n.told == nil {
		n.told = map[string]bool{}
	}
	n.told[text] = true
	n.tell(text)
}
