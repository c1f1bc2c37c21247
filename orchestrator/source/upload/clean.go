package upload

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
)

// Cleaned is what Clean removed, or would.
type Cleaned struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// hashDigits is how many digits of a content's hash name its place, the first two of them a folder of their own.
const hashDigits = 32

// HashesIn are the hashes of uploaded files that a record's path may name, wherever the folder of uploads was when it was
// written. Where that lies below a folder which looks like a hash itself there are several; of no upload's there is none.
func HashesIn(path string) (all []string) {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i := 1; i < len(parts)-1; i++ {
		if hash := parts[i-1] + parts[i]; len(parts[i-1]) == 2 && isHash(hash) {
			all = append(all, hash)
		}
	}
	return all
}

// hashOf is the hash of a path below the folder of uploads, "" where it is no file's place.
func hashOf(rel string) string {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	if len(parts) > 2 && len(parts[0]) == 2 && isHash(parts[0]+parts[1]) {
		return parts[0] + parts[1]
	}
	return ""
}

func isHash(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == hashDigits
}

// Clean removes the files at their places that nobody shows: their hashes are not in shown, no list names them, and they
// are a day old. dry only counts them. Requests that have come wait meanwhile for their places. Faults:
// Overloaded while a request goes to its places, Conflict for a file system without locks, Invalid for a damaged list, the context's.
func (s *Store) Clean(ctx context.Context, shown map[string]bool, dry bool) (done Cleaned, err error) {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return done, nil
	}
	lock, err := s.alone()
	if errors.Is(err, errHeld) {
		return done, fault.Overloaded("an upload is just being taken in; try again in a moment")
	}
	if err != nil {
		return done, fault.Conflict("%s is on a file system without locks, so nobody can tell whether an upload needs a file; nothing was removed", s.dir).Because(err)
	}
	defer unlock(lock)
	named, err := s.named()
	if err != nil {
		return done, err
	}
	old := time.Now().Add(-unreadAfter)
	err = filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return s.enter(rel)
		}
		hash := hashOf(rel)
		if hash == "" || shown[hash] || named[hash] {
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.ModTime().After(old) {
			return err
		}
		done.Files++
		done.Bytes += info.Size()
		if !dry {
			return os.Remove(path)
		}
		return nil
	})
	if err == nil && !dry {
		s.removeEmpty()
	}
	return done, err
}

// enter says into which folders, by their paths in that of uploads, Clean goes: HA and SH and what is below them.
func (s *Store) enter(rel string) error {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	if rel == "." || len(parts) == 1 && len(parts[0]) == 2 || len(parts) > 1 && isHash(parts[0]+parts[1]) {
		return nil
	}
	return fs.SkipDir
}

// named are the hashes of what lists name, whichever queue's.
func (s *Store) named() (map[string]bool, error) {
	files, err := os.ReadDir(filepath.Join(s.dir, requestsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := map[string]bool{}
	for _, file := range files {
		if filepath.Ext(file.Name()) != listEnding {
			continue
		}
		l := &List{path: filepath.Join(s.dir, requestsFolder, file.Name()), dir: s.dir}
		for e, err := range l.entries() {
			if err != nil {
				return nil, err
			}
			if hash := hashOf(e.Path); hash != "" {
				all[hash] = true
			}
		}
	}
	return all, nil
}

// removeEmpty removes the folders of places that hold nothing, the deepest first.
func (s *Store) removeEmpty() {
	var folders []string
	_ = filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil //nolint:nilerr // what cannot be read stays
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		if rel != "." && s.enter(rel) == nil {
			folders = append(folders, path)
		}
		return s.enter(rel)
	})
	for i := len(folders) - 1; i >= 0; i-- {
		_ = os.Remove(folders[i]) // only where it is empty
	}
}
