package upload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
)

// Commit moves the files to their places and writes the list; both are on the disk when it returns. Files that fail are
// in the list with their reasons. Faults: Invalid where there is no file that can be taken; Unavailable, Forbidden.
func (b *Batch) Commit() (Kept, error) {
	if b.files == 0 {
		return Kept{}, b.nothing()
	}
	defer unlock(b.store.shared())
	if err := b.plan(); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	folders := map[string]bool{}
	for i := range b.entries {
		e := &b.entries[i]
		if e.Reason != "" {
			continue
		}
		if err := b.place(*e, folders); err != nil {
			if fault.KindOf(err) != fault.KindInvalid {
				return Kept{}, err
			}
			e.Kind, e.Reason = fault.KindConflict, "the same file is there already under a name that this one would be a folder of, or the other way round; send it under another name"
			if b.files--; b.files == 0 {
				return Kept{}, b.nothing()
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := syncFolder(folder); err != nil {
			return Kept{}, b.store.unwritable(err)
		}
	}
	kept, err := b.list()
	if err == nil {
		b.committed = true
	}
	return kept, err
}

// plan writes down which files go to a place where there is none, so that they can be taken back where this process dies
// before the list is there.
func (b *Batch) plan() error {
	var text strings.Builder
	lines := json.NewEncoder(&text)
	for _, e := range b.entries {
		if e.Reason != "" {
			continue
		}
		if _, err := os.Lstat(b.store.at(e.Path)); err == nil {
			continue
		}
		if err := lines.Encode(planned{Temporary: filepath.Base(e.temporary), Path: e.Path}); err != nil {
			return err
		}
	}
	return writeSynced(filepath.Join(b.dir, planName), text.String())
}

func (b *Batch) nothing() error {
	if len(b.entries) == 0 {
		return fault.Invalid("the upload holds no file; with curl: -F file=@a.jpg -F file=@b.jpg")
	}
	e := b.entries[0]
	first := fault.At(e.Name, &fault.Error{Kind: e.Kind, Message: e.Reason})
	if len(b.entries) == 1 {
		return first
	}
	return fault.Invalid("none of the %d files can be taken; the first: %s", len(b.entries), fault.Public(first))
}

// place moves a file to its place, unless it is there, and adds the folders that are to be synced.
func (b *Batch) place(e entry, folders map[string]bool) error {
	at := b.store.at(e.Path)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return b.store.unwritable(err)
	}
	for dir := filepath.Dir(at); ; dir = filepath.Dir(dir) {
		folders[dir] = true
		if dir == b.store.dir {
			break
		}
	}
	info, err := os.Lstat(at)
	if err == nil && info.Mode().IsRegular() && info.Size() == e.Bytes {
		return nil // the same bytes, by their hash; its time stays, so that its record is unchanged at a glance
	}
	if err := os.Rename(e.temporary, at); err != nil {
		return b.store.unwritable(err)
	}
	return nil
}

// list writes the list of a request under the hash of its content, so that the same request is the same source.
func (b *Batch) list() (Kept, error) {
	var text strings.Builder
	lines := json.NewEncoder(&text)
	for _, e := range b.entries {
		if err := lines.Encode(e); err != nil {
			return Kept{}, fault.Internal("write the list of an upload").Because(err)
		}
	}
	sum := sha256.Sum256([]byte(text.String()))
	dir := filepath.Join(b.store.dir, requestsFolder)
	list := filepath.Join(dir, hex.EncodeToString(sum[:16])+b.store.listEnding())
	temporary := filepath.Join(b.dir, "list")
	if err := errors.Join(os.MkdirAll(dir, 0o700), writeSynced(temporary, text.String())); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	if err := os.Rename(temporary, list); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	if err := errors.Join(syncFolder(dir), syncFolder(b.store.dir)); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	return Kept{List: list, Title: b.title(), Files: b.files}, nil
}

func (b *Batch) title() string {
	first := b.entries[slices.IndexFunc(b.entries, func(e entry) bool { return e.Reason == "" })].Name
	if len(b.entries) == 1 {
		return "upload of " + first
	}
	return fmt.Sprintf("upload of %d files (%s ...)", len(b.entries), first)
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
