package archive

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"clipseek/orchestrator/fault"
)

// mostOpen is of how many archives Files keeps something open: workers are in two at a time, where a listing goes from one
// to the next.
const mostOpen = 4

// Files opens archives, and items of archives by their path alone, as records have it. It bounds what is kept of all
// archives together. It is safe for concurrent use.
type Files struct {
	cfg Config

	mu     sync.Mutex
	recent []*Archive // the one used last comes last
}

// NewFiles makes one. Close is owed.
func NewFiles(cfg Config) *Files { return &Files{cfg: cfg} }

// Archive is the archive at path, which is not looked at before it is listed.
func (s *Files) Archive(path string) (*Archive, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", path).Because(err)
	}
	return newArchive(abs, s.cfg, s), nil
}

// Split finds the archive in an item's path: the first part of it before "!/" that is a file.
func Split(path string) (archive, inner string, ok bool) {
	for at := 0; ; {
		i := strings.Index(path[at:], Separator)
		if i < 0 {
			return "", "", false
		}
		at += i + len(Separator)
		archive, inner = path[:at-len(Separator)], path[at:]
		if info, err := os.Stat(archive); err == nil && info.Mode().IsRegular() {
			return archive, inner, inner != ""
		}
	}
}

// Open opens the item of this path and tells its size. The names of an archive are read once, and kept while it is one of
// the last that were used; in a compressed tar, a picture costs a scan of what is before it besides. Faults: those of
// Archive.Open; NotFound also where the path names no archive; TooLarge for a compressed tar that unpacks to more than
// Config.MaxScan.
func (s *Files) Open(ctx context.Context, path string) (io.ReadCloser, int64, error) {
	name, inner, ok := Split(path)
	if !ok {
		return nil, 0, fault.NotFound("%s is not there", path)
	}
	a, err := s.known(name)
	if err != nil {
		return nil, 0, err
	}
	f, err := a.file()
	if err != nil {
		return nil, 0, err
	}
	p, err := a.find(ctx, f, inner, s.cfg.MaxScan)
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, 0, err
	}
	content, err := a.open(ctx, f, inner, p)
	return content, p.size, err
}

// known is the archive at path, with what is kept of it.
func (s *Files) known(path string) (*Archive, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.recent, func(a *Archive) bool { return a.path == path }); i >= 0 {
		return s.recent[i], nil
	}
	return s.Archive(path)
}

// touch says that an archive is in use, and has the one go that was not for longest.
func (s *Files) touch(a *Archive) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.recent, a); i >= 0 {
		s.recent = slices.Delete(s.recent, i, i+1)
	}
	if s.recent = append(s.recent, a); len(s.recent) > mostOpen {
		s.recent[0].kept.close()
		s.recent = slices.Delete(s.recent, 0, 1)
	}
}

// Close lets go of everything; Open works after it, too.
func (s *Files) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.recent {
		a.kept.close()
	}
	s.recent = nil
	return nil
}
