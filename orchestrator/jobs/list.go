package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
)

// Bounds of what the lister has not yet stored.
const (
	batchBytes = 128 << 10 // of items in one message; an outcome with as many failures stays below NATS' 1 MiB
	saveEvery  = 64        // batches
	saveAfter  = 500 * time.Millisecond
)

// errNotOurs ends a lister whose job another process lists now, or nobody is to.
var errNotOurs = fault.Conflict("the listing is another's")

// list cuts the source into batches whenever the job needs it and this process holds the lease.
func (r *run) list(ctx context.Context) error {
	for {
		r.mu.Lock()
		changed, needed := r.changed, false
		if j, ok := r.jobs[r.id]; ok {
			needed = j.rec.listing()
		}
		r.mu.Unlock()
		if !needed {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := r.leased(ctx, r.listAs)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, errNotOurs) && !errors.Is(err, context.Canceled):
			return err
		case err != nil:
			if err := clock.Sleep(ctx, r.cfg.Lease/3); err != nil {
				return err
			}
		}
	}
}

// leased calls f while this process holds the job's lease, which it renews. Where another holds it the answer is
// errNotOurs.
func (r *run) leased(ctx context.Context, f func(ctx context.Context, token string) error) error {
	token := rand.Text()
	var revision uint64
	err := r.store.insist(ctx, r.tellQueue, func(ctx context.Context) (err error) {
		revision, err = r.store.leases.Create(ctx, r.id, []byte(token))
		if errors.Is(err, jetstream.ErrKeyExists) {
			return errNotOurs
		}
		return err
	})
	if err != nil {
		return err
	}
	ctx, lost := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		defer lost()
		for clock.Sleep(ctx, r.cfg.Lease/3) == nil {
			if revision, err = r.store.leases.Update(ctx, r.id, []byte(token), revision); err != nil {
				return
			}
		}
	}()
	failed := f(ctx, token)
	lost()
	<-renewed
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.store.leases.Delete(ending, r.id, jetstream.LastRevision(revision)) // it ends by itself otherwise
	return failed
}

func (r *run) tellQueue(err error) { r.waitFor(r.id, err) }

// listAs does what there is to list. The token in the record keeps a lister that lost its lease from moving it.
func (r *run) listAs(ctx context.Context, token string) error {
	err := r.update(ctx, r.id, func(rec *record) error {
		if rec.State.Final() || rec.State == Paused {
			return errNotOurs
		}
		rec.Lister, rec.State = token, Running
		return nil
	})
	if err != nil {
		return err
	}
	rec := r.record()
	if rec.Walked < rec.Round {
		if err := r.walk(ctx, token, rec.Round); err != nil {
			return err
		}
	}
	if rec.Listed {
		return nil
	}
	l := &lister{run: r, token: token, rec: rec} // the first batch is stored at once
	return l.list(ctx)
}

