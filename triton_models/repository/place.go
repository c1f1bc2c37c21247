package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// mark begins every configuration of ours; a model folder whose config.pbtxt has it may be written again.
const mark = "# Written by `clipseek model install --triton`"

// unfinished is a file in the repository while an Install is at work; one that stays behind was cut short.
const unfinished = ".clipseek-unfinished"

// part ends the name of a file until it is whole.
const part = ".clipseek-part"

// place is the folder that an Install writes to, locked against others.
type place struct {
	dir  string
	lock *flock.Flock
}

// openPlace makes and locks dir, and refuses one that holds other things unless force is set.
func openPlace(dir string, force bool) (*place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Invalid("%s cannot be made an absolute path", dir).Because(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, unwritable(dir, err)
	}
	p := &place{dir: dir, lock: flock.New(dir, flock.SetFlag(os.O_RDONLY))}
	if held, err := p.lock.TryLock(); err != nil {
		return nil, unwritable(dir, err)
	} else if !held {
		return nil, fault.Conflict("another `clipseek model install` is writing to %s; let it end", dir)
	}
	if !force {
		if err := p.own(); err != nil {
			return nil, p.abandon(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, unfinished), nil, 0o644); err != nil {
		return nil, p.abandon(unwritable(dir, err))
	}
	return p, nil
}

// own refuses a folder that an Install has neither made nor begun, unless it is empty.
func (p *place) own() error {
	if _, err := os.Stat(filepath.Join(p.dir, unfinished)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return unwritable(p.dir, err)
	}
	ours := 0
	for _, name := range []string{ImageModel, TextModel} {
		at := filepath.Join(p.dir, name)
		if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(at, "config.pbtxt"))
		if err != nil || !bytes.HasPrefix(text, []byte(mark)) {
			return fault.Conflict("%s was not written by `clipseek model install`; choose another folder, or add --force to write into it", at).Because(err)
		}
		ours++
	}
	if ours == 0 && len(entries) > 0 {
		return fault.Conflict("%s holds other things (%s); choose an empty folder, or add --force to put %s and %s beside them",
			p.dir, entries[0].Name(), ImageModel, TextModel)
	}
	return nil
}

// finish ends an Install that wrote everything.
func (p *place) finish() error {
	if err := os.Remove(filepath.Join(p.dir, unfinished)); err != nil {
		return p.abandon(unwritable(p.dir, err))
	}
	p.unlock()
	return nil
}

// abandon unlocks and gives err back.
func (p *place) abandon(err error) error {
	p.unlock()
	return err
}

func (p *place) unlock() { _ = p.lock.Unlock() } // the end of the process unlocks as well

// write writes a rendered file unless it is there already.
func (p *place) write(f file) (Written, error) {
	at := p.at(f.path)
	written := Written{Path: at, Bytes: int64(len(f.content))}
	if there, err := os.ReadFile(at); err == nil && bytes.Equal(there, f.content) {
		return written, nil
	}
	written.Changed = true
	return written, replace(at, func(out io.Writer) error {
		_, err := out.Write(f.content)
		return err
	})
}

// copy copies a file of the model unless the same is there already, and holds what it copies against the card.
func (p *place) copy(m *model.Model, name, to string) (Written, error) {
	at := p.at(to)
	in, err := m.Files().Open(name)
	if err != nil {
		return Written{}, fault.Internal("open %s of %s", name, m.Where()).Because(err) // it was there when the model was opened
	}
	defer func() { _ = in.Close() }() // read only: nothing is lost
	info, err := in.Stat()
	if err != nil {
		return Written{}, fault.Internal("stat %s of %s", name, m.Where()).Because(err)
	}
	written := Written{Path: at, Bytes: info.Size()}
	if same(at, info.Size(), m.Card.Files[name]) {
		return written, nil
	}
	written.Changed = true
	return written, replace(at, func(out io.Writer) error {
		hash := sha256.New()
		if _, err := io.Copy(io.MultiWriter(out, hash), in); err != nil {
			return err
		}
		if hex.EncodeToString(hash.Sum(nil)) != m.Card.Files[name] {
			return fault.Conflict("%s: %s changed while it was copied; install again", m.Where(), name)
		}
		return nil
	})
}

func (p *place) at(slashed string) string { return filepath.Join(p.dir, filepath.FromSlash(slashed)) }

// same reports whether the file has this size and SHA-256.
func same(at string, size int64, hash string) bool {
	f, err := os.Open(at)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	if info, err := f.Stat(); err != nil || info.Size() != size {
		return false
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == hash
}

// replace has fill write the file, which takes its name when it is whole and on the disk. The lock keeps others away from
// the part, and a part that an earlier run left is written over.
func replace(at string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return unwritable(filepath.Dir(at), err)
	}
	out, err := os.OpenFile(at+part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return unwritable(at, err)
	}
	if err = errors.Join(fill(out), out.Close()); err == nil {
		err = disk.Rename(at+part, at)
	}
	if err != nil {
		_ = os.Remove(at + part) // the first error is the one to tell
		return unwritable(at, err)
	}
	return nil
}

// unwritable translates what the system says of writing to at.
func unwritable(at string, err error) error {
	return fault.Unwritable(at, err, fmt.Sprintf("there is no room for %s; make some and install again: what is there already is kept", at))
}
