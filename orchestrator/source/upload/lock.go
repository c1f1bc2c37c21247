package upload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"clipseek/orchestrator/fault"
)

// lockName is, in the folder, what is locked while files go to their places (shared) or are taken from them (alone), and in
// a request's own folder what is locked for as long as its process lives. The system frees locks, however a process ends.
const lockName = ".lock"

// errHeld ends an attempt at a lock that another process has.
var errHeld = errors.New("the lock is another's")

// lockFile locks a file, which is made. how is that of flock. Closing the file unlocks it.
func lockFile(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeld
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// shared keeps files from being taken away while some go to their places. nil is a file system without locks, where none
// are taken away.
func (s *Store) shared() *os.File {
	file, err := lockFile(filepath.Join(s.dir, lockName), syscall.LOCK_SH)
	if err != nil {
		return nil
	}
	return file
}

// alone is for taking files away. It does not wait for requests that are being put to their places: errHeld.
func (s *Store) alone() (*os.File, error) {
	return lockFile(filepath.Join(s.dir, lockName), syscall.LOCK_EX|syscall.LOCK_NB)
}

// unlock lets go of a lock; nil is none.
func unlock(file *os.File) {
	if file != nil {
		_ = file.Close() // nothing was written
	}
}

// mostRooms is how often a request's folder is made before it is given up: another process may tidy it away between its
// making and its lock.
const mostRooms = 10

// newRoom makes a folder for a request, and the lock that shows that somebody is there: nil where the file system has none.
func newRoom(arriving string) (dir string, held *os.File, err error) {
	for range mostRooms {
		if dir, err = os.MkdirTemp(arriving, "*"); err != nil {
			return "", nil, err
		}
		held, err = lockFile(filepath.Join(dir, lockName), syscall.LOCK_EX|syscall.LOCK_NB)
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

// isThere reports whether an open file is still the one of its name.
func isThere(file *os.File, path string) bool {
	of, err := file.Stat()
	if err != nil {
		return false
	}
	at, err := os.Stat(path)
	return err == nil && os.SameFile(of, at)
}
