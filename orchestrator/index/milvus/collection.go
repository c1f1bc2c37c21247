package milvus

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Collection is an open collection, or one partition of it. It is safe for concurrent use.
type Collection struct {
	*handle
	part string // "" is the whole
}

var (
	_ index.Index       = (*Collection)(nil)
	_ index.Counter     = (*Collection)(nil)
	_ index.Iterator    = (*Collection)(nil)
	_ index.Recaller    = (*Collection)(nil)
	_ index.Loader      = (*Collection)(nil)
	_ index.Describer   = (*Collection)(nil)
	_ index.Builder     = (*Collection)(nil)
	_ index.Partitioner = (*Collection)(nil)
)

// handle is what a collection and the views of its partitions share.
type handle struct {
	db     *Database
	spec   index.Spec // as it was opened, perhaps by an alias
	closed atomic.Bool

	mu      sync.Mutex
	current *schema
	read    time.Time // when current was
	changes int64     // Database.changes then
}

// schemaAge is how old what is known of a collection may be. Milvus addresses collections by name, so that this bounds
// how long a write can go to another one of the same name, and how long an alias takes to move.
const schemaAge = time.Second

func (h *handle) keep(s *schema, changes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current, h.read, h.changes = s, time.Now(), changes
}

// doubt has the next call look again.
func (h *handle) doubt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read = time.Time{}
}

// schema is what the collection is like, read again when it is old. Fault: NotFound where it was dropped, also where
// another of its name was made since.
func (h *handle) schema(ctx context.Context, maxAge time.Duration) (*schema, error) {
	changes := h.db.changes.Load() // before it is read
	h.mu.Lock()
	old, fresh := h.current, h.changes == changes && time.Since(h.read) < maxAge
	h.mu.Unlock()
	if fresh {
		return old, nil
	}
	s, err := h.db.describe(ctx, h.spec.Collection)
	switch {
	case refusedWith(err, codeNoCollection), err == nil && s.id != old.id && s.name == h.spec.Collection:
		h.doubt()
		return nil, fault.NotFound("collection %q has been dropped; open it again to make a new one", h.spec.Collection).Because(err)
	case err != nil:
		return nil, err
	case s.id != old.id: // the alias moved
		if err := s.serves(h.spec); err != nil {
			return nil, err
		}
	}
	h.keep(s, changes)
	return s, nil
}

// do runs one public call on the collection: call may run twice, the second time after what the first lacked was made
// good.
func (c *Collection) do(ctx context.Context, call func(*schema) error) error {
	if c.closed.Load() {
		return errClosed(c.db.cfg.Address)
	}
	return c.db.run(ctx, func() error {
		s, err := c.schema(ctx, schemaAge)
		if err != nil {
			return err
		}
		err = call(s)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case isNotLoaded(err): // never yet, or not again after the server's restart
			if err := c.reload(ctx, s); err != nil {
				return err
			}
			return call(s)
		case refusedWith(err, codeNoCollection, codeInvalid, codeUnexpected, codeNoPartition):
			return c.explain(ctx, s, err, call)
		}
		return err
	})
}

// explain finds out whether a refusal without a telling code comes from a collection or partition that is no more.
func (c *Collection) explain(ctx context.Context, s *schema, refused error, call func(*schema) error) error {
	now, err := c.schema(ctx, 0)
	if err != nil {
		return err
	}
	if now.id != s.id {
		return call(now)
	}
	if c.part != "" {
		switch there, err := c.db.client.HasPartition(ctx, s.name, c.part); {
		case err != nil:
		case !there:
			return fault.NotFound("collection %q has no partition %q; make it first", s.name, c.part).Because(refused)
		default: // perhaps it was made just now
			return call(s)
		}
	}
	return refused
}

// parts is the list of partitions that a request names: none is all.
func (c *Collection) parts() []string {
	if c.part == "" {
		return nil
	}
	return []string{c.part}
}

// load asks the server to bring the collection into its memory, and does not wait.
func (h *handle) load(ctx context.Context, s *schema) error {
	return h.db.client.LoadCollection(ctx, s.name, true, client.WithReplicaNumber(int32(h.db.cfg.Replicas))) //nolint:gosec // at most 64
}

// reload waits until the collection is in the server's memory, for as long as one call may take.
func (c *Collection) reload(ctx context.Context, s *schema) error {
	if err := c.load(ctx, s); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, c.db.cfg.Timeout)
	defer cancel()
	progress, err := c.loaded(limited, s)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fault.Unavailable("Milvus at %s is bringing collection %q into memory, %d %% so far", c.db.cfg.Address, s.name, progress).After(awhile).Because(err)
	}
	return err
}

// loaded waits until the collection, or the part, is in the server's memory, and tells how much of it is.
func (c *Collection) loaded(ctx context.Context, s *schema) (percent int64, err error) {
	err = poll(ctx, func() (bool, error) {
		reply, err := c.db.client.Service.GetLoadingProgress(ctx, &milvuspb.GetLoadingProgressRequest{CollectionName: s.name, PartitionNames: c.parts()})
		percent = reply.GetProgress()
		return percent == 100, err
	})
	return percent, err
}

// warm has the collection loaded ahead of the first search, if it can be.
func (h *handle) warm(ctx context.Context, s *schema) error {
	if h.spec.Existing() {
		return nil // somebody looks; nobody need search
	}
	if err := h.load(ctx, s); err != nil && !refusedWith(err, codeNoIndex) {
		return err
	}
	return nil
}

// Load brings the collection into the server's memory and waits until it is there.
func (c *Collection) Load(ctx context.Context) error {
	return c.do(ctx, func(s *schema) error {
		if err := c.load(ctx, s); err != nil {
			return err
		}
		_, err := c.loaded(ctx, s)
		return err
	})
}

// poll repeats a question until it is answered with yes.
func poll(ctx context.Context, question func() (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := question(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Stats tells about the collection. Milvus tells no sizes; vectors lie in its memory, none in this program's.
func (c *Collection) Stats(ctx context.Context) (stats index.Stats, err error) {
	err = c.do(ctx, func(s *schema) error {
		stats.Info = s.info()
		stats.Count, err = c.db.count(ctx, s, c.parts())
		return err
	})
	return stats, err
}

// Close lets the handle go. A partition's view is not one.
func (c *Collection) Close() error {
	if c.part == "" {
		c.closed.Store(true)
	}
	return nil
}
