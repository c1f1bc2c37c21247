package web

import (
	"context"
	"sync"
	"time"

	"clipseek/orchestrator/clock"
)

// hosts keeps requests to one host, and in all, within bounds, and off a host that asked to be left alone for a while.
type hosts struct {
	perHost int
	all     chan struct{}

	mu     sync.Mutex
	byName map[string]*host
	prune  int // hosts at which those that nobody uses are forgotten
}

// host is guarded by hosts.mu.
type host struct {
	users int
	slots chan struct{}
	until time.Time // when it may be asked again
}

// fewHosts is what is kept without looking whether it is needed.
const fewHosts = 1024

func newHosts(perHost, total int) *hosts {
	return &hosts{perHost: perHost, all: make(chan struct{}, total), byName: map[string]*host{}, prune: fewHosts}
}

// enter waits for a place at the host and then for one in all; leave gives both back.
func (h *hosts) enter(ctx context.Context, name string) (leave func(), err error) {
	at := h.use(name)
	forget := func() { h.mu.Lock(); at.users--; h.mu.Unlock() }
	select {
	case at.slots <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
	err = h.outwait(ctx, at)
	if err == nil {
		select {
		case h.all <- struct{}{}:
			return func() { <-h.all; <-at.slots; forget() }, nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	<-at.slots
	forget()
	return nil, err
}

func (h *hosts) use(name string) *host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.byName) >= h.prune {
		now := time.Now()
		for other, at := range h.byName {
			if at.users == 0 && !at.until.After(now) {
				delete(h.byName, other)
			}
		}
		h.prune = max(fewHosts, 2*len(h.byName))
	}
	at, ok := h.byName[name]
	if !ok {
		at = &host{slots: make(chan struct{}, h.perHost)}
		h.byName[name] = at
	}
	at.users++
	return at
}

// outwait waits until the host may be asked.
func (h *hosts) outwait(ctx context.Context, at *host) error {
	for {
		h.mu.Lock()
		wait := time.Until(at.until)
		h.mu.Unlock()
		if wait <= 0 {
			return ctx.Err()
		}
		if err := clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// hold keeps requests off the host for a while.
func (h *hosts) hold(name string, d time.Duration) {
	at := h.use(name)
	h.mu.Lock()
	defer h.mu.Unlock()
	at.users--
	if until := time.Now().Add(d); until.After(at.until) {
		at.until = until
	}
}
