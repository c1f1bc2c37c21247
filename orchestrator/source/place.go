package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Within reports whether path is root or lies below it. Both are absolute and cleaned.
func Within(path, root string) bool { return path == root || strings.HasPrefix(path, Below(root)) }

// Below is what the paths below a folder begin with.
func Below(folder string) string {
	return strings.TrimSuffix(folder, string(filepath.Separator)) + string(filepath.Separator)
}

// Gone reports whether a local picture or archive is certainly not there: it is missing, or a folder is in its place. The
// error, the operating system's, is why nobody can say: a folder above it may not be entered, or its disk does not answer.
// A link that leads nowhere is there, because the disk that it leads to may be away.
func Gone(file string) (bool, error) {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return true, nil
	case err != nil:
		return false, err
	case info.Mode().Type() == fs.ModeSymlink:
		info, err = os.Stat(file)
		return err == nil && info.IsDir(), nil
	}
	return info.IsDir(), nil
}

// Empty reports whether there is nothing in a folder, as in one whose disk is not mounted. Errors are the operating
// system's.
func Empty(folder string) (bool, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return false, err
	}
	defer func() { _ = dir.Close() }() // nothing was written
	if _, err = dir.Readdirnames(1); errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}
