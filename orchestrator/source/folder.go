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
	"strings"

	"clipseek/orchestrator/fault"
)

// Folders is a source of local folder trees and single files.
//
// A tree is walked in the order of names. Hidden files and folders (a leading dot) are left out below the roots. A
// symbolic link to a file counts as a file; a link to a folder is not followed, so that a loop cannot trap the walk. A
// single file counts as a picture whatever its ending, since somebody named it.
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

// Items walks the roots one after the other. A file that lies below two of them is yielded once.
func (f *Folders) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i, root := range f.roots {
			if slices.ContainsFunc(f.roots[:i], func(earlier string) bool { return within(root, earlier) }) {
				continue
			}
			if !walk(ctx, root, f.roots[:i], yield) {
				return
			}
		}
	}
}

// walk yields the pictures below root that are not below one of done, and reports false when the walk is to end.
func walk(ctx context.Context, root string, done []string, yield func(Item, error) bool) bool {
	goOn := true
	stop := func() error {
		goOn = false
		return filepath.SkipAll
	}
	emit := func(path string, entry fs.DirEntry) error {
		item := Item{Key: path, Path: path, Source: root, Label: filepath.Base(filepath.Dir(path))}
		info, err := os.Stat(path) // follows a link to its file
		switch {
		case err != nil:
			err = pathFault(path, err)
		case info.IsDir():
			return nil // a link to a folder
		case !info.Mode().IsRegular():
			err = fault.Invalid("not a regular file (%s)", entry.Type())
		default:
			item.Bytes, item.Modified = info.Size(), info.ModTime()
		}
		if !yield(item, err) {
			return stop()
		}
		return nil
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // a folder that cannot be listed
			if !yield(Item{Key: path, Path: path, Source: root}, pathFault(path, err)) {
				return stop()
			}
			return nil
		}
		leaveOut := slices.Contains(done, path) || path != root && strings.HasPrefix(entry.Name(), ".")
		switch {
		case entry.IsDir() && leaveOut:
			return filepath.SkipDir
		case entry.IsDir() || leaveOut || path != root && !isPictureName(path):
			return nil
		}
		return emit(path, entry)
	})
	if err != nil {
		yield(Item{}, err)
		return false
	}
	return goOn
}

// Open opens the item's file.
func (f *Folders) Open(_ context.Context, item Item) (io.ReadCloser, error) {
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

// within reports whether path is root or lies below it. Both are absolute and cleaned.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator))
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
