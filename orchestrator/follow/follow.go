// Package follow keeps a collection like folders: new and changed pictures come within seconds, deleted ones go.
//
// The system tells what happens in a folder (inotify and its like); a scan of the whole folder now and then finds what that
// missed. A file is indexed when it has been left alone for a moment. A row goes when its file has gone and the folder itself
// is there and not empty: an unmounted disk costs nothing. What is done is decided by the folder and the collection
// alone, so a process that was killed catches up by the scan with which it begins.
//
//	f, err := follow.New(cfg, deps)
//	f.Run(ctx)
//
// The package is not for bringing a folder in once (jobs) nor for the work on a batch (ingest).
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// Config says what is followed.
type Config struct {
	Folders    []string      `koanf:"folders"`
	Collection string        `koanf:"collection"` // empty is the default one
	Scan       time.Duration `koanf:"scan"`       // from the end of a scan of the whole folder to the next
	Quiet      time.Duration `koanf:"quiet"`      // a file that did not change for so long is taken for written
}

// Default follows nothing.
func Default() Config { return Config{Scan: 10 * time.Minute, Quiet: time.Second} }

// Validate reports every fault. A folder need not be there.
func (c Config) Validate() error {
	all := []error{
		fault.Within("scan", c.Scan, time.Second, 30*24*time.Hour, "10m"),
		fault.Within("quiet", c.Quiet, 50*time.Millisecond, time.Hour, "1s"),
	}
	if slices.Contains(c.Folders, "") {
		all = append(all, fault.Invalid("folders has an empty name; name folders, for example /srv/pictures"))
	}
	if c.Collection != "" {
		all = append(all, fault.At("collection", index.CheckCollection(c.Collection)))
	}
	return errors.Join(all...)
}

// Deps are the parts that a Follower uses. It closes none of them.
type Deps struct {
	Ingester *ingest.Ingester // of the bulk lane
	// Index opens the collection, or the partition, and makes it if it is told to. Faults: those of index.Database and
	// index.Partitioner; NotFound for what is not there, which is then taken for dropped.
	Index      func(ctx context.Context, make bool) (index.Index, error)
	Collection string                  // that Index opens, or is part of
	Partition  string                  // that Index opens; empty for all of Collection
	Locks      string                  // a folder in which processes agree on who follows what; made if need be
	Home       string                  // names the model and the index, for the locks
	Tell       func(Event)             // hears what is done, if not nil, from several goroutines
	Watch      func() (Watcher, error) // nil is the system's
	Log        *slog.Logger
}

// target is what Index opens, for people.
func (d Deps) target() string {
	if d.Partition == "" {
		return d.Collection
	}
	return d.Collection + "/" + d.Partition
}

// dropped says that what was followed into is not there any more.
func (d Deps) dropped(root string, err error) error {
	what, again := fmt.Sprintf("collection %q", d.Collection), "--collection "+d.Collection
	if d.Partition != "" {
		what, again = fmt.Sprintf("partition %q of %s", d.Partition, what), again+" --partition "+d.Partition
	}
	return fault.NotFound("%s was dropped, so %s is no longer followed; make it again (`clipseek ingest %s PATH`) or restart to have it filled anew",
		what, root, again).Because(err)
}

// Event is something that happened to a followed folder.
type Event struct {
	Folder string `json:"folder"`
	What   What   `json:"what"`
	Path   string `json:"path,omitempty"`   // of the picture
	Reason string `json:"reason,omitempty"` // what is wrong and what to do
	Counts Counts `json:"counts,omitzero"`  // of a scan
}

// What happened.
type What string

// The events.
const (
	Indexed   What = "indexed"   // a picture, new or changed
	Removed   What = "removed"   // the row of a picture that has gone
	Failed    What = "failed"    // a picture; told once for each version of the file
	Following What = "following" // the folder is there, and its scan begins
	Scanned   What = "scanned"
	Waiting   What = "waiting" // for what Reason says
	Warning   What = "warning" // the folder is followed with less than all means
)

// Counts add up what was done.
type Counts struct {
	Indexed int64 `json:"indexed"`
	Removed int64 `json:"removed"`
	Failed  int64 `json:"failed"` // files' versions
}

func (c Counts) less(earlier Counts) Counts {
	return Counts{c.Indexed - earlier.Indexed, c.Removed - earlier.Removed, c.Failed - earlier.Failed}
}

// State is where following a folder stands.
type State string

// The states.
const (
	StateWaiting  State = "waiting"  // nothing is done until what Reason says has changed
	StateScanning State = "scanning" // the whole folder is looked through; changes are heard meanwhile
	StateWatching State = "watching"
)

// Status is how following one folder stands.
type Status struct {
	Folder     string
	Collection string
	State      State
	Reason     string    // what is waited for
	Warning    string    // why changes are found by scans alone, where they are
	Changes    int       // files that wait to be quiet, and to be indexed
	Scanned    time.Time // when the last scan ended; zero for never
	Pictures   int64     // that the last scan found
	Counts     Counts    // since the process began
	Failing    int       // files that are in the folder and cannot be indexed
	Failures   []Failure // the last of them, newest first
}

// Failure is a file that cannot be indexed as it is.
type Failure struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
}

// MostFailures is how many failures a Status holds.
const MostFailures = 100

// Follower follows folders.
type Follower struct {
	folders []*folder
}

// New makes a follower of the configured folders, which need not be there. What lies inside another is followed with it.
// Fault: Invalid.
func New(cfg Config, deps Deps) (*Follower, error) {
	var roots []string
	for _, path := range cfg.Folders {
		root, err := filepath.Abs(path)
		if err != nil {
			return nil, fault.Invalid("%s is not a path", path).Because(err)
		}
		roots = append(roots, root)
	}
	slices.Sort(roots) // an outer folder comes before what lies in it
	f := &Follower{}
	for _, root := range roots {
		if slices.ContainsFunc(f.folders, func(outer *folder) bool { return source.Within(root, outer.root) }) {
			continue
		}
		f.folders = append(f.folders, newFolder(root, cfg, deps))
	}
	return f, nil
}

// Run follows the folders until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, folder := range f.folders {
		all.Go(func() { folder.run(ctx) })
	}
	all.Wait()
}

// Status tells how each folder stands, by name.
func (f *Follower) Status() []Status {
	all := make([]Status, len(f.folders))
	for i, folder := range f.folders {
		all[i] = folder.status()
	}
	return all
}
