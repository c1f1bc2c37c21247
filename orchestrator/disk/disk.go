// Package disk writes files that are there wholly or not at all, and have reached the disk when it says so.
//
// What is written lies beside its place under another name until it is whole, then gets its name by one rename: a reader
// sees the old file or the new one and never half of one, whoever writes at the same time, and whatever a kill or a power
// cut interrupts. A writer that is killed leaves no more than a hidden file, .clipseek-*.
//
//	err := disk.Write(path, text, 0o600)
//
//	file, err := disk.Create(folder, 0o644) // for what is long, or gets a name only when all is known
//	defer file.Drop()
//	_, err = io.Copy(file, from)
//	err = file.Keep(path)
//
// Errors are the operating system's as they are; fault.Unwritable says them to a user. Links are not followed: a rename
// replaces one. Locks between processes are github.com/gofrs/flock's.
package disk

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// prefix begins the names of files that are not whole. It hides them, and says whose they are.
const prefix = ".clipseek-"

// Write writes a file, in place of one that has its name. It is on the disk when Write returns. Of permissions, the
// umask takes its share.
func Write(path string, content []byte, permissions fs.FileMode) error {
	return write(path, content, permissions, (*File).Keep)
}

// WriteUnsynced is Write for what can be made again: it does not wait for the disk. A power cut may leave an empty file
// or none.
func WriteUnsynced(path string, content []byte, permissions fs.FileMode) error {
	return write(path, content, permissions, (*File).rename)
}

func write(path string, content []byte, permissions fs.FileMode, keep func(*File, string) error) error {
	f, err := Create(filepath.Dir(path), permissions)
	if err != nil {
		return err
	}
	defer f.Drop()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return keep(f, path)
}

// File is a file that has no name of its own yet. It is for one goroutine.
type File struct {
	file *os.File
	kept bool
}

// Create begins a file in a folder that is there. Drop is owed.
func Create(folder string, permissions fs.FileMode) (*File, error) {
	file, err := os.OpenFile(filepath.Join(folder, prefix+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, permissions)
	if err != nil {
		return nil, err
	}
	return &File{file: file}, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) { return f.file.Write(p) }

// Keep ends the file and gives it its name, in place of a file that has it. path is on the file system of Create's
// folder. The file is on the disk when Keep returns nil.
func (f *File) Keep(path string) error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	if err := f.rename(path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

func (f *File) rename(path string) error {
	if err := f.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.file.Name(), path); err != nil {
		return err
	}
	f.kept = true
	return nil
}

// Drop removes a file that was not kept.
func (f *File) Drop() {
	if !f.kept {
		_ = f.file.Close() // it may be closed, and nobody will read it
		_ = os.Remove(f.file.Name())
	}
}

// Rename gives what somebody else wrote, a file or a whole folder, another name, and not before its content is on the
// disk. A file replaces a file. The name is on the disk when Rename returns nil.
func Rename(from, to string) error {
	if err := Sync(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// Sync has a file, or a folder with all below it, on the disk.
func Sync(path string) error {
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return SyncFolder(path)
		case entry.Type().IsRegular():
			return sync(path)
		}
		return nil
	})
}

func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MakeFolder makes a folder, and those above it that are not there. All of them are on the disk when it returns nil.
func MakeFolder(dir string, permissions fs.FileMode) error {
	var above []string
	for at := filepath.Clean(dir); at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil {
			break
		}
		above = append(above, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, permissions); err != nil {
		return err
	}
	for _, folder := range above {
		if err := SyncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// SyncFolder has the names in a folder on the disk, where the file system can do that: some over a network cannot.
func SyncFolder(dir string) error {
	if err := sync(dir); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// Room is how many bytes a user may still write beside a file or folder.
func Room(path string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(stat.Bavail) * stat.Bsize, nil
}
