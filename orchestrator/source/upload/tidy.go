package upload

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Ages by which what nobody owns is told, where nothing surer tells.
const (
	deadAfter   = time.Hour      // of a request without a lock; those that arrive are written to at least each minute
	unreadAfter = 24 * time.Hour // of a list that no job names: its job is made right after it, and lists are small
	clocks      = time.Minute    // by how much those of machines that share the folder may differ
)

// Tidied is what Tidy did.
type Tidied struct {
	Requests int // that processes left when they died
	Lists    int // that no job reads any more
}

// Tidy removes what dead processes left of requests, and lists that no job can read any more: those that are a day old
// and not in what wanted gives, the sources of every job there is. It is asked only where a list is old enough, and after the
// list was found. Files at their places stay, but for those of a request that never got its list.
//
// It may run in several processes on one folder at once. What is in use is left for the next time. Faults: those of wanted, the context's.
func (s *Store) Tidy(ctx context.Context, wanted func(context.Context) (map[string]bool, error)) (Tidied, error) {
	var done Tidied
	for _, dir := range s.rooms() {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		switch err := s.clearDead(dir); {
		case err == nil:
			done.Requests++
		case !errors.Is(err, errAlive): // its plan may be asked of lists that would go now
			return done, nil
		}
	}
	old := s.listsBefore(time.Now().Add(-unreadAfter))
	if len(old) == 0 {
		return done, nil
	}
	read, err := wanted(ctx)
	if err != nil {
		return done, err
	}
	for _, list := range old {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		if !read[list] && s.removeList(list) {
			done.Lists++
		}
	}
	return done, nil
}

// rooms are the folders of requests that arrive, or did.
func (s *Store) rooms() (dirs []string) {
	found, err := os.ReadDir(filepath.Join(s.dir, newFolder))
	if err != nil {
		return nil // there is none, or the next look will tell
	}
	for _, entry := range found {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(s.dir, newFolder, entry.Name()))
		}
	}
	return dirs
}

// errAlive is of a request that may still arrive.
var errAlive = errors.New("the request's process lives")

// clearDead removes a request whose process has ended, and what of it got to its place.
func (s *Store) clearDead(dir string) error {
	lock := filepath.Join(dir, lockName)
	_, err := os.Lstat(lock)
	if err == nil {
		var held *flock.Flock
		held, err = tryLock(lock)
		defer unlock(held)
	}
	// Without a lock it died before it had one, is about to have one (and makes another folder then), or cannot have one.
	if errors.Is(err, fs.ErrNotExist) && os.Remove(dir) == nil { // only where it is empty
		return nil
	}
	if errors.Is(err, errHeld) || err != nil && !tooOld(dir) {
		return errAlive
	}
	if err := s.takeBack(dir); err != nil {
		return err
	}
	return removeRoom(dir)
}

// tooOld reports that nothing was written into a request's folder for longer than one that arrives takes.
func tooOld(dir string) bool {
	files, err := os.ReadDir(dir)
	return err == nil && !youngerThan(time.Now().Add(-deadAfter), dir, files)
}

// removeRoom removes a request's folder. The plan goes first, since a file that is missing beside it counts as put to its
// place, and the lock last, so that who dies here leaves what can be told.
func removeRoom(dir string) error {
	if err := os.Remove(filepath.Join(dir, planName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range files {
		if file.Name() == lockName {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// planName is, in a request's folder, the files that are about to go to their places.
const planName = "plan"

// planned is a file that goes to a place where there was none.
type planned struct {
	Temporary string `json:"temporary"` // its name in the request's folder
	Path      string `json:"path"`      // as in entry
}

// takeBack removes from their places the files that a request without a list put there, unless another has come to rely on
// them. A file that is still in the request's folder was not put there by it.
func (s *Store) takeBack(dir string) error {
	file, err := os.Open(filepath.Join(dir, planName))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return err
	}
	lock, err := s.alone()
	if errors.Is(err, errHeld) {
		return err
	}
	if err != nil {
		return nil // without locks nothing at its place is ever taken away
	}
	defer unlock(lock)
	put := map[string]bool{}
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var p planned
		if err := lines.Decode(&p); err != nil {
			break // the end; of a plan that was cut off nothing was done
		}
		if _, err := os.Lstat(filepath.Join(dir, p.Temporary)); errors.Is(err, fs.ErrNotExist) && filepath.IsLocal(filepath.FromSlash(p.Path)) {
			put[p.Path] = true
		}
	}
	if err := s.spare(put, info.ModTime().Add(-clocks)); err != nil {
		return err
	}
	for path := range put {
		s.removeOriginal(path)
	}
	return nil
}

// spare takes from put what a list names that was written since a time: who relies on a file that a request put to its
// place wrote its list later.
func (s *Store) spare(put map[string]bool, since time.Time) error {
	if len(put) == 0 {
		return nil
	}
	lists, err := os.ReadDir(filepath.Join(s.dir, requestsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	for _, file := range lists {
		info, err := file.Info()
		if err != nil || info.ModTime().Before(since) || filepath.Ext(file.Name()) != listEnding {
			continue
		}
		l := &List{path: filepath.Join(s.dir, requestsFolder, file.Name()), dir: s.dir}
		for e, err := range l.entries() {
			if err != nil {
				return err
			}
			delete(put, e.Path)
		}
	}
	return nil
}

// removeOriginal removes a file from its place, and the folders that are empty then. What fails stays.
func (s *Store) removeOriginal(path string) {
	at := s.at(path)
	for err := os.Remove(at); err == nil && filepath.Dir(at) != s.dir; err = os.Remove(at) {
		at = filepath.Dir(at)
	}
}

// listsBefore are the lists of this store's queue that were last written before a time.
func (s *Store) listsBefore(before time.Time) (old []string) {
	dir := filepath.Join(s.dir, requestsFolder)
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil // there is none, or the next look will tell
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), s.listEnding()) {
			continue
		}
		if info, err := file.Info(); err == nil && info.ModTime().Before(before) {
			old = append(old, filepath.Join(dir, file.Name()))
		}
	}
	return old
}

// removeList removes a list, unless the same request has come again since.
func (s *Store) removeList(list string) bool {
	lock, err := s.alone()
	if err != nil {
		return false
	}
	defer unlock(lock)
	info, err := os.Stat(list)
	if err != nil || !info.ModTime().Before(time.Now().Add(-unreadAfter)) {
		return false
	}
	return os.Remove(list) == nil
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
