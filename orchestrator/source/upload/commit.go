package upload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clipseek/orchestrator/disk"
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
		if err := disk.SyncFolder(folder); err != nil {
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
	return disk.Write(filepath.Join(b.dir, planName), []byte(text.String()), 0o600)
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
	list := filepath.Join(b.store.dir, requestsFolder, hex.EncodeToString(sum[:16])+b.store.listEnding())
	if err := b.keepList(list, text.String()); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	return Kept{List: list, Title: b.title(), Files: b.files}, nil
}

// keepList brings a list to its place, by way of the request's folder: what a kill leaves there goes with the rest.
func (b *Batch) keepList(list, text string) error {
	if err := disk.MakeFolder(filepath.Dir(list), 0o700); err != nil {
		return err
	}
	file, err := disk.Create(b.dir, 0o600)
	if err != nil {
		return err
	}
	defer file.Drop()
	if _, err := io.WriteString(file, text); err != nil {
		return err
	}
	return file.Keep(list)
}

func (b *Batch) title() string {
	first := b.entries[slices.IndexFunc(b.entries, func(e entry) bool { return e.Reason == "" })].Name
	if len(b.entries) == 1 {
		return "upload of " + first
	}
	return fmt.Sprintf("upload of %d files (%s ...)", len(b.entries), first)
}
