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
	others map[string]share // of batches in which items are tried again
	named  map[string]bool  // those that the outcome of a batch that counts names; whether they have an outcome
	done   map[int]int      // how many of listed are done, by listing
	open   int              // of named, without an outcome
	taken  int              // messages
	newest uint64           // of the messages taken
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
	listing                    int
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
	return &tally{others: map[string]share{}, named: map[string]bool{}, done: map[int]int{}, last: created, samples: []sample{{at: created}}}
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
	now := share{
		done: true, listing: o.Listing, indexed: int64(o.Indexed), unchanged: int64(o.Unchanged), failed: int64(len(o.Failed)), bytes: o.Bytes, next: o.Next,
	}
	was := t.replace(name, now)
	if was.failed > 0 {
		t.failures = slices.DeleteFunc(t.failures, func(f namedFailure) bool { return f.batch == name })
	}
	for _, failed := range o.Failed {
		if len(t.failures) < MostFailures {
			t.failures = append(t.failures, namedFailure{name, failed.failure()})
		}
	}
	if !was.done {
		t.times.Add(o.Times)
	}
	if t.counts(name) {
		t.count(name, was, -1)
		t.count(name, now, +1)
	}
	t.sample(at)
}

// counts reports whether a batch is one of the job's: others may be left over of one that was done anew.
func (t *tally) counts(name string) bool {
	_, listed := numberOf(name)
	_, named := t.named[name]
	return listed || named
}

// count adds a share, with all that followed from its batch, or takes it away.
func (t *tally) count(name string, s share, sign int64) {
	if !s.done {
		return
	}
	t.sum.indexed += sign * s.indexed
	t.sum.unchanged += sign * s.unchanged
	t.sum.failed += sign * s.failed
	t.sum.bytes += sign * s.bytes
	if _, listed := numberOf(name); !listed && t.named[name] != (sign > 0) {
		t.named[name] = sign > 0
		t.open -= int(sign)
	}
	for _, next := range s.next {
		if sign > 0 {
			t.named[next] = false
			t.open++
			t.count(next, t.others[next], sign)
			continue
		}
		t.count(next, t.others[next], sign)
		delete(t.named, next)
		t.open--
	}
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
	if was.done {
		t.done[was.listing]--
	}
	t.done[now.listing]++
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

// complete reports whether all of so many batches of a listing, and all that followed from them, are done.
func (t *tally) complete(batches, listing int) bool { return t.done[listing] >= batches && t.open == 0 }

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
		if t.counts(f.batch) {
			p.Failures = append(p.Failures, f.Failure)
		}
	}
	return p
}
