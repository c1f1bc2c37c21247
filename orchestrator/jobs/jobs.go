// Package jobs brings whole sources into collections, durably: a job that was accepted is done, whatever ends in between.
//
// A job is a record in a NATS key-value bucket. One process at a time, which holds the job's lease, lists its source and
// cuts it into small batches, messages of a work queue; any number of processes take batches and write what became of each
// as the one message of the batch's own subject. So a batch that is done twice, because a process died over it, replaces
// its outcome: every item is counted once and every failure is in the ledger once. A job is done when its source has been
// listed and every batch has an outcome. docs/jobs.md has the whole of it.
//
//	m, err := jobs.Open(ctx, cfg, deps)
//	job, err := m.Start(ctx, jobs.Spec{Sources: []string{"/photos"}, Collection: "mine"})
//	m.Work("")
//
// The package is not for the work on a batch (ingest) nor for running NATS (natsd).
package jobs

import (
	"errors"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/tlsclient"
)

// State is where a job stands.
type State string

// The states; the last three are final, until somebody asks to retry.
const (
	Queued   State = "queued"   // no process has begun it
	Running  State = "running"  // begun; it goes on whenever a process works on it
	Paused   State = "paused"   // by request
	Done     State = "done"     // every item is indexed, unchanged, or in the ledger
	Failed   State = "failed"   // something other than an item failed
	Canceled State = "canceled" // by request; what was indexed stays
)

// Final reports whether nothing happens to a job of this state by itself.
func (s State) Final() bool { return s == Done || s == Failed || s == Canceled }

// Config bounds the queue and says where it is.
type Config struct {
	Waiting  int           `koanf:"waiting"`  // unfinished jobs; more are refused as Overloaded
	History  int           `koanf:"history"`  // finished jobs that are remembered, with their ledgers
	Batch    int           `koanf:"batch"`    // items in one batch
	Ahead    int           `koanf:"ahead"`    // batches that may be listed and not yet done
	Parallel int           `koanf:"parallel"` // batches that one process works on at once
	Tries    int           `koanf:"tries"`    // of an item, where another may help, or under which processes die
	Pause    time.Duration `koanf:"pause"`    // before the second try; it grows fourfold with each further one
	Lease    time.Duration `koanf:"lease"`    // after which a silent process is taken for dead
	NATS     NATS          `koanf:"nats"`
}

// NATS says where the queue is.
type NATS struct {
	URL         string           `koanf:"url"`         // nats://host:4222, several separated by commas; empty runs it in this process
	Credentials string           `koanf:"credentials"` // file
	Replicas    int              `koanf:"replicas"`    // of the streams, in a cluster
	TLS         tlsclient.Config `koanf:"tls"`
}

// Default cuts batches of three of ingest's groups, and queues about a million items, some hundred megabytes on disk.
func Default() Config {
	return Config{Waiting: 16, History: 100, Batch: 48, Ahead: 20_000, Parallel: 3, Tries: 3, Pause: 5 * time.Second, Lease: 10 * time.Second, NATS: NATS{Replicas: 1}}
}

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("waiting", c.Waiting, 1, 10_000, 16),
		fault.Between("history", c.History, 1, 100_000, 100),
		fault.Between("batch", c.Batch, 1, 1000, 48),
		fault.Between("ahead", c.Ahead, 1, 10_000_000, 20_000),
		fault.Between("parallel", c.Parallel, 1, 1024, 3),
		fault.Between("tries", c.Tries, 1, 100, 3),
		fault.Within("pause", c.Pause, time.Millisecond, time.Hour, "5s"),
		fault.Within("lease", c.Lease, 300*time.Millisecond, time.Hour, "10s"),
	)
}

// Validate reports every fault.
func (n NATS) Validate() error {
	all := []error{fault.Between("replicas", n.Replicas, 1, 5, 3), n.TLS.Check()}
	if n.URL == "" && (n.Credentials != "" || n.TLS.Enabled || n.Replicas != 1) {
		all = append(all, fault.Invalid("url must name the servers where other keys of nats are given, for example nats://10.0.0.7:4222"))
	}
	return errors.Join(all...)
}

// Spec is what a job is asked to do.
type Spec struct {
	Sources    []string `json:"sources"`         // as the Open of Deps reads them
	Title      string   `json:"title,omitempty"` // what people call the sources, where not by their paths
	Tables     Tables   `json:"tables,omitzero"`
	Collection string   `json:"collection"`
	Partition  string   `json:"partition,omitempty"`
	Sync       Sync     `json:"sync,omitzero"`
}

// Sync says whether what has gone from the sources is removed from the collection when everything else is done.
type Sync struct {
	On    bool  `json:"on,omitempty"`
	Limit int64 `json:"limit,omitempty"` // see removal.Gone.Allow
}

// Tables says how tables among the sources are read.
type Tables struct {
	Column  string `json:"column,omitempty"`   // that names the pictures; empty finds it
	Key     string `json:"key,omitempty"`      // whose values name the items; empty takes URL or path
	AnyPath bool   `json:"any_path,omitempty"` // tables may name files anywhere
}

// Path names the sources for people.
func (s Spec) Path() string {
	if s.Title != "" {
		return s.Title
	}
	return strings.Join(s.Sources, ", ")
}

// Job is a snapshot.
type Job struct {
	ID string
	Spec
	State    State
	Created  time.Time
	Ended    time.Time // zero unless the state is final
	Progress Progress
	Waiting  string // what this process waits for, while something does not answer
	Error    string // why it failed
	Kind     string // and of what fault.Kind that is
}

// MostFailures is how many failures a snapshot holds; Manager.Failures gives all.
const MostFailures = 100

// Progress is how far a job is, or its summary when it is done. Items that wait for another try are none of indexed,
// unchanged and failed.
type Progress struct {
	Found     int64         `json:"found"`  // items listed; still growing unless Listed
	Listed    bool          `json:"listed"` // the source has been listed to its end
	Indexed   int64         `json:"indexed"`
	Unchanged int64         `json:"unchanged"`
	Failed    int64         `json:"failed"`
	Bytes     int64         `json:"bytes"` // read
	Elapsed   time.Duration `json:"elapsed"`
	Lately    float64       `json:"lately"` // items per second of the last half minute
	Times     ingest.Times  `json:"times"`
	Failures  []Failure     `json:"failures,omitempty"` // the first MostFailures
	Removed   int64         `json:"removed,omitempty"`  // records of pictures that have gone
	Notice    string        `json:"notice,omitempty"`   // what was not removed although it was asked for, and why
}

// Failure is an entry of the ledger.
type Failure struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`   // of fault.Kind, or Poison
	Reason string `json:"reason"` // what is wrong and what to do
}

// Poison is the kind of an item under which processes died.
const Poison = "poison"

// Rate is pictures indexed per second of the whole.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Indexed) / p.Elapsed.Seconds()
}

// Left estimates the time to go; false while nobody can say.
func (p Progress) Left() (time.Duration, bool) {
	done := p.Indexed + p.Unchanged + p.Failed
	rate := p.Lately
	if rate == 0 && p.Elapsed > 0 {
		rate = float64(done) / p.Elapsed.Seconds()
	}
	if !p.Listed || rate == 0 {
		return 0, false
	}
	return time.Duration(float64(max(0, p.Found-done)) / rate * float64(time.Second)), true
}
