// Package upload keeps pictures and archives that people send, and is a source of them.
//
// What is sent is written beside its place, below FOLDER/.new, and moved there when all of a request has come: a file to
// FOLDER/HA/SH/NAME, where HASH is 128 bits of its SHA-256 and NAME its name with the folders that it was sent with. So the
// same bytes under the same name are the same file, which is not written twice and whose record is the same; other bytes
// under a name in use are another file; nothing is ever overwritten. A list of what a request brought is FOLDER/requests/ID.upload:
// the one source that a job names. When Commit returns, all of it is on the disk. A request that breaks off leaves nothing,
// also where its process dies: Tidy takes what that left, and the lists that no job reads any more. Files at their places stay
// until somebody asks for Clean, which removes those that nobody shows.
//
//	store, err := upload.Open(folder, cfg, archiveCheck)
//	batch, err := store.Begin(ctx, length)
//	err = batch.Add(ctx, "holiday/1.jpg", body)
//	kept, err := batch.Commit()
//	tidied, err := store.Tidy(ctx, sourcesOfJobs) // now and then
//
// The package is not for reading requests (httpapi) nor for archives (source/archive).
package upload

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
)

const (
	newFolder      = ".new"     // of what is arriving
	requestsFolder = "requests" // of lists
	listEnding     = ".upload"
)

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

// Open gives the store of a folder, which is made when it is first needed. Fault: Invalid.
func Open(dir string, cfg Config, check Check) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", dir).Because(err)
	}
	return &Store{dir: abs, cfg: cfg, check: check, slots: make(chan struct{}, cfg.AtOnce)}, nil
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
	if err := disk.MakeFolder(arriving, 0o700); err != nil {
		return nil, s.unwritable(err)
	}
	if free, err := disk.Room(arriving); err != nil {
		return nil, s.unwritable(err)
	} else if length > free {
		return nil, fault.Unavailable("there is no room for an upload of %d bytes: %s has %d free", length, s.dir, free)
	}
	dir, held, err := newRoom(arriving)
	if err != nil {
		return nil, s.unwritable(err)
	}
	return &Batch{store: s, dir: dir, held: held, seen: map[string]bool{}}, nil
}

// at is where a file of an entry's path lies.
func (s *Store) at(path string) string { return filepath.Join(s.dir, filepath.FromSlash(path)) }

// listEnding is that of the lists which jobs of this store's queue read.
func (s *Store) listEnding() string { return "-" + s.cfg.Queue + listEnding }

func (s *Store) unwritable(err error) error {
	return fault.Unwritable(s.dir, err, fmt.Sprintf("there is no room left in %s for uploads; make some and send it again: nothing of it was kept", s.dir))
}
