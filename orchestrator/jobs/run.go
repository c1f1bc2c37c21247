package jobs

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// run is this process's work on one job.
type run struct {
	*Manager
	id         string
	src        source.Source
	collection index.Index
}

// Run works on one job in this process until it is final, and gives it. failed hears each failure that this process adds to
// the ledger. An encoder or index that is away for longer than ingest's patience ends Run with its fault, and the end of
// ctx with the context's error; the job stays.
func (m *Manager) Run(ctx context.Context, id string, failed func(Failure)) (Job, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	m.mu.Lock()
	m.stuck, m.failed = func(err error) { giveUp(err) }, failed
	m.mu.Unlock()
	m.Work(id)
	for {
		m.mu.Lock()
		changed := m.changed
		m.mu.Unlock()
		job, err := m.Get(context.WithoutCancel(ctx), id)
		if err != nil || job.State.Final() || ctx.Err() != nil {
			return job, errors.Join(err, context.Cause(ctx))
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// run does this process's part of a job until ctx ends, which is when the job is final or paused.
func (m *Manager) run(ctx context.Context, id string) {
	r := &run{Manager: m, id: id}
	defer func() {
		if err := closeSource(r.src); err != nil {
			m.log.Warn("a source does not close", "job", id, "err", err)
		}
	}()
	err := r.open(ctx)
	if err == nil {
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return r.list(ctx) })
		parts.Go(func() error { return r.feed(ctx) })
		parts.Go(func() error { return r.finish(ctx) })
		err = parts.Wait()
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	m.log.Error("ingest failed", "job", id, "kind", fault.KindOf(err), "err", err)
	_, err = m.end(ctx, id, func(r *record) {
		r.State, r.Error, r.Kind = Failed, fault.Public(err), fault.KindOf(err).String()
	})
	if err != nil && m.life.Err() == nil && !errors.Is(err, context.Canceled) {
		m.log.Error("the end of a job cannot be written", "job", id, "err", err)
	}
}

// closeSource ends what a source holds open, if it does. nil is none.
func closeSource(src source.Source) error {
	if closer, ok := src.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// open opens what the job reads and writes.
func (r *run) open(ctx context.Context) error {
	rec := r.record()
	return r.persist(ctx, func(ctx context.Context) (err error) {
		if r.src == nil {
			if r.src, err = r.deps.Open(ctx, rec.Spec); err != nil {
				return err
			}
		}
		r.collection, err = r.deps.Index(ctx, rec.Collection, rec.Partition)
		return err
	})
}

// persist repeats f for as long as a server that it needs is away.
func (r *run) persist(ctx context.Context, f func(context.Context) error) error {
	tell := func(err error) { r.waitFor(r.id, err) }
	for {
		err := ingest.Outlast(ctx, r.deps.Ingester.Patience(), tell, f)
		if !fault.IsPassing(err) || ctx.Err() != nil {
			return err
		}
		r.giveUp(err)
		tell(err)
		if err := clock.Sleep(ctx, r.cfg.Pause); err != nil {
			return err
		}
	}
}

// giveUp tells whoever has no more patience.
func (m *Manager) giveUp(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stuck != nil {
		m.stuck(err)
	}
}

func (r *run) record() record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j, ok := r.jobs[r.id]; ok {
		return j.rec
	}
	return record{}
}

// finish ends the job when everything is done. What should be under way and is not is repaired.
func (r *run) finish(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.Lease)
	defer ticker.Stop()
	watch := watchdog{run: r}
	for {
		r.mu.Lock()
		changed, complete, syncing := r.changed, false, false
		if j, ok := r.jobs[r.id]; ok && j.tally != nil {
			complete = !j.rec.listing() && j.tally.newest >= j.rec.Awaits && j.tally.complete(j.rec.Batches, j.rec.Listing)
			syncing = j.rec.syncing()
		}
		r.mu.Unlock()
		if complete && syncing {
			if err := r.sync(ctx); err != nil {
				return err
			}
			continue
		}
		if complete {
			_, err := r.end(ctx, r.id, func(rec *record) {
				rec.State = Done
				if rec.Error != "" { // the source could not be listed to its end
					rec.State = Failed
					if rec.Sync.On {
						rec.Notice = "nothing was removed, because the source could not be listed to its end"
					}
				}
			})
			return err
		}
		select {
		case <-changed:
		case <-ticker.C:
			if err := watch.look(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchdog notices a queue that has lost something, as one may by a power failure or a mistake of the queue's, when nothing
// has happened between two looks.
type watchdog struct {
	*run
	before int // messages of the job's tally
	idle   int // looks without a change
}

func (w *watchdog) look(ctx context.Context) error {
	w.mu.Lock()
	seen, rec := 0, record{}
	if j, ok := w.jobs[w.id]; ok && j.tally != nil {
		seen, rec = j.tally.taken, j.rec
	}
	w.mu.Unlock()
	if seen != w.before || rec.listing() {
		w.before, w.idle = seen, 0
		return nil
	}
	consumer, err := w.store.work.Consumer(ctx, w.id)
	if err != nil {
		return ctx.Err() // the feeder makes it again
	}
	info, err := consumer.Info(ctx)
	if err != nil || info.NumPending > 0 || info.NumAckPending > 0 || info.NumRedelivered > 0 {
		w.idle = 0
		return ctx.Err()
	}
	switch w.idle++; w.idle {
	case 2:
		w.log.Warn("batches are not delivered; the queue is asked for all of them again", "job", w.id)
		if err := w.store.work.DeleteConsumer(ctx, w.id); err != nil {
			return ctx.Err()
		}
	case 4:
		w.log.Warn("batches are missing; the source is listed again", "job", w.id)
		w.idle = 0
		return w.update(ctx, w.id, func(rec *record) error {
			if rec.listing() || rec.State.Final() {
				return errAsIs
			}
			rec.relist()
			return nil
		})
	}
	return nil
}
