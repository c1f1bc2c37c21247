package jobs

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// Get gives one job. Fault: NotFound.
func (m *Manager) Get(ctx context.Context, id string) (Job, error) {
	m.mu.Lock()
	j, ok := m.jobs[id]
	if !ok {
		m.mu.Unlock()
		return Job{}, fault.NotFound("there is no job %q; `clipseek job list` names those that are remembered", id)
	}
	caught := j.caught
	m.mu.Unlock()
	if caught != nil {
		select {
		case <-caught:
		case <-time.After(answerWithin): // what is known must do
		case <-ctx.Done():
			return Job{}, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return j.snapshot(), nil
}

// List gives the jobs, newest first.
func (m *Manager) List(ctx context.Context) ([]Job, error) {
	m.mu.Lock()
	ids := make([]string, 0, len(m.jobs))
	for id := range m.jobs {
		ids = append(ids, id)
	}
	m.mu.Unlock()
	all := make([]Job, 0, len(ids))
	for _, id := range ids {
		job, err := m.Get(ctx, id)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil: // others have just been forgotten
			all = append(all, job)
		}
	}
	slices.SortFunc(all, func(a, b Job) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// snapshot is how the job stands. The caller holds Manager.mu.
func (j *job) snapshot() Job {
	out := Job{ID: j.id, Spec: j.rec.Spec, State: j.rec.State, Created: j.rec.Created, Ended: j.rec.Ended, Waiting: j.waiting, Error: j.rec.Error, Kind: j.rec.Kind}
	switch {
	case j.rec.Summary != nil && j.rec.State.Final():
		out.Progress = *j.rec.Summary
	case j.tally != nil:
		out.Progress = j.tally.progress(time.Now(), j.rec.State == Running)
	}
	out.Progress.Found, out.Progress.Listed = j.rec.Found, j.rec.Listed
	out.Progress.Removed, out.Progress.Notice = j.rec.Removed, j.rec.Notice
	return out
}

// Watch gives a snapshot at once and then whenever something may have changed, at most one in each pause, until the job
// is final, forgotten, or ctx ends.
func (m *Manager) Watch(ctx context.Context, id string, pause time.Duration) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for {
			m.mu.Lock()
			changed := m.changed
			m.mu.Unlock()
			job, err := m.Get(ctx, id)
			if err != nil || !yield(job) || job.State.Final() {
				return
			}
			if clock.Sleep(ctx, pause) != nil {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Pause has no process work on the job until somebody resumes it. Faults: NotFound, Conflict for one that is final.
func (m *Manager) Pause(ctx context.Context, id string) (Job, error) {
	return m.turn(ctx, id, func(r *record) error {
		if r.State.Final() {
			return fault.Conflict("job %s is %s already", id, r.State)
		}
		r.State = Paused
		return nil
	})
}

// Resume has a paused job go on; others are left as they are. Faults: NotFound, Conflict for one that is final.
func (m *Manager) Resume(ctx context.Context, id string) (Job, error) {
	return m.turn(ctx, id, func(r *record) error {
		switch {
		case r.State.Final():
			return fault.Conflict("job %s is %s; `clipseek job retry %s` tries its failed items again", id, r.State, id)
		case r.State != Paused:
			return errAsIs
		case r.Batches == 0 && !r.Listed:
			r.State = Queued
		default:
			r.State = Running
		}
		return nil
	})
}

// Cancel ends a job; a final one stays as it is. What it has indexed stays. Fault: NotFound.
func (m *Manager) Cancel(ctx context.Context, id string) (Job, error) {
	return m.end(ctx, id, func(r *record) { r.State = Canceled })
}

// Retry has a final job try its failed items again, and list the rest of its source where that did not come to its end.
// Faults: NotFound, Conflict for a job that is not final.
func (m *Manager) Retry(ctx context.Context, id string) (Job, error) {
	return m.turn(ctx, id, func(r *record) error {
		if !r.State.Final() {
			return fault.Conflict("job %s is %s; what failed can be retried when it has ended", id, r.State)
		}
		if r.State != Done { // its queue was cleared; batches that have an outcome are passed over
			r.relist()
		}
		r.State, r.Ended, r.Error, r.Kind, r.Summary = Queued, time.Time{}, "", "", nil
		r.Synced, r.Removing, r.Notice = false, 0, ""
		r.Round++
		return nil
	})
}

func (m *Manager) turn(ctx context.Context, id string, f func(*record) error) (Job, error) {
	if err := m.update(ctx, id, f); err != nil {
		return Job{}, err
	}
	return m.Get(ctx, id)
}

// end makes a job final, with the summary of what it has done, and clears its queue.
func (m *Manager) end(ctx context.Context, id string, set func(*record)) (Job, error) {
	before, err := m.Get(ctx, id)
	if err != nil {
		return before, err
	}
	err = m.update(ctx, id, func(r *record) error {
		if r.State.Final() {
			return errAsIs
		}
		set(r)
		r.Ended = time.Now().UTC()
		r.Summary = &before.Progress
		return nil
	})
	if err != nil {
		return Job{}, err
	}
	m.wait.Go(func() { m.clear(id) })
	return m.Get(context.WithoutCancel(ctx), id) // the work on the job has just been ended, which may be the caller
}

// clearWithin is how long the removal of what is not needed any more may hold up the end of a process. A million items of a
// queue take some seconds.
const clearWithin = 30 * time.Second

// clear removes the queue of an ended job, and jobs over the history. What it cannot do is left to the end of another job.
func (m *Manager) clear(id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.life), clearWithin)
	defer cancel()
	if err := m.store.insist(ctx, nil, func(ctx context.Context) error { return m.store.unqueue(ctx, id) }); err != nil {
		m.log.Warn("the queue of an ended job cannot be cleared", "job", id, "err", err)
	}
	m.prune(ctx)
}

// prune forgets the oldest final jobs over the history. What it cannot do it does with the next job.
func (m *Manager) prune(ctx context.Context) {
	m.mu.Lock()
	var final []*job
	for _, j := range m.jobs {
		if j.rec.State.Final() {
			final = append(final, j)
		}
	}
	slices.SortFunc(final, func(a, b *job) int { return a.rec.Created.Compare(b.rec.Created) })
	m.mu.Unlock()
	for _, j := range final[:max(0, len(final)-m.cfg.History)] {
		err := m.store.insist(ctx, nil, func(ctx context.Context) error {
			if err := m.store.forget(ctx, j.id); err != nil {
				return err
			}
			return m.store.jobs.Purge(ctx, j.id)
		})
		if err != nil {
			m.log.Warn("an old job cannot be forgotten", "job", j.id, "err", err)
			continue
		}
		m.mu.Lock()
		m.release(j)
		delete(m.jobs, j.id)
		m.tell()
		m.mu.Unlock()
	}
}

// Failures reads the ledger: each failed item of the job once. Fault: NotFound.
func (m *Manager) Failures(ctx context.Context, id string) iter.Seq2[Failure, error] {
	return func(yield func(Failure, error) bool) {
		if _, err := m.Get(ctx, id); err != nil {
			yield(Failure{}, err)
			return
		}
		for o, err := range m.store.outcomes(ctx, id) {
			if err != nil {
				yield(Failure{}, err)
				return
			}
			for _, failed := range o.Failed {
				if !yield(failed.failure(), nil) {
					return
				}
			}
		}
	}
}

// named is an outcome with its batch.
type named struct {
	outcome
	name   string
	number uint64 // of its message
}

// outcomes gives those that a job has now.
func (s *store) outcomes(ctx context.Context, id string) iter.Seq2[named, error] {
	return func(yield func(named, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stopped := false
		s.follow(ctx, s.results, resultSubject(id, "*"), func(message jetstream.Msg) {
			n := named{name: batchOf(message.Subject())}
			about, err := message.Metadata()
			if err == nil {
				n.number = about.Sequence.Stream
				err = decode(message.Data(), &n.outcome)
			}
			if !stopped && !yield(n, err) {
				stopped = true
				cancel()
			}
		}, cancel)
		if err := context.Cause(ctx); !stopped && err != nil && err != context.Canceled { //nolint:errorlint // our own cancel
			yield(named{}, err)
		}
	}
}
