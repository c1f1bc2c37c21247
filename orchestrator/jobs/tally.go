package jobs

import (
	"slices"
	"time"

	"clipseek/orchestrator/ingest"
)

// tally adds up the outcomes of a job's batches. It keeps some bytes for each batch, so that one that is done again
// replaces what it was. Manager.mu guards it.
type tally struct {
	listed []share          // by number
	others map[string]share // of batches that try again
	open   map[string]bool  // batches that were announced and have no outcome yet
	done   int              // of listed
	taken  int              // messages
	sum    share
	times  ingest.Times

	failures []namedFailure
	last     time.Time // of the last message
	elapsed  time.Duration
	samples  []sample // of the last window, oldest first
}

// share is what one batch adds.
type share struct {
	done                       bool
	indexed, unchanged, failed int64
	bytes                      int64
	next                       []string
}

func (s share) items() int64 { return s.indexed + s.unchanged + s.failed }

type namedFailure struct {
	batch string
	Failure
}

// sample is how many items were done at a time.
type sample struct {
	at    time.Time
	items int64
}

// The speed of late is that of a window. A pause longer than idle is none of the job's time: nobody worked on it.
const (
	window  = 30 * time.Second
	between = 200 * time.Millisecond // samples
	idle    = time.Minute
)

func newTally(created time.Time) *tally {
	return &tally{others: map[string]share{}, open: map[string]bool{}, last: created, samples: []sample{{at: created}}}
}

// take adds what is known of a batch since a time.
func (t *tally) take(name string, o outcome, at time.Time) {
	t.taken++
	if gap := at.Sub(t.last); gap > 0 {
		t.elapsed += min(gap, idle)
		t.last = at
	}
	if !o.Done {
		return
	}
	now := share{done: true, indexed: int64(o.Indexed), unchanged: int64(o.Unchanged), failed: int64(len(o.Failed)), bytes: o.Bytes, next: o.Next}
	was := t.replace(name, now)
	if was.done && was.failed > 0 {
		t.failures = slices.DeleteFunc(t.failures, func(f namedFailure) bool { return f.batch == name })
	}
	for _, next := range was.next {
		delete(t.open, next)
	}
	for _, next := range now.next {
		if !t.others[next].done {
			t.open[next] = true
		}
	}
	delete(t.open, name)
	for _, failed := range o.Failed {
		if len(t.failures) < MostFailures {
			t.failures = append(t.failures, namedFailure{name, failed.failure()})
		}
	}
	if !was.done {
		t.times.Add(o.Times)
	}
	t.sum.indexed += now.indexed - was.indexed
	t.sum.unchanged += now.unchanged - was.unchanged
	t.sum.failed += now.failed - was.failed
	t.sum.bytes += now.bytes - was.bytes
	t.sample(at)
}

func (t *tally) replace(name string, now share) (was share) {
	number, ok := numberOf(name)
	if !ok {
		was = t.others[name]
		t.others[name] = now
		return was
	}
	for len(t.listed) <= number {
		t.listed = append(t.listed, share{})
	}
	was, t.listed[number] = t.listed[number], now
	if !was.done {
		t.done++
	}
	return was
}

func (t *tally) sample(at time.Time) {
	if n := len(t.samples); n > 1 && at.Sub(t.samples[n-1].at) < between {
		t.samples[n-1].items = t.sum.items()
		return
	}
	t.samples = append(t.samples, sample{at, t.sum.items()})
	for len(t.samples) > 2 && at.Sub(t.samples[1].at) > window {
		t.samples = t.samples[1:]
	}
}

// complete reports whether all of so many listed batches, and all that followed from them, are done.
func (t *tally) complete(batches int) bool { return t.done >= batches && len(t.open) == 0 }

// progress is the state at a time; working, whether somebody is at it.
func (t *tally) progress(now time.Time, working bool) Progress {
	p := Progress{
		Indexed: t.sum.indexed, Unchanged: t.sum.unchanged, Failed: t.sum.failed, Bytes: t.sum.bytes,
		Elapsed: t.elapsed, Times: t.times,
	}
	if working && now.After(t.last) {
		p.Elapsed += min(now.Sub(t.last), idle)
	}
	if first := t.samples[0]; now.Sub(first.at) > 0 && now.Sub(t.last) < window {
		p.Lately = float64(t.sum.items()-first.items) / now.Sub(first.at).Seconds()
	}
	for _, f := range t.failures {
		p.Failures = append(p.Failures, f.Failure)
	}
	return p
}
