package removal

import (
	"errors"
	"io/fs"
	"path/filepath"

	"clipseek/orchestrator/source"
)

// look remembers which folders are empty.
type look struct {
	empty map[string]string // by folder: the nearest folder that is there, where that is empty, else ""
}

// mostFolders bounds what a look remembers, to some 10 MB.
const mostFolders = 50_000

func newLook() *look { return &look{empty: map[string]string{}} }

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
		empty, err := source.Empty(dir)
		switch {
		case empty:
			return dir
		case !errors.Is(err, fs.ErrNotExist), dir == filepath.Dir(dir):
			return ""
		}
	}
}
