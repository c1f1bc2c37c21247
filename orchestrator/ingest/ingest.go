// Package ingest brings the pictures of a source into an index: read, prepare, encode, upsert.
//
// The stages overlap and every one is bounded: the lister asks the index what it knows, workers read, hash and prepare
// pictures, and one collector encodes them in groups and writes them in batches, so that the encoder waits for nothing.
// A picture is unchanged when its size and time, or else its hash, are those of its record. Ids come from the item's
// key, so a run that was cut short repeats work and never loses or doubles any.
//
//	run := ingester.NewRun(photos, collection, nil)
//	err := run.Do(ctx)
//	summary := run.Progress()
//
// The package is not for where pictures come from (source) or for answering requests about runs (jobs).
package ingest

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// Config bounds the stages.
type Config struct {
	Batch    int           `koanf:"batch"`     // records looked up and written at once
	Group    int           `koanf:"group"`     // pictures encoded together
	InFlight int           `koanf:"in_flight"` // groups encoded at once
	Workers  int           `koanf:"workers"`   // pictures read and prepared at once; 0 is one for each core
	Patience time.Duration `koanf:"patience"`  // how long a run waits for an encoder or index that does not answer
	Roots    []string      `koanf:"roots"`     // folders below which requests may name a folder to ingest; empty allows none
}

// Default writes 50 records at once, as the original program did.
func Default() Config { return Config{Batch: 50, Group: 16, InFlight: 1, Patience: 30 * time.Second} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("batch", c.Batch, 1, 10_000, 50),
		fault.Between("group", c.Group, 1, 1024, 16),
		fault.Between("in_flight", c.InFlight, 1, 1024, 1),
		fault.Between("workers", c.Workers, 0, 1024, 0),
		c.checkPatience(),
	)
}

func (c Config) checkPatience() error {
	if c.Patience < 0 {
		return fault.Invalid("patience = %s must be 0s or more, for example 10m", c.Patience)
	}
	return nil
}

// Ingester makes runs that share one encoder. It is safe for concurrent use.
type Ingester struct {
	cfg     Config
	decoder *imageprep.Decoder
	spec    imageprep.Spec
	enc     encoder.Encoder
	model   string // what records say of their vector
	now     func() time.Time
	squares sync.Pool // *[]byte, one prepared picture each
}

// New makes an ingester. The encoder should be the bulk lane; the ingester closes nothing that it is given.
func New(cfg Config, decoder *imageprep.Decoder, spec imageprep.Spec, enc encoder.Encoder) *Ingester {
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	return &Ingester{
		cfg: cfg, decoder: decoder, spec: spec, enc: enc, model: enc.Card().Identity(), now: time.Now,
		squares: sync.Pool{New: func() any { b := make([]byte, spec.Len()); return &b }},
	}
}

// NewRun prepares to bring src into the collection. onFailure, if not nil, is told of each item that fails, from one
// goroutine at a time.
func (g *Ingester) NewRun(src source.Source, collection index.Index, onFailure func(Failure)) *Run {
	return &Run{Ingester: g, src: src, collection: collection, onFailure: onFailure}
}

// Failure is an item that could not be indexed.
type Failure struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`   // of fault.Kind
	Reason string `json:"reason"` // what is wrong and what to do
}

// MostFailures is how many failures a run remembers; all are counted and reported to onFailure.
const MostFailures = 1000

// Progress is the state of a run, or its summary when it is done.
type Progress struct {
	Found     int64         // items of the source; still growing unless Listed
	Listed    bool          // the source has been listed to its end
	Indexed   int64         // encoded and written
	Unchanged int64         // known already
	Failed    int64         // see Failures
	Bytes     int64         // read
	Elapsed   time.Duration // so far, or in all
	Waiting   string        // what is waited for, while the encoder or the index does not answer
	Failures  []Failure     // the first MostFailures
}

// Rate is pictures indexed per second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Indexed) / p.Elapsed.Seconds()
}

// Left estimates the time to go from the items done so far; false while nobody can say.
func (p Progress) Left() (time.Duration, bool) {
	done := p.Indexed + p.Unchanged + p.Failed
	if !p.Listed || done == 0 {
		return 0, false
	}
	return time.Duration(float64(p.Elapsed) / float64(done) * float64(max(0, p.Found-done))), true
}
