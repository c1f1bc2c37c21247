package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
)

// Folders is a source of local folder trees and single files.
//
// A tree is walked in the order of names. Hidden files and folders (a leading dot) are left out below the roots. A
// symbolic link to a file counts as a file; a link to a folder is not followed, so that a loop cannot trap the walk. A
// root that is itself a link is followed, since somebody named it, and paths begin with the link: they stay when it leads
// elsewhere. A single file counts as a picture whatever its ending.
type Folders struct {
	roots []string // absolute, cleaned
}

var _ Source = (*Folders)(nil)

// NewFolders checks that every path is there and makes a source of them.
// Faults: Invalid (no path), NotFound, Forbidden; each names the path.
func NewFolders(paths ...string) (*Folders, error) {
	if len(paths) == 0 {
		return nil, fault.Invalid("no folder or picture is named")
	}
	f := &Folders{}
	for _, path := range paths {
		root, err := filepath.Abs(path)
		if err != nil {
			return nil, fault.Invalid("%s is not a path", path).Because(err)
		}
		if _, err := os.Stat(root); err != nil {
			return nil, pathFault(path, err)
		}
		f.roots = append(f.roots, root)
	}
	return f, nil
}

// Name lists the roots.
func (f *Folders) Name() string { return strings.Join(f.roots, ", ") }

// Items walks the roots one after the other. A file that lies below two of them is yielded once. A place is the number of
// a root and the item's path.
func (f *Folders) Items(ctx context.Context, after string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		first, path, err := f.find(after)
		if err != nil {
			yield(Item{}, err)
			return
		}
		for i, root := range f.roots {
			if i < first || slices.ContainsFunc(f.roots[:i], func(earlier string) bool { return Within(root, earlier) }) {
				continue
			}
			w := walker{root: root, from: root, place: placeOf(i, ""), done: f.roots[:i], yield: yield}
			w.accept = func(path string) bool { return path == root || IsPictureName(path) }
			if i == first {
				w.after = path
			}
			if !w.walk(ctx) {
				return
			}
		}
	}
}

func placeOf(root int, path string) string { return strconv.Itoa(root) + ":" + path }

// find reads a place; "" is before everything.
func (f *Folders) find(place string) (root int, path string, err error) {
	if place == "" {
		return 0, "", nil
	}
	number, path, _ := strings.Cut(place, ":")
	root, err = strconv.Atoi(number)
	if err != nil || root < 0 || root >= len(f.roots) || !Within(path, f.roots[root]) {
		return 0, "", fault.Invalid("%q is no place in %s; begin the listing anew", place, f.Name())
	}
	return root, path, nil
}

// walker yields the accepted files below root that come behind after and are not below one of done.
type walker struct {
	root   string
	from   string // the items' source
	place  string // what places begin with
	after  string
	done   []string
	accept func(path string) bool
	enter  func(dir string) bool // nil for every folder
	yield  func(Item, error) bool
}

// walk reports false when the walk is to end.
func (w *walker) walk(ctx context.Context) bool {
	goOn := true
	give := func(item Item, err error) error {
		item.Place = w.place + item.Path
		if !w.yield(item, err) {
			goOn = false
			return filepath.SkipAll
		}
		return nil
	}
	emit := func(path string) error {
		item, folder, err := fileItem(path, w.from)
		if folder {
			return nil // by a link
		}
		return give(item, err)
	}
	first := enterable(w.root)
	err := filepath.WalkDir(first, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if path == first {
			path = w.root
		}
		if err != nil { // a folder that cannot be listed
			if path == w.after {
				return nil
			}
			return give(Item{Key: path, Path: path, Source: w.from}, pathFault(path, err))
		}
		leaveOut := slices.Contains(w.done, path) || path != w.root && strings.HasPrefix(entry.Name(), ".") || w.passed(path)
		switch {
		case entry.IsDir() && (leaveOut || w.enter != nil && !w.enter(path)):
			return filepath.SkipDir
		case entry.IsDir() || leaveOut || !w.accept(path):
			return nil
		}
		return emit(path)
	})
	if err != nil {
		w.yield(Item{}, err)
		return false
	}
	return goOn
}

