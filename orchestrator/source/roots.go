package source

import (
	"path/filepath"
	"strings"

	"clipseek/orchestrator/fault"
)

// Roots are the folders below which requests may name paths. Links are resolved before the comparison, so that a link
// inside a root does not lead out of it.
type Roots struct {
	dirs []string
}

// NewRoots resolves the folders. Faults: NotFound, Forbidden; each names the folder.
func NewRoots(dirs []string) (*Roots, error) {
	r := &Roots{}
	for _, dir := range dirs {
		real, err := resolve(dir)
		if err != nil {
			return nil, err
		}
		r.dirs = append(r.dirs, real)
	}
	return r, nil
}

// Dirs lists the roots, links resolved.
func (r *Roots) Dirs() []string { return r.dirs }

// Resolve gives the real path of a path below a root. A path outside is Forbidden whether it exists or not, so that
// nobody learns what lies there.
func (r *Roots) Resolve(path string) (string, error) {
	outside := func() error {
		if len(r.dirs) == 0 {
			return fault.Forbidden("%s: this service takes pictures from no folder; name folders under ingest.roots, or use `clipseek ingest`", path)
		}
		return fault.Forbidden("%s is outside the folders this service may read: %s", path, strings.Join(r.dirs, ", "))
	}
	if !filepath.IsAbs(path) {
		return "", fault.Invalid("%q is not an absolute path", path)
	}
	if !r.holds(filepath.Clean(path)) {
		return "", outside()
	}
	real, err := resolve(path)
	if err != nil {
		return "", err
	}
	if !r.holds(real) {
		return "", outside()
	}
	return real, nil
}

func (r *Roots) holds(path string) bool {
	for _, dir := range r.dirs {
		if within(path, dir) {
			return true
		}
	}
	return false
}

func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fault.Invalid("%s is not a path", path).Because(err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", pathFault(path, err)
	}
	return real, nil
}
