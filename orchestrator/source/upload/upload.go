// Package upload keeps pictures and archives that people send, and is a source of them.
//
// What is sent is written beside its place, below FOLDER/.new, and moved there when all of a request has come: a file to
// FOLDER/HA/SH/NAME, where HASH is 128 bits of its SHA-256 and NAME its name with the folders that it was sent with. So the
// same bytes under the same name are the same file, which is not written twice and whose record is the same; other bytes
// under a name in use are another file; nothing is ever overwritten. A list of what a request brought is FOLDER/requests/ID.upload:
// the one source that a job names. When Commit returns, all of it is on the disk.
//
//	store, err := upload.Open(folder, cfg, archiveCheck)
//	batch, err := store.Begin(ctx, length)
//	err = batch.Add(ctx, "holiday/1.jpg", body)
//	kept, err := batch.Commit()
//
// The package is not for reading requests (httpapi) nor for archives (source/archive).
package upload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"clipseek/orchestrator/fault"
)

const (
	newFolder      = ".new"     // of what is arriving
	requestsFolder = "requests" // of lists
	listEnding     = ".upload"
)

// deadAfter is how long nothing may have been written for a request that a killed process left. Those that arrive are
// written to at least each minute.
const deadAfter = time.Hour

// Check reports whether a file is an archive, and what keeps it from being read. The file may not yet be whole: then only
// what kind it is counts.
type Check func(ctx context.Context, path string, whole bool) (bool, error)

// Store keeps uploads in a folder. It is safe for concurrent use, also by several processes on one folder.
type Store struct {
	dir   string // absolute
	cfg   Config
	check Check
	slots chan struct{}
}

// Open sweeps up what killed processes left in the folder, which is made when it is first needed. Fault: Invalid.
func Open(dir string, cfg Config, check Check) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", dir).Because(err)
	}
	s := &Store{dir: abs, cfg: cfg, check: check, slots: make(chan struct{}, cfg.AtOnce)}
	s.sweep(time.Now().Add(-deadAfter))
	return s, nil
}

// Begin makes room for a request of so many bytes; -1 is unknown. The batch's Close is owed.
// Faults: Overloaded, Unavailable where the disk is full, Forbidden.
func (s *Store) Begin(_ context.Context, length int64) (_ *Batch, err error) {
	select {
	case s.slots <- struct{}{}:
	default:
		return nil, fault.Overloaded("%d uploads are arriving, as many as upload.at_once allows; try again in a moment", cap(s.slots)).After(10 * time.Second)
	}
	defer func() {
		if err != nil {
			<-s.slots
		}
	}()
	arriving := filepath.Join(s.dir, newFolder)
	if err := os.MkdirAll(arriving, 0o700); err != nil {
		return nil, s.unwritable(err)
	}
	if free, err := room(arriving); err != nil {
		return nil, s.unwritable(err)
	} else if length > free {
		return nil, fault.Unavailable("there is no room for an upload of %d bytes: %s has %d free", length, s.dir, free)
	}
	dir, err := os.MkdirTemp(arriving, "*")
	if err != nil {
		return nil, s.unwritable(err)
	}
	return &Batch{store: s, dir: dir, seen: map[string]bool{}}, nil
}

// sweep removes requests that nothing has been written to since a time. What fails is tried by the next.
func (s *Store) sweep(since time.Time) {
	requests, err := filepath.Glob(filepath.Join(s.dir, newFolder, "*"))
	if err != nil {
		return
	}
	for _, request := range requests {
		if files, err := os.ReadDir(request); err == nil && !youngerThan(since, request, files) {
			_ = os.RemoveAll(request)
		}
	}
}

func youngerThan(since time.Time, dir string, files []os.DirEntry) bool {
	if info, err := os.Stat(dir); err != nil || info.ModTime().After(since) {
		return true
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.ModTime().After(since) {
			return true
		}
	}
	return false
}

func (s *Store) unwritable(err error) error {
	return fault.Unwritable(s.dir, err, fmt.Sprintf("there is no room left in %s for uploads; make some and send it again: nothing of it was kept", s.dir))
}

// room is how many bytes may still be written beside a folder.
func room(dir string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * stat.Bsize, nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