// walk queues the failed items of every batch again.
func (r *run) walk(ctx context.Context, token string, round int) error {
	newest := uint64(0)
	for o, err := range r.store.outcomes(ctx, r.id) {
		if err != nil {
			return err
		}
		newest = max(newest, o.number)
		if !o.Done || len(o.Failed) == 0 || roundOf(o.name) >= round {
			continue
		}
		next := asked(o.name, round)
		b := batch{Items: o.Failed}
		for i := range b.Items {
			b.Items[i].Kind, b.Items[i].Reason = "", ""
		}
		o.Failed, o.Next = nil, append(o.Next, next)
		err = r.store.insist(ctx, r.tellQueue, func(ctx context.Context) error {
			if err := r.store.queue(ctx, r.id, next, r.id+"/"+next, b, cut{listing: o.Listing}); err != nil {
				return err
			}
			number, err := r.store.put(ctx, r.id, o.name, o.outcome)
			newest = max(newest, number)
			return err
		})
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.moved(ctx, token, func(rec *record) { rec.Walked, rec.Awaits = round, newest })
}

// moved stores a step of the listing.
func (r *run) moved(ctx context.Context, token string, step func(*record)) error {
	return r.update(ctx, r.id, func(rec *record) error {
		if rec.Lister != token || rec.State != Running {
			return errNotOurs
		}
		step(rec)
		return nil
	})
}

// lister is one listing, from the place that the record has.
type lister struct {
	*run
	token string
	rec   record // as far as it is queued
	saved time.Time
	since int // batches queued since then

	items []item
	bytes int
}

func (l *lister) list(ctx context.Context) error {
	for try := 1; ; try++ {
		err := l.each(ctx)
		if ctx.Err() != nil || errors.Is(err, errNotOurs) {
			return errors.Join(ctx.Err(), err)
		}
		if err == nil {
			err = l.queueUp(ctx)
			l.rec.Listed = true
			return errors.Join(err, l.save(ctx))
		}
		switch {
		case fault.KindOf(err) == fault.KindInvalid && l.rec.Place != "" && l.items == nil: // the source gives no such place any more
			l.rec.relist()
		case fault.IsPassing(err) && try < l.cfg.Tries:
			l.waitFor(l.id, err)
			if err := clock.Sleep(ctx, max(l.cfg.Pause, fault.RetryAfter(err))); err != nil {
				return err
			}
			l.waitFor(l.id, nil)
			l.items, l.bytes = nil, 0 // they are listed again
		default: // what is listed is done all the same
			l.rec.Listed, l.rec.Error, l.rec.Kind = true, fault.Public(err), fault.KindOf(err).String()
			return errors.Join(l.queueUp(ctx), l.save(ctx))
		}
	}
}

// each queues the items behind the record's place, but for those of the last batch.
func (l *lister) each(ctx context.Context) error {
	for found, err := range l.src.Items(ctx, string(l.rec.Place)) {
		if err != nil && found.Path == "" {
			return err
		}
		i, encodeErr := newItem(found)
		if err == nil {
			err = encodeErr
		}
		if err != nil {
			i = i.failed(fault.KindOf(err).String(), fault.Public(err))
		}
		l.items = append(l.items, i)
		l.bytes += len(i.Key) + len(i.Path) + len(i.Source) + len(i.Label) + len(i.Place) + len(i.Fields) + len(i.Reason)
		if len(l.items) == l.cfg.Batch || l.bytes >= batchBytes {
			if err := l.queueUp(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// queueUp makes a batch of the items and stores the place now and then.
func (l *lister) queueUp(ctx context.Context) error {
	if len(l.items) == 0 {
		return nil
	}
	if err := l.awaitRoom(ctx); err != nil {
		return err
	}
	name := nameOf(l.rec.Batches)
	b := batch{Items: l.items}
	err := l.store.insist(ctx, l.tellQueue, func(ctx context.Context) error {
		return l.store.queue(ctx, l.id, name, l.token+"/"+name, b, cut{listing: l.rec.Listing})
	})
	if err != nil {
		return err
	}
	l.rec.Place = l.items[len(l.items)-1].Place
	l.rec.Found += int64(len(l.items))
	l.rec.Batches++
	l.items, l.bytes = nil, 0
	if l.since++; l.since >= saveEvery || time.Since(l.saved) >= saveAfter {
		return l.save(ctx)
	}
	return nil
}

// save stores how far the listing is. What was queued since the last time is queued again if this process dies before; the
// outcomes of those batches stay what they are.
func (l *lister) save(ctx context.Context) error {
	l.since, l.saved = 0, time.Now()
	return l.moved(ctx, l.token, func(rec *record) {
		rec.Place, rec.Batches, rec.Found, rec.Listed, rec.Listing = l.rec.Place, l.rec.Batches, l.rec.Found, l.rec.Listed, l.rec.Listing
		if l.rec.Error != "" {
			rec.Error, rec.Kind = l.rec.Error, l.rec.Kind
		}
	})
}

// awaitRoom waits until fewer batches than jobs.ahead are queued and not done.
func (l *lister) awaitRoom(ctx context.Context) error {
	for {
		l.mu.Lock()
		changed, done := l.changed, l.rec.Batches
		if j, ok := l.jobs[l.id]; ok && j.tally != nil {
			done = j.tally.done[l.rec.Listing]
		}
		l.mu.Unlock()
		if l.rec.Batches-done < l.cfg.Ahead {
			return nil
		}
		if l.since > 0 {
			if err := l.save(ctx); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// failureOf is a failed item for the ledger.
func failureOf(f ingest.Failure) (item, error) {
	i, err := newItem(f.Item)
	return i.failed(f.Kind.String(), f.Reason), err
}
