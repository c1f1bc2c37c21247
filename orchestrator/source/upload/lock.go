package upload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/fault"
)

// lockName is, in the folder, what is locked while files go to their places (shared) or are taken from them (alone), and in
// a request's own folder what is locked for as long as its process lives. The system frees locks, however a process ends.
const lockName = ".lock"

// errHeld ends an attempt at a lock that another process has.
var errHeld = errors.New("the lock is another's")

// shared keeps files from being taken away while some go to their places. On a file system without locks none are taken
// away, so that there is nothing to keep from it.
func (s *Store) shared() *flock.Flock {
	lock := flock.New(filepath.Join(s.dir, lockName))
	_ = lock.RLock()
	return lock
}

// alone is for taking files away. It does not wait for requests that are being put to their places: errHeld.
func (s *Store) alone() (*flock.Flock, error) { return tryLock(filepath.Join(s.dir, lockName)) }

// tryLock locks a file, which is made. Fault: errHeld.
func tryLock(path string) (*flock.Flock, error) {
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, errHeld
	}
	return lock, nil
}

// unlock lets go of a lock; nil is none.
func unlock(lock *flock.Flock) {
	if lock != nil {
		_ = lock.Close() // the system lets go of it at the latest when the process ends
	}
}

// mostRooms is how often a request's folder is made before it is given up: another process may tidy it away between its
// making and its lock.
const mostRooms = 10

// newRoom makes a folder for a request, and the lock that shows that somebody is there: nil where the file system has none.
func newRoom(arriving string) (dir string, held *flock.Flock, err error) {
	for range mostRooms {
		if dir, err = os.MkdirTemp(arriving, "*"); err != nil {
			return "", nil, err
		}
		held, err = tryLock(filepath.Join(dir, lockName))
		switch {
		case errors.Is(err, errHeld), errors.Is(err, fs.ErrNotExist): // it is being tidied away
			continue
		case err != nil:
			return dir, nil, nil //nolint:nilerr // without a lock, age tells whether the process is dead
		}
		if isThere(held, filepath.Join(dir, lockName)) {
			return dir, held, nil
		}
		unlock(held)
	}
	return "", nil, fault.Unavailable("no folder could be made for the upload in %s; send it again", arriving).Because(err)
}

// isThere reports whether a lock's file is still the one of its name.
func isThere(lock *flock.Flock, path string) bool {
	of, err := lock.Stat()
	if err != nil {
		return false
	}
	at, err := os.Stat(path)
	return err == nil && os.SameFile(of, at)
}
