// Package ingest brings pictures into an index: read, prepare, encode, upsert.
//
// The unit is a batch of items, some dozens. Batches may be under way at the same time, in any number: they share the
// readers of files, the workers that prepare pictures and the places at the encoder, so that it has the next group ready
// while the last is written. A picture is unchanged when its size and time, or else its hash, are those of its record.
// Ids come from the item's key, so a batch that is done twice, or cut short and done again, loses and doubles nothing.
//
//	result, err := ingester.Do(ctx, ingest.Work{Collection: photos, Source: src, Items: items})
//
// The package is not for where pictures come from (source), nor for cutting a source into batches and keeping count of
// them (jobs).
package ingest

import (
	"errors"
	"runtime"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// Config bounds the work of one process.
type Config struct {
	Group     int           `koanf:"group"`      // pictures encoded together
	InFlight  int           `koanf:"in_flight"`  // groups encoded at once
	Workers   int           `koanf:"workers"`    // pictures prepared at once; 0 is one for each core
	Readers   int           `koanf:"readers"`    // files read at once, or read and waiting for a worker
	ReadAhead int64         `koanf:"read_ahead"` // bytes of files in memory, those at the workers included; a larger one is read alone
	Recent    int           `koanf:"recent"`     // pictures whose vectors are remembered for twins of the same bytes; 0 has every picture encoded
	Patience  time.Duration `koanf:"patience"`   // how long a batch waits for an encoder or index that does not answer
	Roots     []string      `koanf:"roots"`      // folders below which requests may name a folder to ingest; empty allows none
	Buckets   []string      `koanf:"buckets"`    // s3://BUCKET/PREFIX, gs:// or azblob://, below which requests may name objects to ingest; empty allows none
}

// Default encodes 16 pictures at once. A thousand vectors of 768 take 3 MB. Eight photos of 12 megapixels and the two or
// more at the workers are some 50 MB.
func Default() Config {
	return Config{Group: 16, InFlight: 1, Readers: 8, ReadAhead: 64 << 20, Recent: 1000, Patience: 30 * time.Second}
}

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("group", c.Group, 1, 1024, 16),
		fault.Between("in_flight", c.InFlight, 1, 1024, 1),
		fault.Between("workers", c.Workers, 0, 1024, 0),
		fault.Between("readers", c.Readers, 1, 1024, 8),
		c.checkReadAhead(),
		fault.Between("recent", c.Recent, 0, 1_000_000, 1000),
		c.checkPatience(),
	)
}

func (c Config) checkReadAhead() error {
	if c.ReadAhead < 1<<20 {
		return fault.Invalid("read_ahead = %d must be at least %d (1 MiB), for example %d", c.ReadAhead, 1<<20, Default().ReadAhead)
	}
	return nil
}

func (c Config) checkPatience() error {
	if c.Patience < 0 {
		return fault.Invalid("patience = %s must be 0s or more, for example 10m", c.Patience)
	}
	return nil
}

// Ingester does batches. It is safe for concurrent use.
type Ingester struct {
	cfg     Config
	decoder *imageprep.Decoder
	spec    imageprep.Spec
	enc     encoder.Encoder
	model   string // what records say of their vector
	now     func() time.Time

	files   *reading
	workers chan *worker  // a picture needs one while it is prepared
	places  chan struct{} // a group holds one while it is encoded
	groups  sync.Pool     // *imageprep.Batch of cfg.Group pictures
	recent  *lru.Cache[string, encoder.Vector]
	asking  *allowance // of looking for vectors in collections
	small   Thumbnails // nil for none
}

// worker is memory that one picture after the other goes through.
type worker struct {
	file   []byte // the one that is being prepared
	pixels []byte // one prepared picture
}

// New makes an ingester. The encoder should be the bulk lane; the ingester closes nothing that it is given.
func New(cfg Config, decoder *imageprep.Decoder, spec imageprep.Spec, enc encoder.Encoder) *Ingester {
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	g := &Ingester{
		cfg: cfg, decoder: decoder, spec: spec, enc: enc, model: enc.Card().Identity(), now: time.Now,
		files: newReading(cfg.Readers, cfg.ReadAhead), workers: make(chan *worker, cfg.Workers), places: make(chan struct{}, cfg.InFlight),
		asking: newAllowance(),
	}
	g.groups.New = func() any { b := imageprep.NewBatch(cfg.Group, spec.Size); return &b }
	for range cfg.Workers {
		g.workers <- &worker{}
	}
	if cfg.Recent > 0 {
		g.recent, _ = lru.New[string, encoder.Vector](cfg.Recent) // it refuses sizes below 1 only
	}
	return g
}

// KeepThumbnails has a thumbnail made of each picture that is encoded, of the same decode. It is called before the first
// batch.
func (g *Ingester) KeepThumbnails(t Thumbnails) { g.small = t }

// Model is the identity of the model that the vectors are of.
func (g *Ingester) Model() string { return g.model }

// Patience is how long a batch waits for an encoder or index that does not answer.
func (g *Ingester) Patience() time.Duration { return g.cfg.Patience }
