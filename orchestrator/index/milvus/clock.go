package milvus

import (
	"context"
	"sync"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
)

// A Milvus timestamp is milliseconds since 1970, shifted left by so many bits that count within one.
const timestampShift = 18

// staleness is how old a state session consistency may read. Query nodes follow the log within a tick of 0.2 s, so that
// a search with such a bound finds the state ready and does not wait, while one that asks for the newest waits for the
// next tick (measured on one machine: 2 ms and 260 ms).
const staleness = 800 * time.Millisecond

// clock gives the timestamp that a search must at least see. It knows the server's time, because timestamps are the
// server's, and what this process wrote lately.
type clock struct {
	service     milvuspb.MilvusServiceClient
	consistency string

	mu     sync.Mutex
	read   time.Time // when the server was asked for base
	base   uint64
	first  uint64 // the first base: what was acknowledged before this process came is seen at once
	newest uint64 // timestamp of the newest write that was acknowledged
	gone   uint64 // and of the newest deletion

	// The ids that were written lately, with the timestamp. Who asks for others need not wait for the newest write: an
	// ingest asks what is known of the next items while it writes the last. Every second the later become the earlier
	// and those are forgotten, so that each is kept for longer than staleness.
	later, earlier map[int64]uint64
	turned         time.Time
}

// recheck is how long two clocks may run side by side: they drift apart by milliseconds.
const recheck = time.Minute

// guarantee is the option of a search or query; of one for known ids alone, with these.
func (c *clock) guarantee(ctx context.Context, ids ...int64) (client.SearchQueryOptionFunc, error) {
	switch c.consistency {
	case strong:
		return client.WithSearchQueryConsistencyLevel(entity.ClStrong), nil
	case bounded:
		return client.WithSearchQueryConsistencyLevel(entity.ClBounded), nil
	case eventually:
		return client.WithSearchQueryConsistencyLevel(entity.ClEventually), nil
	}
	ts, err := c.session(ctx, ids)
	return at(ts), err
}

// withoutWaiting is the option of a query that need not see what has just been written, but no record that this process has
// deleted, whatever the consistency.
func (c *clock) withoutWaiting(ctx context.Context) (client.SearchQueryOptionFunc, error) {
	if err := c.set(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return at(max(c.gone, c.lately())), nil
}

func at(timestamp uint64) client.SearchQueryOptionFunc {
	return func(o *client.SearchQueryOption) {
		o.ConsistencyLevel, o.GuaranteeTimestamp = entity.ClCustomized, timestamp
	}
}

// lately is staleness ago by the server's clock, which has been set. The caller holds mu.
func (c *clock) lately() uint64 {
	now := c.base + uint64(time.Since(c.read).Milliseconds())<<timestampShift
	return now - uint64(staleness.Milliseconds())<<timestampShift
}

// set asks for the server's time unless it is known.
func (c *clock) set(ctx context.Context) error {
	c.mu.Lock()
	known := c.base != 0 && time.Since(c.read) < recheck
	c.mu.Unlock()
	if known {
		return nil
	}
	_, err := c.ask(ctx)
	return err
}

func (c *clock) session(ctx context.Context, ids []int64) (uint64, error) {
	if err := c.set(ctx); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.newest
	if ids != nil {
		own = c.first
		for _, id := range ids {
			own = max(own, c.later[id], c.earlier[id])
		}
	}
	return max(own, c.lately()), nil
}

// ask reads the server's clock.
func (c *clock) ask(ctx context.Context) (uint64, error) {
	read := time.Now() // before, so that the time that the call takes makes states newer and not older
	reply, err := c.service.AllocTimestamp(ctx, &milvuspb.AllocTimestampRequest{})
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base == 0 {
		c.first = reply.GetTimestamp()
		c.newest = max(c.newest, c.first)
	}
	c.base, c.read = reply.GetTimestamp(), read
	return c.base, nil
}

// deleted notes that a deletion of these ids was acknowledged. Milvus tells no timestamp of one (0); one that it gives out
// after it is later.
func (c *clock) deleted(ctx context.Context, ids []int64, timestamp uint64) error {
	if timestamp == 0 {
		var err error
		if timestamp, err = c.ask(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.gone = max(c.gone, timestamp)
	c.mu.Unlock()
	return c.wrote(ctx, ids, timestamp)
}

// wrote notes that a write of these ids was acknowledged. Without its timestamp (0) it takes one that is later.
func (c *clock) wrote(ctx context.Context, ids []int64, timestamp uint64) error {
	if c.consistency != session {
		return nil
	}
	if timestamp == 0 {
		var err error
		if timestamp, err = c.ask(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = max(c.newest, timestamp)
	if time.Since(c.turned) > max(time.Second, staleness) {
		c.earlier, c.later, c.turned = c.later, map[int64]uint64{}, time.Now()
	}
	for _, id := range ids {
		c.later[id] = max(c.later[id], timestamp)
	}
	return nil
}
