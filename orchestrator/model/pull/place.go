package pull

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

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
	lock   *os.File
}

// openPlace makes and locks the partial folder of a model. Faults: Conflict (another pull is at work), Forbidden, Invalid,
// Unavailable.
func openPlace(models, name string) (*place, error) {
	p := &place{models: models, name: name, dir: filepath.Join(models, "."+name+".partial")}
	for {
		if err := os.MkdirAll(p.dir, 0o755); err != nil {
			return nil, unwritable(p.dir, err)
		}
		lock, err := os.Open(p.dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the pull that had it has just ended
		}
		if err != nil {
			return nil, unwritable(p.dir, err)
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = lock.Close() // read only
			return nil, fault.Conflict("another `clipseek model pull` is fetching %s into %s; let it end", name, p.dir).Because(err)
		}
		locked, lockErr := lock.Stat()
		there, thereErr := os.Stat(p.dir)
		if lockErr == nil && thereErr == nil && os.SameFile(locked, there) {
			p.lock = lock
			return p, p.recover()
		}
		_ = lock.Close() // it was removed before it was locked: make it again
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

// install syncs the directory that was made and gives it the model's name, in place of one that has it.
func (p *place) install(name string) error {
	made := p.path(modelFolder)
	if err := syncTree(made); err != nil {
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
	if err := os.Rename(made, target); err != nil {
		return unwritable(target, err)
	}
	return syncFolder(p.models)
}

// remove takes the partial folder away; nothing of it is needed any more.
func (p *place) remove() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return unwritable(p.dir, err)
	}
	return nil
}

// close unlocks. Closing alone would not for as long as a process that is just being started has the file too.
func (p *place) close() {
	_ = syscall.Flock(int(p.lock.Fd()), syscall.LOCK_UN) // the end of the process unlocks as well
	_ = p.lock.Close()                                   // read only: nothing is lost
}

// room is how many bytes may still be written beside the models.
func room(dir string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, unwritable(dir, err)
	}
	return int64(stat.Bavail) * stat.Bsize, nil
}

// syncTree has everything below dir on the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(at)
	})
}

func syncFolder(dir string) error {
	if err := syncPath(dir); err != nil {
		return unwritable(dir, err)
	}
	return nil
}

func syncPath(at string) error {
	f, err := os.Open(at)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeFile writes a small file, which appears whole or not at all.
func writeFile(at string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return unwritable(filepath.Dir(at), err)
	}
	f, err := os.OpenFile(at+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return unwritable(at, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(at+".new", at)
	}
	if err != nil {
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
