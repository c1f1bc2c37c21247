package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// endWithin is how long a process that stops may take to give a batch back.
const endWithin = 2 * time.Second

// feed takes the job's batches from the queue and works on them, as many as there are slots. A batch is taken before its
// slot is free, so that no slot waits for the queue.
func (r *run) feed(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, r.cfg.Parallel)
	for ctx.Err() == nil {
		var consumer jetstream.Consumer
		err := r.store.insist(ctx, r.tellQueue, func(ctx context.Context) (err error) {
			consumer, err = r.store.consumer(ctx, r.id, r.cfg)
			return err
		})
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			message, err := next(ctx, consumer)
			if errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoMessages) {
				select {
				case err := <-failed:
					return err
				default:
					continue
				}
			}
			if err != nil { // the queue's process has gone, or the consumer
				break
			}
			stop := r.hold(ctx, message)
			select {
			case r.slots <- struct{}{}:
			case err := <-failed:
				stop()
				return err
			case <-ctx.Done():
				stop()
				_ = message.Nak() // it comes back by itself otherwise
				return ctx.Err()
			}
			working.Go(func() {
				defer func() { <-r.slots }()
				defer stop()
				if err := r.work(ctx, message); err != nil {
					select {
					case failed <- err:
					default: // one is enough
					}
				}
			})
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(firstPause):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// next waits for a message, but not for long, so that a queue that moved to another process is noticed.
func next(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*silence)
	defer cancel()
	return consumer.Next(jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(silence))
}

// hold keeps a message from being given to another process until stop is called.
func (r *run) hold(ctx context.Context, message jetstream.Msg) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var held sync.WaitGroup
	held.Go(func() {
		for clock.Sleep(ctx, r.cfg.Lease/3) == nil {
			_ = message.InProgress() // the next may get through
		}
	})
	return func() { cancel(); held.Wait() }
}

// work does one batch and writes its outcome. Its error is the job's end.
func (r *run) work(ctx context.Context, message jetstream.Msg) error {
	if early := tooEarly(message); early > 0 {
		_ = message.NakWithDelay(early)
		return nil
	}
	t := &task{run: r, name: batchOf(message.Subject()), digest: digest(message.Data())}
	t.listing, _ = strconv.Atoi(message.Headers().Get(listing))
	if err := decode(message.Data(), &t.batch); err != nil {
		return err
	}
	ready, err := t.begin(ctx)
	if err == nil && !ready {
		_ = message.DoubleAck(ctx) // it was done already; it comes back otherwise
		return nil
	}
	if err == nil {
		err = t.do(ctx)
	}
	switch {
	case err == nil:
		t.waitFor(t.id, nil)
		_ = message.DoubleAck(ctx) // it comes back otherwise, and is found done
	case errors.Is(err, errTaken): // the message comes back, when the other is done
	case ctx.Err() != nil || fault.IsPassing(err) || errors.Is(err, context.Canceled):
		t.giveBack(ctx, message, err)
	default:
		return err
	}
	return nil
}

// tooEarly is how long a batch is to be left alone.
func tooEarly(message jetstream.Msg) time.Duration {
	at, err := time.Parse(time.RFC3339Nano, message.Headers().Get(notBefore))
	if err != nil {
		return 0
	}
	return time.Until(at)
}

// task is a batch that this process works on.
type task struct {
	*run
	name    string
	digest  string
	listing int
	batch   batch
	mark    outcome   // that it has been begun
	number  uint64    // of the mark
	since   time.Time // when somebody first began it; zero if that is now
}