// enterable is a root as WalkDir goes into it: a link to a folder needs a separator behind it.
func enterable(root string) string {
	link, err := os.Lstat(root)
	if err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return root
	}
	if to, err := os.Stat(root); err != nil || !to.IsDir() {
		return root
	}
	return root + string(filepath.Separator)
}

// fileItem looks at a file. Its error says why it is no item, but for folders.
func fileItem(path, from string) (item Item, folder bool, err error) {
	item = Item{Key: path, Path: path, Source: from, Label: filepath.Base(filepath.Dir(path))}
	info, err := os.Stat(path) // follows a link to its file
	switch {
	case err != nil:
		return item, false, pathFault(path, err)
	case info.IsDir():
		return item, true, nil
	case !info.Mode().IsRegular():
		return item, false, fault.Invalid("not a regular file (%s)", info.Mode().Type())
	}
	item.Bytes, item.Modified = info.Size(), info.ModTime()
	return item, false, nil
}

// Enters reports whether Items goes into a folder of this path, by its name and those above it.
func (f *Folders) Enters(path string) bool {
	for _, root := range f.roots {
		if !Within(path, root) {
			continue
		}
		below, err := filepath.Rel(root, path)
		hidden := func(name string) bool { return strings.HasPrefix(name, ".") }
		if err == nil && (below == "." || !slices.ContainsFunc(strings.Split(below, string(filepath.Separator)), hidden)) {
			return true
		}
	}
	return false
}

// Lists reports whether Items lists a file of this path, by its name and those above it.
func (f *Folders) Lists(path string) bool {
	return slices.Contains(f.roots, path) || IsPictureName(path) && f.Enters(path)
}

// Item is the item, but for its place, that Items gives for a file that it lists. Faults: NotFound, Forbidden, Invalid for
// what is no file.
func (f *Folders) Item(path string) (Item, error) {
	from := ""
	for _, root := range f.roots {
		if Within(path, root) {
			from = root
			break
		}
	}
	item, folder, err := fileItem(path, from)
	if folder {
		err = fault.Invalid("%s is a folder", path)
	}
	return item, err
}

// passed tells whether the walk has been at path, and at all that lies below it, when it comes to after: it goes through
// the names of each folder in order, and into a folder before it goes on.
func (w *walker) passed(path string) bool {
	if w.after == "" || Within(w.after, path) && w.after != path {
		return false
	}
	separated := func(p string) []string { return strings.Split(p, string(filepath.Separator)) }
	return slices.Compare(separated(path), separated(w.after)) <= 0
}

// Open opens the item's file.
func (f *Folders) Open(_ context.Context, item Item) (io.ReadCloser, error) { return open(item) }

func open(item Item) (io.ReadCloser, error) {
	file, _, err := OpenFile(item.Path)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// OpenFile opens the local file of an item or record and tells its size. Faults: NotFound, Forbidden, Invalid for what
// is no regular file.
func OpenFile(path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, pathFault(path, err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		return file, info.Size(), nil
	}
	_ = file.Close() // nothing was written
	if err != nil {
		return nil, 0, pathFault(path, err)
	}
	return nil, 0, fault.Invalid("%s is not a regular file", path)
}

// StatFile looks at the local file of an item. Faults: those of OpenFile.
func StatFile(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, pathFault(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Invalid("%s is not a regular file", path)
	}
	return info, nil
}

func pathFault(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound("%s is not there", path).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return fault.Forbidden("%s cannot be read: no permission", path).Because(err)
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok { // the system's own words, such as "file name too long"
		return fault.Invalid("%s cannot be read: %s", path, pathErr.Err).Because(err)
	}
	return fault.Internal("read %s", path).Because(err)
}
