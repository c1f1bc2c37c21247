package triton

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// lane says for whom a request is.
type lane uint8

const (
	search lane = iota
	bulk
	lanes // how many there are
)

// An endpoint that failed is asked again after a time that doubles with each failure in a row, up to the latter.
const (
	outAtFirst = 250 * time.Millisecond
	outAtMost  = 10 * time.Second
)

// roster knows the endpoints and sends each request to the one with the least to do among those in service.
type roster struct {
	inFlight int             // requests of one lane on one endpoint
	life     context.Context // ends when the encoder closes
	tasks    *sync.WaitGroup // counts what runs on its own

	mu      sync.Mutex
	all     []*endpoint
	missing error         // why a name has no address, where no endpoint is known
	changed chan struct{} // closed and replaced when somebody who waits may find a place
}

// acquire takes a place on an endpoint; release gives it back. It waits while every endpoint in service is full. Where
// none is in service it takes one that is not: the request may be the first to find it back.
func (r *roster) acquire(ctx context.Context, l lane) (*endpoint, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.mu.Lock()
		ep, changed := r.choose(l), r.changed
		var missing error
		if len(r.all) == 0 {
			missing = r.missing
		}
		if ep != nil {
			ep.busy[l]++
		}
		r.mu.Unlock()
		switch {
		case ep != nil:
			return ep, nil
		case missing != nil:
			return nil, missing
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// choose is nil where all that come into question are full. The caller holds mu.
func (r *roster) choose(l lane) *endpoint {
	serving := slices.ContainsFunc(r.all, func(ep *endpoint) bool { return !ep.out })
	var best *endpoint
	for _, i := range rand.Perm(len(r.all)) { // of two with the same to do either may be first
		ep := r.all[i]
		if ep.out == serving || ep.busy[l] >= r.inFlight {
			continue
		}
		if best == nil || ep.underway() < best.underway() {
			best = ep
		}
	}
	return best
}

// underway is how many requests are under way.
func (ep *endpoint) underway() int { return ep.busy[search] + ep.busy[bulk] }

// release gives a place back.
func (r *roster) release(ep *endpoint, l lane) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ep.busy[l]--
	r.closeUnused(ep)
	r.wake()
}

// report notes how an endpoint did. One that does not answer, or not as it should, is out of service until it is asked
// again and does.
func (r *roster) report(ep *endpoint, err error) {
	switch fault.KindOf(err) {
	case fault.KindUnavailable, fault.KindConflict, fault.KindForbidden, fault.KindNotFound:
	default:
		if err != nil { // a refusal because of load, or a request that it could not compute: it is there
			return
		}
	}
	out := err != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if ep.out == out || ep.gone {
		return
	}
	ep.out = out
	if !out {
		ep.log.Info("triton answers again")
		r.wake()
		return
	}
	ep.log.Warn("triton is out of service for now", "kind", fault.KindOf(err).String(), "err", err)
	ep.forget()
	r.tasks.Go(func() { r.recover(ep) })
}

// recover asks an endpoint that is out of service until it fits again.
func (r *roster) recover(ep *endpoint) {
	for rest := outAtFirst; ; rest = min(2*rest, outAtMost) {
		if clock.Sleep(r.life, rest/2+rand.N(rest)) != nil || !r.isOut(ep) {
			return
		}
		ctx, cancel := context.WithTimeout(r.life, ep.cfg.BulkTimeout) // a model may be loaded
		err := ep.fits(ctx)
		cancel()
		if err == nil {
			r.report(ep, nil)
			return
		}
	}
}

func (r *roster) isOut(ep *endpoint) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ep.out && !ep.gone
}

// wake has everybody look again who waits. The caller holds mu.
func (r *roster) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// serving reports whether an endpoint is in service.
func (r *roster) serving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.all, func(ep *endpoint) bool { return !ep.out })
}

// size is how many endpoints there are, one at least.
func (r *roster) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(1, len(r.all))
}

// miss notes why there may be no endpoint.
func (r *roster) miss(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing = why
	r.wake()
}

// endpoints is a snapshot.
func (r *roster) endpoints() ([]*endpoint, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 && r.missing != nil {
		return nil, r.missing
	}
	return slices.Clone(r.all), nil
}

// most is how many rows a request may carry: so many as configured, or fewer where a server takes fewer.
func (r *roster) most(s side, configured int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ep := range r.all {
		if t := ep.known(s); t != nil && t.rows > 0 {
			configured = min(configured, t.rows)
		}
	}
	return configured
}

// add puts an endpoint into service.
func (r *roster) add(ep *endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, ep)
	r.wake()
}

// remove takes an endpoint off the list; its connection lasts as long as the requests under way.
func (r *roster) remove(ep *endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(slices.Clone(r.all), func(other *endpoint) bool { return other == ep })
	ep.gone = true
	r.closeUnused(ep)
}

// closeUnused ends an endpoint that is off the list when nobody uses it. The caller holds mu.
func (r *roster) closeUnused(ep *endpoint) {
	if ep.gone && ep.underway() == 0 {
		r.tasks.Go(ep.close)
	}
}
