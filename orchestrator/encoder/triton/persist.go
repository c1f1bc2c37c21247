package triton

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
)

// abandonedEnds is how long Close lets requests run that nobody waits for.
const abandonedEnds = 2 * time.Second

var (
	errTooMany = errors.New("more rows than the server takes at once")
	errStale   = errors.New("the connection was made anew while the request ran, so the model that answered is not known")
)

// spread cuts rows into requests and has them computed at once, as many as there are places.
func (e *Encoder) spread(ctx context.Context, all rows, vectors []encoder.Vector) error {
	configured := e.cfg.ImageBatch
	if all.side() == texts {
		configured = e.cfg.TextBatch
	}
	most := e.roster.most(all.side(), configured)
	if all.count() <= most {
		return e.persist(ctx, all, vectors)
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(e.cfg.InFlight * e.roster.size())
	for from := 0; from < all.count(); from += most {
		to := min(all.count(), from+most)
		group.Go(func() error { return e.persist(inner, all.part(from, to), vectors[from:to]) })
	}
	return group.Wait()
}

// persist has one request's rows computed, and again where that may help: at once where another endpoint is in service,
// after a random wait where none is. Full jitter keeps many callers from coming back together.
func (e *Encoder) persist(ctx context.Context, part rows, vectors []encoder.Vector) error {
	if part.count() == 0 {
		return nil
	}
	retry, tries := e.cfg.Retry, e.cfg.Retry.Search
	if e.lane == bulk {
		tries = retry.Bulk
	}
	began := time.Now()
	for try := 0; ; try++ {
		err := e.attempt(ctx, part, vectors)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errTooMany): // now the roster knows how many
			return e.spread(ctx, part, vectors)
		}
		elsewhere := e.roster.serving()
		if try == tries || time.Since(began) > retry.Elapsed || !worthwhile(err, try, elsewhere) {
			return err
		}
		if elsewhere && fault.KindOf(err) != fault.KindInternal {
			continue
		}
		if err := clock.Sleep(ctx, rand.N(min(retry.Most, retry.Base<<min(try, 20)))); err != nil {
			return err
		}
	}
}

// worthwhile reports whether to try again: inference has no effect, so nothing but its chances speaks against it.
func worthwhile(err error, try int, elsewhere bool) bool {
	code := codeOf(err)
	switch fault.KindOf(err) {
	case fault.KindUnavailable: // but for a server that was too slow
		return elsewhere || code != codes.DeadlineExceeded
	case fault.KindConflict, fault.KindForbidden, fault.KindNotFound:
		return elsewhere
	case fault.KindInvalid: // the server may hold another model since we asked; a second answer is its own
		return try == 0 && code == codes.InvalidArgument
	case fault.KindInternal: // a server that is being killed may lose its model's process first
		return code == codes.Internal || code == codes.Unknown || code == codes.Aborted
	}
	return false // refused because of load
}

// attempt sends one request. The request outlives a caller that leaves: it ends by the server's own limits, which come
// first, or by its deadline, and keeps its place and its memory as long.
func (e *Encoder) attempt(ctx context.Context, part rows, vectors []encoder.Vector) error {
	ep, err := e.roster.acquire(ctx, e.lane)
	if err != nil {
		return err
	}
	r, deadline, err := e.prepare(ctx, ep, part)
	if err != nil {
		if ctx.Err() == nil {
			e.roster.report(ep, err)
		}
		e.roster.release(ep, e.lane)
		return err
	}
	done := make(chan error, 1)
	var answer []encoder.Vector
	e.tasks.Go(func() {
		defer e.roster.release(ep, e.lane)
		task, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
		defer cancel()
		defer context.AfterFunc(e.life, func() { time.AfterFunc(abandonedEnds, cancel) })()
		var err error
		answer, err = ep.infer(task, r)
		if !errors.Is(err, errStale) && e.life.Err() == nil { // neither says anything about the server
			e.roster.report(ep, err)
		}
		done <- err
	})
	select {
	case err := <-done:
		copy(vectors, answer)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare makes the request that ep is to compute, and says how long it may take.
func (e *Encoder) prepare(ctx context.Context, ep *endpoint, part rows) (*request, time.Duration, error) {
	t, err := ep.tower(ctx, part.side())
	if err != nil {
		return nil, 0, err
	}
	if t.rows > 0 && part.count() > t.rows {
		return nil, 0, errTooMany
	}
	timeout, priority := e.cfg.Timeout, e.cfg.Priority
	if e.lane == bulk {
		timeout, priority = e.cfg.BulkTimeout, e.cfg.BulkPriority
	}
	// The server gives up before we do, which old ones need: they do not always survive a cancelled request.
	wait := t.queue[e.lane].limit
	if t.queue[e.lane].shorter {
		wait = min(wait, timeout)
		if until, ok := ctx.Deadline(); ok { // nothing need wait longer than its caller does
			wait = max(time.Microsecond, min(wait, time.Until(until)))
		}
	}
	r, err := ep.compose(ctx, t, part, priority, wait)
	return r, wait + timeout, err
}
