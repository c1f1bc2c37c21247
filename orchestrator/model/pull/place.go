package pull

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// The folders inside a partial one. What is in modelFolder becomes the model's directory by one rename.
const (
	modelFolder    = "model"    // the directory to be
	weightsFolder  = "weights"  // whole files that are exported
	partsFolder    = "parts"    // files on their way, each with what is known of it
	programsFolder = "programs" // the exporter
	previousFolder = "previous" // the model that is replaced, for the moment between two renames
)

// place is the hidden folder beside a model's directory that a pull works in, locked against others. No card.yaml lies in
// its root, so nothing takes it for a model.
type place struct {
	models string // the folder of all models
	name   string // of the model's directory
	dir    string
	lock   *flock.Flock
}

// openPlace makes and locks the partial folder of a model. Faults: Conflict (another pull is at work), Forbidden, Invalid,
// Unavailable.
func openPlace(models, name string) (*place, error) {
	p := &place{models: models, name: name, dir: filepath.Join(models, "."+name+".partial")}
	p.lock = flock.New(p.dir, flock.SetFlag(os.O_RDONLY))
	for {
		if err := os.MkdirAll(p.dir, 0o755); err != nil {
			return nil, unwritable(p.dir, err)
		}
		held, err := p.lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue // the pull that had it has just ended
		}
		if err != nil {
			return nil, unwritable(p.dir, err)
		}
		if !held {
			return nil, fault.Conflict("another `clipseek model pull` is fetching %s into %s; let it end", name, p.dir)
		}
		locked, lockErr := p.lock.Stat()
		there, thereErr := os.Stat(p.dir)
		if lockErr == nil && thereErr == nil && os.SameFile(locked, there) {
			return p, p.recover()
		}
		p.close() // it was removed before it was locked: make it again
	}
}

// recover puts the model back that a pull was replacing when it was killed between its two renames.
func (p *place) recover() error {
	if _, err := os.Stat(p.target()); err == nil {
		return nil
	}
	previous := filepath.Join(p.dir, previousFolder)
	if _, err := os.Stat(previous); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Rename(previous, p.target()); err != nil {
		return unwritable(p.target(), err)
	}
	return nil
}

func (p *place) target() string { return filepath.Join(p.models, p.name) }

// path is a file or folder of the partial folder, by its slash-separated name.
func (p *place) path(parts ...string) string {
	return filepath.Join(p.dir, filepath.FromSlash(strings.Join(parts, "/")))
}

// install gives the directory that was made the model's name, in place of one that has it.
func (p *place) install(name string) error {
	made := p.path(modelFolder)
	if err := disk.Sync(made); err != nil { // which takes time, so the model that is replaced is not yet moved
		return unwritable(made, err)
	}
	target := filepath.Join(p.models, name)
	previous := p.path(previousFolder)
	if err := os.RemoveAll(previous); err != nil {
		return unwritable(previous, err)
	}
	if err := os.Rename(target, previous); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(target, err)
	}
	if err := disk.Rename(made, target); err != nil {
		return unwritable(target, err)
	}
	return nil
}

// remove takes the partial folder away; nothing of it is needed any more.
func (p *place) remove() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return unwritable(p.dir, err)
	}
	return nil
}

func (p *place) close() { _ = p.lock.Unlock() } // the end of the process unlocks as well

// writeFile writes a small file, which appears whole or not at all.
func writeFile(at string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return unwritable(filepath.Dir(at), err)
	}
	if err := disk.Write(at, content, 0o644); err != nil {
		return unwritable(at, err)
	}
	return nil
}

// isThere reports whether a directory has a model's card.
func isThere(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, model.CardFile))
	return err == nil
}

// unwritable translates what the system says of writing to at.
func unwritable(at string, err error) error {
	return fault.Unwritable(at, err, fmt.Sprintf("there is no room left for %s; make some and pull again: what is here already is kept", at))
}
