package upload

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"path"
	"path/filepath"
	"strconv"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Source is Item.Source of uploaded pictures that came in no archive.
const Source = "upload"

// entry is a line of a list: a file, or one that failed.
type entry struct {
	Name    string     `json:"name"`           // as it was sent
	Path    string     `json:"path,omitempty"` // below the folder, slash-separated
	Bytes   int64      `json:"bytes,omitempty"`
	Archive bool       `json:"archive,omitempty"`
	Kind    fault.Kind `json:"kind,omitempty"`
	Reason  string     `json:"reason,omitempty"` // what is wrong with it; "" for a file that is there

	temporary string
}

// List is a source of the files of one upload that are no archives, and of what failed.
type List struct {
	path string
	dir  string
}

var _ source.Source = (*List)(nil)

// IsList reports whether a path is a list of an upload in the folder.
func IsList(name, folder string) bool {
	abs, err := filepath.Abs(folder)
	return err == nil && filepath.Dir(name) == filepath.Join(abs, requestsFolder) && filepath.Ext(name) == listEnding
}

// OpenList reads which archives an upload holds, by their paths. Faults: NotFound, Forbidden, Invalid.
func OpenList(name string) (_ *List, archives []string, err error) {
	l := &List{path: name, dir: filepath.Dir(filepath.Dir(name))}
	for e, err := range l.entries() {
		if err != nil {
			return nil, nil, err
		}
		if e.Archive && e.Reason == "" {
			archives = append(archives, l.at(e))
		}
	}
	return l, archives, nil
}

// Name is the list's path.
func (l *List) Name() string { return l.path }

func (l *List) at(e entry) string { return filepath.Join(l.dir, filepath.FromSlash(e.Path)) }

// entries reads the list.
func (l *List) entries() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		file, _, err := source.OpenFile(l.path)
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer func() { _ = file.Close() }() // nothing was written
		lines := json.NewDecoder(file)
		for {
			var e entry
			err := lines.Decode(&e)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && e.Reason == "" && !filepath.IsLocal(filepath.FromSlash(e.Path)) {
				err = fault.Invalid("%s names a file outside of the folder of uploads", l.path)
			} else if err != nil {
				err = fault.Invalid("%s is no list of an upload, or damaged; send the pictures again", l.path).Because(err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Items lists the files in the order in which they were sent. A place is the number of a line. The label is the folder
// that a file was sent with.
func (l *List) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		done := 0
		if after != "" {
			var err error
			if done, err = strconv.Atoi(after); err != nil || done < 1 {
				yield(source.Item{}, fault.Invalid("%q is no place in %s; begin the listing anew", after, l.path))
				return
			}
		}
		line := 0
		for e, err := range l.entries() {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(source.Item{}, err)
				return
			}
			if line++; line <= done || e.Archive && e.Reason == "" {
				continue
			}
			item, err := l.item(e)
			item.Place = strconv.Itoa(line)
			if !yield(item, err) {
				return
			}
		}
		if done > line {
			yield(source.Item{}, fault.Invalid("%q is no place in %s; begin the listing anew", after, l.path))
		}
	}
}

func (l *List) item(e entry) (source.Item, error) {
	if e.Reason != "" {
		return source.Item{Key: e.Name, Path: e.Name, Source: Source}, &fault.Error{Kind: e.Kind, Message: e.Reason}
	}
	at := l.at(e)
	item := source.Item{Key: at, Path: at, Source: Source, Bytes: e.Bytes}
	if folder := path.Base(path.Dir(e.Name)); folder != "." {
		item.Label = folder
	}
	info, err := source.StatFile(at)
	if err == nil {
		item.Bytes, item.Modified = info.Size(), info.ModTime()
	}
	return item, err
}

// Open opens an item's file.
func (l *List) Open(_ context.Context, item source.Item) (io.ReadCloser, error) {
	file, _, err := source.OpenFile(item.Path)
	if err != nil {
		return nil, err
	}
	return file, nil
}