// begin marks the batch as begun. It reports false where its outcome is there.
func (t *task) begin(ctx context.Context) (ready bool, err error) {
	err = t.store.insist(ctx, t.tellQueue, func(ctx context.Context) (err error) {
		t.mark, t.number, err = t.store.outcome(ctx, t.id, t.name)
		return err
	})
	if err != nil {
		return false, err
	}
	if t.mark.Done {
		if done, err := t.passOver(ctx); err != nil || done {
			return false, err
		}
	}
	if at := t.mark.At; at > 0 { // a process died under it
		if t.mark.Deaths == nil {
			t.mark.Deaths = map[int]int{}
		}
		t.mark.Deaths[at]++
		t.mark.At = 0
	}
	if t.since = t.mark.Since; t.since.IsZero() {
		t.mark.Since = time.Now().UTC()
	}
	t.mark.By = rand.Text()
	t.mark.Begun++
	return true, t.write(ctx)
}

// passOver leaves a batch whose outcome is there. In a later listing that is so where the items are the same and none of
// them went on to another batch, which may be lost; where it is not, what the job has written counts as written by it.
func (t *task) passOver(ctx context.Context) (done bool, err error) {
	was := t.mark
	same := was.Digest == t.digest
	if same && was.Listing == t.listing || was.Listing > t.listing { // the latter comes late, from a listing that was given up
		return true, nil
	}
	if same && len(was.Next) == 0 {
		was.Listing = t.listing
		return true, t.store.insist(ctx, t.tellQueue, func(ctx context.Context) error {
			_, err := t.store.put(ctx, t.id, t.name, was)
			return err
		})
	}
	t.mark = outcome{Since: t.record().Created}
	return false, t.store.insist(ctx, t.tellQueue, func(ctx context.Context) error { return t.store.drop(ctx, t.id, was.Next) })
}

// write stores the mark.
func (t *task) write(ctx context.Context) error {
	return t.store.insist(ctx, t.tellQueue, func(ctx context.Context) error {
		number, err := t.store.mark(ctx, t.id, t.name, t.mark, t.number)
		if err == nil {
			t.number = number
		}
		return err
	})
}

// end writes the outcome, in place of marks, whosever they are. One that is there already stays.
func (t *task) end(ctx context.Context, result outcome) error {
	return t.store.insist(ctx, t.tellQueue, func(ctx context.Context) error {
		for {
			_, err := t.store.mark(ctx, t.id, t.name, result, t.number)
			if !errors.Is(err, errTaken) {
				return err
			}
			now, number, err := t.store.outcome(ctx, t.id, t.name)
			if err != nil || now.Done && now.Digest == result.Digest && now.Listing == result.Listing {
				return err
			}
			t.number = number
		}
	})
}

// giveBack leaves the batch to whoever takes it next. That this process could not do it is not held against its items.
func (t *task) giveBack(ctx context.Context, message jetstream.Msg, err error) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	t.mark.Begun--
	t.mark.At = 0
	if _, markErr := t.store.mark(ending, t.id, t.name, t.mark, t.number); markErr != nil {
		t.log.Debug("queue of jobs", "err", markErr)
	}
	if ctx.Err() != nil {
		_ = message.Nak()
		return
	}
	if errors.Is(err, context.Canceled) { // of a part of the work, by its own mistake
		t.log.Warn("a batch was cut short", "job", t.id, "batch", t.name, "err", err)
		_ = message.NakWithDelay(t.cfg.Pause)
		return
	}
	t.waitFor(t.id, err)
	_ = message.NakWithDelay(max(t.cfg.Pause, fault.RetryAfter(err)))
	t.giveUp(err)
}

// do works on the batch and writes its outcome, and before that the batch in which some of its items are tried again.
func (t *task) do(ctx context.Context) error {
	result := outcome{Done: true, Digest: t.digest, Listing: t.listing}
	var items []source.Item
	for _, i := range t.batch.Items {
		if i.Kind != "" {
			result.Failed = append(result.Failed, i)
			continue
		}
		item, err := i.item()
		if err != nil {
			result.Failed = append(result.Failed, i.failed(fault.KindInternal.String(), fault.Public(err)))
			continue
		}
		items = append(items, item)
	}
	var failures []ingest.Failure
	var err error
	if t.mark.Begun > t.cfg.Tries {
		t.alone.Lock()
		defer t.alone.Unlock()
		failures, err = t.oneByOne(ctx, items, &result)
	} else {
		t.alone.RLock()
		defer t.alone.RUnlock()
		failures, err = t.ingest(ctx, items, &result)
	}
	if err != nil {
		return err
	}
	if err := t.sort(ctx, failures, &result); err != nil {
		return err
	}
	if err := t.end(ctx, result); err != nil {
		return err
	}
	t.tellFailures(result)
	return nil
}

