package follow

import (
	"os"
	"sync"
	"time"

	"clipseek/orchestrator/source"
)

// mostChanges is how many paths are remembered; more are left to a scan. They take some 5 MB.
const mostChanges = 20_000

// changes is the paths that something happened to, until they have been quiet. It is safe for concurrent use.
type changes struct {
	quiet time.Duration
	most  int

	mu    sync.Mutex
	paths map[string]change
	whole time.Time // when the whole folder is to be scanned; zero for not before its time
}

// change is a path as it was when it was last looked at.
type change struct {
	due    time.Time
	folder bool // it was one, and has gone
	state  fileState
}

// fileState is what tells versions of a file apart.
type fileState struct {
	gone     bool
	bytes    int64
	modified time.Time
}

func (s fileState) same(t fileState) bool {
	return s.gone == t.gone && s.bytes == t.bytes && s.modified.Equal(t.modified)
}

// look tells how a file is now.
func look(path string) fileState {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return fileState{bytes: info.Size(), modified: info.ModTime()}
	}
	return fileState{gone: isGone(path)}
}

// isGone reports whether a file is certainly not there: from what nobody can say nothing is concluded.
func isGone(path string) bool {
	gone, err := source.Gone(path)
	return gone && err == nil
}

func newChanges(quiet time.Duration, most int) *changes {
	return &changes{quiet: quiet, most: most, paths: map[string]change{}}
}

// touch remembers that something happened to a file.
func (c *changes) touch(path string) { c.add(path, change{state: look(path)}) }

// lost remembers that a folder has gone.
func (c *changes) lost(path string) { c.add(path, change{folder: true}) }

func (c *changes) add(path string, what change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.whole.IsZero() {
		return // the scan finds it
	}
	what.due = time.Now().Add(c.quiet)
	if c.paths[path] = what; len(c.paths) > c.most {
		c.restart()
	}
}

// rescan has the whole folder scanned soon.
func (c *changes) rescan() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restart()
}

func (c *changes) restart() {
	clear(c.paths)
	c.whole = time.Now().Add(c.quiet)
}

// scan reports whether a scan is asked for and due, which it then is no more.
func (c *changes) scan(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.whole.IsZero() || c.whole.After(now) {
		return false
	}
	c.whole = time.Time{}
	return true
}

func (c *changes) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.paths)
}

func (c *changes) has(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.paths[path]
	return ok
}

// next is when something is due, at the latest until.
func (c *changes) next(until time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.whole.IsZero() && c.whole.Before(until) {
		until = c.whole
	}
	for _, what := range c.paths {
		if what.due.Before(until) {
			until = what.due
		}
	}
	return until
}

// settled is what has been quiet.
type settled struct {
	files   []string
	gone    []string // files
	folders []string // gone
}

// take gives what is due and has not changed since it was last looked at, and forgets it.
func (c *changes) take(now time.Time) settled {
	var out settled
	for _, path := range c.due(now) {
		state := look(path) // not under the lock: a disk may be slow
		c.mu.Lock()
		what, ok := c.paths[path]
		switch {
		case !ok || what.due.After(now): // something happened meanwhile
		case what.folder:
			delete(c.paths, path)
			out.folders = append(out.folders, path)
		case !state.same(what.state):
			c.paths[path] = change{due: now.Add(c.quiet), state: state}
		default:
			delete(c.paths, path)
			if state.gone {
				out.gone = append(out.gone, path)
			} else {
				out.files = append(out.files, path)
			}
		}
		c.mu.Unlock()
	}
	return out
}

func (c *changes) due(now time.Time) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var paths []string
	for path, what := range c.paths {
		if !what.due.After(now) {
			paths = append(paths, path)
		}
	}
	return paths
}
