package encoder

import (
	"context"
	"errors"
	"sync"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// LanesConfig bounds what runs on one encoder at a time.
type LanesConfig struct {
	Searches int `koanf:"searches"` // searches encoded at once
	Waiting  int `koanf:"waiting"`  // searches that may wait for a place; more are refused as Overloaded
	Bulk     int `koanf:"bulk"`     // ingest batches encoded at once
}

// Lanes shares one encoder between people who wait for an answer and ingest, which does not mind.
//
// Searches have places of their own and start whatever bulk work is running; a bulk batch starts only while no search
// runs or waits. So a search shares the machine with at most the bulk batches already under way, and bulk work gets all
// that searches leave. Both lanes are Encoders; their Close does nothing, the owner closes the inner encoders.
type Lanes struct {
	search, bulk Encoder // for each lane
	cfg          LanesConfig
	places       chan struct{} // a search holds one while it runs

	mu       sync.Mutex
	searches int           // running and waiting
	batches  int           // bulk batches running
	changed  chan struct{} // closed and replaced when a bulk batch may be able to start
}

// NewLanes puts two lanes in front of one encoder, given as each lane is to use it: a remote one tells its server apart
// what is urgent; others are given twice.
func NewLanes(search, bulk Encoder, cfg LanesConfig) *Lanes {
	return &Lanes{search: search, bulk: bulk, cfg: cfg, places: make(chan struct{}, cfg.Searches), changed: make(chan struct{})}
}

// Search is the lane of people who wait.
func (l *Lanes) Search() Encoder { return lane{l.search, l.enterSearch, l.leaveSearch, 0} }

// Bulk is the lane of ingest. A search that comes waits for no more than step pictures of it, or shares the machine with
// them; 0 is a whole batch, which suits an encoder that does not run on this machine.
func (l *Lanes) Bulk(step int) Encoder { return lane{l.bulk, l.enterBulk, l.leaveBulk, step} }

func (l *Lanes) enterSearch(ctx context.Context) error {
	l.mu.Lock()
	if l.searches >= l.cfg.Searches+l.cfg.Waiting {
		l.mu.Unlock()
		return fault.Overloaded("%d searches are running or waiting, as many as the configuration allows; try again in a second", l.cfg.Searches+l.cfg.Waiting).After(time.Second)
	}
	l.searches++
	l.mu.Unlock()
	select {
	case l.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.searchDone()
		return ctx.Err()
	}
}

func (l *Lanes) leaveSearch() {
	<-l.places
	l.searchDone()
}

func (l *Lanes) searchDone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.searches--
	l.wakeBulk()
}

func (l *Lanes) enterBulk(ctx context.Context) error {
	for {
		l.mu.Lock()
		if l.searches == 0 && l.batches < l.cfg.Bulk {
			l.batches++
			l.mu.Unlock()
			return nil
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Lanes) leaveBulk() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches--
	l.wakeBulk()
}

// wakeBulk lets waiting bulk batches look again. The caller holds mu.
func (l *Lanes) wakeBulk() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// lane is one side of Lanes.
type lane struct {
	inner Encoder
	enter func(context.Context) error
	leave func()
	step  int // pictures encoded before others get their turn; 0 is all
}

func (n lane) Card() model.Card { return n.inner.Card() }

func (n lane) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]Vector, error) {
	if err := n.enter(ctx); err != nil {
		return nil, err
	}
	defer n.leave()
	return n.inner.EncodeText(ctx, texts)
}

func (n lane) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]Vector, error) {
	if n.step == 0 || batch.N <= n.step || CheckImages(n.Card(), batch) != nil {
		return n.encodeImages(ctx, batch)
	}
	vectors := make([]Vector, 0, batch.N)
	for from := 0; from < batch.N; from += n.step {
		part, err := n.encodeImages(ctx, batch.Part(from, min(batch.N, from+n.step)))
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, part...)
	}
	return vectors, nil
}

func (n lane) encodeImages(ctx context.Context, batch imageprep.Batch) ([]Vector, error) {
	if err := n.enter(ctx); err != nil {
		return nil, err
	}
	defer n.leave()
	return n.inner.EncodeImages(ctx, batch)
}

func (lane) Close() error { return nil }

// DefaultLanes encodes two searches at once, so that one of a picture does not hold up one of a text.
func DefaultLanes() LanesConfig { return LanesConfig{Searches: 2, Waiting: 64, Bulk: 1} }

// Validate reports every fault.
func (c LanesConfig) Validate() error {
	return errors.Join(
		fault.Between("searches", c.Searches, 1, 1024, 2),
		fault.Between("waiting", c.Waiting, 0, 100_000, 64),
		fault.Between("bulk", c.Bulk, 1, 1024, 1),
	)
}
