package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/search"
)

const (
	searchIdle    = 5 * time.Second // of searches with nothing beside them
	searchWarmup  = 10              // searches that are not counted
	mostSearching = 256             // searches at the same time; a search that would be one more counts as failed
)

// searchTimes is what searches took, in milliseconds from the moment at which each was due.
type searchTimes struct {
	Searches int     `json:"searches"`
	Failed   int     `json:"failed"`
	P50      float64 `json:"p50_ms"`
	P95      float64 `json:"p95_ms"`
	Max      float64 `json:"max_ms"`
}

// searchBench compares searches beside an ingest with searches that have the machine to themselves.
type searchBench struct {
	PerSecond int         `json:"per_second"`
	Idle      searchTimes `json:"idle"`
	Ingesting searchTimes `json:"ingesting"`
	RatioP50  float64     `json:"ratio_p50"`
	RatioP95  float64     `json:"ratio_p95"`
}

func newSearchBench(perSecond int, idle, ingesting searchTimes) *searchBench {
	return &searchBench{
		PerSecond: perSecond, Idle: idle, Ingesting: ingesting,
		RatioP50: hundredths(ingesting.P50 / max(idle.P50, 0.001)), RatioP95: hundredths(ingesting.P95 / max(idle.P95, 0.001)),
	}
}

// pacer searches for texts that all differ, at a fixed pace however long the answers take.
type pacer struct {
	searcher  *search.Searcher
	photos    index.Index
	perSecond int
	asked     int // texts so far
}

// warm has what the first searches pay for done.
func (p *pacer) warm(ctx context.Context) error {
	for range searchWarmup {
		if _, err := p.searcher.Search(ctx, p.photos, search.Query{Text: p.text()}); err != nil {
			return err
		}
	}
	return nil
}

// text is one that has not been asked for, of the length that people ask for.
func (p *pacer) text() string {
	colours, things := []string{"red", "green", "blue", "white", "black", "yellow", "brown"}, []string{"car", "dog", "house", "tree", "boat", "flower", "bridge", "cup", "bird", "road", "chair"}
	n := p.asked
	p.asked++
	return fmt.Sprintf("a photo of a %s %s, number %d", colours[n%len(colours)], things[n%len(things)], n)
}

// run searches until ctx ends. Its error is the first that a search met beside being turned away, which is only counted.
func (p *pacer) run(ctx context.Context) (searchTimes, error) {
	var (
		mu     sync.Mutex
		took   []time.Duration
		failed int
		first  error
		all    sync.WaitGroup
	)
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed++
		if !fault.IsPassing(err) {
			first = cmp.Or(first, err)
		}
	}
	places := make(chan struct{}, mostSearching)
	for due := time.Now(); clock.Sleep(ctx, time.Until(due)) == nil; due = due.Add(time.Second / time.Duration(p.perSecond)) {
		select {
		case places <- struct{}{}:
		default:
			fail(fault.Overloaded("%d searches are under way", mostSearching))
			continue
		}
		text := p.text()
		all.Go(func() {
			defer func() { <-places }()
			// A search that has begun is counted to its end.
			if _, err := p.searcher.Search(context.WithoutCancel(ctx), p.photos, search.Query{Text: text}); err != nil {
				fail(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(due))
		})
	}
	all.Wait()
	return newSearchTimes(took, failed), first
}

func newSearchTimes(took []time.Duration, failed int) searchTimes {
	slices.Sort(took)
	at := func(share float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return hundredths(float64(took[max(0, int(math.Ceil(share*float64(len(took))))-1)]) / float64(time.Millisecond))
	}
	return searchTimes{Searches: len(took), Failed: failed, P50: at(0.5), P95: at(0.95), Max: at(1)}
}

// beside runs work with searches beside it, and then searches alone in the collection that is now full.
func (p *pacer) beside(ctx context.Context, work func() error) (*searchBench, error) {
	if err := p.warm(ctx); err != nil {
		return nil, err
	}
	var ingesting searchTimes
	var searchErr error
	var searching sync.WaitGroup
	during, stop := context.WithCancel(ctx)
	searching.Go(func() { ingesting, searchErr = p.run(during) })
	err := work()
	stop()
	searching.Wait()
	if err = cmp.Or(err, searchErr); err != nil {
		return nil, err
	}
	alone, cancel := context.WithTimeout(ctx, searchIdle)
	defer cancel()
	idle, err := p.run(alone)
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	return newSearchBench(p.perSecond, idle, ingesting), nil
}

func (b *searchBench) lines() string {
	line := func(name string, t searchTimes) string {
		return fmt.Sprintf("%s: p50 %.1f ms, p95 %.1f ms, longest %.1f ms, of %d; %d were turned away\n", name, t.P50, t.P95, t.Max, t.Searches, t.Failed)
	}
	return fmt.Sprintf("%d searches a second\n", b.PerSecond) + line("  alone", b.Idle) + line("  beside the ingest", b.Ingesting) +
		fmt.Sprintf("  ratio: p50 %.2f, p95 %.2f\n", b.RatioP50, b.RatioP95)
}
