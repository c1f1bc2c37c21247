package thumbnail

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
)

// Folder keeps files in a folder of this machine, which is made when it is first needed.
type Folder struct{ dir string }

// NewFolder makes no folder yet.
func NewFolder(dir string) Folder { return Folder{dir} }

func (f Folder) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

// Read gives a file.
func (f Folder) Read(_ context.Context, key string) ([]byte, error) {
	content, err := os.ReadFile(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFound("there is no %s", key)
	}
	if err != nil {
		return nil, fault.Internal("%s cannot be read; look at its folder", f.path(key)).Because(err)
	}
	return content, nil
}

// Known tells whether a file is there.
func (f Folder) Known(key string) bool {
	info, err := os.Stat(f.path(key))
	return err == nil && info.Size() > 0
}

// Write writes a file whole or not at all. It does not wait for the disk: what a power cut takes is made again.
func (f Folder) Write(_ context.Context, key string, content []byte) error {
	path := f.path(key)
	err := disk.WriteUnsynced(path, content, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = disk.WriteUnsynced(path, content, 0o600)
		}
	}
	if err != nil {
		return fault.Internal("%s cannot be written; look at its folder, and whether the disk is full", path).Because(err)
	}
	return nil
}
