package removal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// look asks the file system, and remembers which folders are empty.
type look struct {
	empty map[string]string // by folder: the nearest folder that is there, where that is empty, else ""
}

// mostFolders bounds what a look remembers, to some 10 MB.
const mostFolders = 50_000

func newLook() *look { return &look{empty: map[string]string{}} }

// gone reports whether a file is known not to be there, or cannot be looked for. A link is there whatever it leads to.
func (l *look) gone(file string) (gone, unknown bool) {
	_, err := os.Lstat(file)
	switch {
	case err == nil:
		return false, false
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return true, false
	}
	return false, true
}

// emptied reports whether the nearest folder above a file that is there is empty, and names it.
func (l *look) emptied(file string) (folder string, empty bool) {
	dir := filepath.Dir(file)
	folder, known := l.empty[dir]
	if !known {
		folder = nearestEmpty(dir)
		if len(l.empty) == mostFolders {
			clear(l.empty)
		}
		l.empty[dir] = folder
	}
	return folder, folder != ""
}

func nearestEmpty(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		f, err := os.Open(dir)
		if err != nil {
			if dir == filepath.Dir(dir) || !errors.Is(err, fs.ErrNotExist) {
				return ""
			}
			continue
		}
		_, err = f.Readdirnames(1)
		_ = f.Close() // nothing was written
		if errors.Is(err, io.EOF) {
			return dir
		}
		return ""
	}
}
