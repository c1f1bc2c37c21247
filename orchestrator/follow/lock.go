package follow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/fault"
)

// lock makes this process the one that follows the folder, among those of one data folder: several would do no harm, but
// each would do all the work. The system frees the lock with the process, however it ends. Fault: Conflict where another
// process has it, Invalid where there can be no lock.
func (f *folder) lock() (unlock func(), err error) {
	none := func() {}
	if f.deps.Locks == "" {
		return none, nil
	}
	if err := os.MkdirAll(f.deps.Locks, 0o700); err != nil {
		return none, fault.Invalid("the folder %s cannot be made; name a data folder that can be written", f.deps.Locks).Because(err)
	}
	name := sha256.Sum256([]byte(strings.Join([]string{f.root, f.deps.target(), f.deps.Home}, "\x00")))
	lock := flock.New(filepath.Join(f.deps.Locks, hex.EncodeToString(name[:8])+".lock"))
	held, err := lock.TryLock()
	_, unopened := errors.AsType[*fs.PathError](err)
	switch {
	case held:
		return func() { _ = lock.Unlock() }, nil // the end of the process unlocks as well
	case unopened:
		return none, fault.Invalid("the folder %s cannot be written; make it writable or name another data folder", f.deps.Locks).Because(err)
	case err == nil:
		return none, fault.Conflict("another clipseek process follows %s already; this one takes over when that ends", f.root)
	default:
		f.log(slog.LevelWarn, "followed folder: no lock can be had, so other processes may follow it too", "err", err)
		return none, nil
	}
}
