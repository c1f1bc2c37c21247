package source

import (
	"path/filepath"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
)

// Roots are the folders below which requests may name paths. Links are resolved before the comparison, so that a link
// inside a root does not lead out of it.
type Roots struct {
	dirs    []string
	buckets []string // s3://BUCKET or s3://BUCKET/PREFIX, gs:// and azblob:// likewise, without a slash behind
}

// NewRoots resolves the folders. buckets are addresses of object stores, s3://BUCKET or s3://BUCKET/PREFIX, below which requests may name objects.
// Faults: NotFound, Forbidden, Invalid; each names what is wrong.
func NewRoots(dirs []string, buckets ...string) (*Roots, error) {
	r := &Roots{}
	for _, address := range buckets {
		if _, _, err := SplitObject(address); err != nil {
			return nil, err
		}
		r.buckets = append(r.buckets, strings.TrimRight(address, "/"))
	}
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

// Buckets lists where requests may name objects.
func (r *Roots) Buckets() []string { return r.buckets }

// Resolve gives the real path of a path below a root, or the address of an object as it is. A path outside is Forbidden whether it exists or not, so that
// nobody learns what lies there.
func (r *Roots) Resolve(path string) (string, error) {
	outside := func() error {
		if len(r.dirs) == 0 {
			return fault.Forbidden("%s: this service takes pictures from no folder; name folders under ingest.roots, or use `clipseek ingest`", path)
		}
		return fault.Forbidden("%s is outside the folders this service may read: %s", path, strings.Join(r.dirs, ", "))
	}
	if IsObject(path) {
		return r.resolveObject(path)
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

func (r *Roots) resolveObject(address string) (string, error) {
	if _, key, err := SplitObject(address); err != nil {
		return "", err
	} else if slices.ContainsFunc(strings.Split(key, "/"), func(step string) bool { return step == "." || step == ".." }) {
		return "", fault.Invalid("%q has a step . or .., which some stores resolve and others do not", brief(address)) // it may lead out of a prefix
	}
	for _, allowed := range r.buckets {
		if address == allowed || strings.HasPrefix(address, allowed+"/") {
			return address, nil
		}
	}
	if len(r.buckets) == 0 {
		return "", fault.Forbidden("%s: this service takes pictures from no object store; name buckets under ingest.buckets, or use `clipseek ingest`", brief(address))
	}
	return "", fault.Forbidden("%s is outside the buckets this service may read: %s", brief(address), strings.Join(r.buckets, ", "))
}

func (r *Roots) holds(path string) bool {
	for _, dir := range r.dirs {
		if Within(path, dir) {
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