func (t *task) ingest(ctx context.Context, items []source.Item, result *outcome) ([]ingest.Failure, error) {
	done, err := t.deps.Ingester.Do(ctx, ingest.Work{
		Collection: t.collection, Source: t.src, Items: items, Since: t.since,
		Waiting: func(err error) {
			if err != nil {
				t.excuse(ctx) // before anybody hears of it, and ends the process
			}
			t.waitFor(t.id, err)
		},
	})
	if err == nil {
		result.add(done)
	}
	return done.Failures, err
}

// excuse has no item blamed for the end of this process from now on: it waits for a server, and whoever ends it meanwhile
// does so for reasons of his own.
func (t *task) excuse(ctx context.Context) {
	if t.mark.At == 0 { // always so unless items are done one by one
		return
	}
	t.mark.At = 0
	_ = t.write(ctx) // the next write says so too
}

// oneByOne does a batch under which processes have died, so that it shows which item it is. That one ends in the ledger.
// One that has been done since is not blamed for deaths before: somebody may end processes at any moment. Nothing else is
// under way in this process meanwhile.
func (t *task) oneByOne(ctx context.Context, items []source.Item, result *outcome) (failures []ingest.Failure, err error) {
	for i, item := range items {
		if deaths := t.mark.Deaths[i+1]; deaths >= t.cfg.Tries {
			poison, err := newItem(item)
			if err != nil {
				return nil, err
			}
			result.Failed = append(result.Failed, poison.failed(Poison, "clipseek ended abruptly each time that it worked on this file; it is passed over"))
			continue
		}
		t.mark.At = i + 1
		if err := t.write(ctx); err != nil {
			return nil, err
		}
		failed, err := t.ingest(ctx, []source.Item{item}, result)
		if err != nil {
			return nil, err
		}
		failures = append(failures, failed...)
		delete(t.mark.Deaths, i+1)
	}
	return failures, nil
}

// sort puts the failures into the outcome, but for those that are tried again in a batch of their own.
func (t *task) sort(ctx context.Context, failures []ingest.Failure, result *outcome) error {
	follow := batch{Try: t.batch.Try + 1}
	after := time.Duration(0)
	for _, f := range failures {
		if f.Kind == fault.KindInternal {
			t.log.Error("an item failed", "job", t.id, "item", f.Item.Path, "err", f.Err)
		}
		failed, err := failureOf(f)
		if err != nil {
			return err
		}
		if !f.Retry || follow.Try >= t.cfg.Tries {
			result.Failed = append(result.Failed, failed)
			continue
		}
		failed.Kind, failed.Reason = "", ""
		follow.Items = append(follow.Items, failed)
		after = max(after, f.After)
	}
	if len(follow.Items) == 0 {
		return nil
	}
	pause := t.cfg.Pause
	for range t.batch.Try {
		pause *= 4
	}
	name := again(relisted(t.name, t.listing), follow.Try)
	result.Next = []string{name}
	return t.store.insist(ctx, t.tellQueue, func(ctx context.Context) error {
		return t.store.queue(ctx, t.id, name, t.id+"/"+name+"/"+t.digest, follow, cut{t.listing, time.Now().Add(max(pause, after))})
	})
}

func (t *task) tellFailures(o outcome) {
	t.mu.Lock()
	failed := t.failed
	t.mu.Unlock()
	if failed == nil {
		return
	}
	for _, f := range o.Failed {
		failed(f.failure())
	}
}
