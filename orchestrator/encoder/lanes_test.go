package encoder_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// slow takes a second of the test's own time for each picture batch and notes what runs at once.
type slow struct {
	mu      sync.Mutex
	running int
	most    int
	order   []int // batch.N of the batches, as they began
}

func (s *slow) Card() model.Card { return model.Card{Name: "slow"} }

func (s *slow) EncodeText(context.Context, []tokenizer.Tokens) ([]encoder.Vector, error) {
	return nil, nil
}

func (s *slow) EncodeImages(_ context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.order = append(s.order, batch.N)
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.mu.Lock()
	s.running--
	s.mu.Unlock()
	return nil, nil
}

func (s *slow) Close() error { return nil }

const search, bulk = 1, 50 // batch sizes that tell the lanes apart

func TestSearchesOvertakeBulk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{}
		lanes := encoder.NewLanes(inner, inner, encoder.LanesConfig{Searches: 1, Waiting: 10, Bulk: 1})
		var all sync.WaitGroup
		start := func(enc encoder.Encoder, n int) {
			all.Go(func() {
				if _, err := enc.EncodeImages(t.Context(), imageprep.Batch{N: n}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		start(lanes.Bulk(0), bulk)    // runs
		start(lanes.Bulk(0), bulk)    // waits for the first
		start(lanes.Search(), search) // runs beside it
		start(lanes.Search(), search) // waits for its place, and the second bulk batch for it
		began := time.Now()
		all.Wait()
		if want := []int{bulk, search, search, bulk}; !slices.Equal(inner.order, want) || inner.most != 2 {
			t.Errorf("order = %v, at once %d; want %v, at once 2", inner.order, inner.most, want)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %s, want 3s", took)
		}
	})
}

func TestLanesRefuseAndCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{}
		lanes := encoder.NewLanes(inner, inner, encoder.LanesConfig{Searches: 1, Waiting: 1, Bulk: 1})
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 4)
		start := func(enc encoder.Encoder) {
			go func() {
				_, err := enc.EncodeImages(ctx, imageprep.Batch{N: 1})
				results <- err
			}()
			synctest.Wait()
		}
		start(lanes.Search()) // runs
		start(lanes.Search()) // waits
		start(lanes.Bulk(0))  // waits for both
		_, err := lanes.Search().EncodeImages(ctx, imageprep.Batch{N: 1})
		if fault.KindOf(err) != fault.KindOverloaded || fault.RetryAfter(err) == 0 {
			t.Errorf("a third search gives %v", err)
		}
		cancel()
		synctest.Wait()
		for range 2 {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled wait gives %v", err)
			}
		}
		if err := <-results; err != nil { // the running one ends on its own
			t.Error(err)
		}
		ctx = t.Context()
		start(lanes.Bulk(0)) // nothing that was cancelled holds a place
		if err := <-results; err != nil {
			t.Error(err)
		}
	})
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	v := encoder.Vector{3, 4}
	if !encoder.Normalize(v) || v[0] != 0.6 || v[1] != 0.8 {
		t.Errorf("v = %v", v)
	}
	if encoder.Normalize(encoder.Vector{0, 0}) {
		t.Error("a zero vector has no direction")
	}
}
