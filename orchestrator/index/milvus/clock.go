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
// server's, and the newest write of this process.
type clock struct {
	service     milvuspb.MilvusServiceClient
	consistency string

	mu     sync.Mutex
	read   time.Time // when the server was asked for base
	base   uint64
	newest uint64 // timestamp of the newest write that was acknowledged
}

// recheck is how long two clocks may run side by side: they drift apart by milliseconds.
const recheck = time.Minute

// guarantee is the option of a search or query.
func (c *clock) guarantee(ctx context.Context) (client.SearchQueryOptionFunc, error) {
	switch c.consistency {
	case strong:
		return client.WithSearchQueryConsistencyLevel(entity.ClStrong), nil
	case bounded:
		return client.WithSearchQueryConsistencyLevel(entity.ClBounded), nil
	case eventually:
		return client.WithSearchQueryConsistencyLevel(entity.ClEventually), nil
	}
	ts, err := c.session(ctx)
	return func(o *client.SearchQueryOption) {
		o.ConsistencyLevel, o.GuaranteeTimestamp = entity.ClCustomized, ts
	}, err
}

func (c *clock) session(ctx context.Context) (uint64, error) {
	c.mu.Lock()
	base, read := c.base, c.read
	c.mu.Unlock()
	if base == 0 || time.Since(read) > recheck {
		var err error
		if base, read, err = c.ask(ctx); err != nil {
			return 0, err
		}
	}
	c.mu.Lock()
	newest := c.newest
	c.mu.Unlock()
	now := base + uint64(time.Since(read).Milliseconds())<<timestampShift
	return max(newest, now-uint64(staleness.Milliseconds())<<timestampShift), nil
}

// ask reads the server's clock.
func (c *clock) ask(ctx context.Context) (base uint64, read time.Time, err error) {
	read = time.Now() // before, so that the time that the call takes makes states newer and not older
	reply, err := c.service.AllocTimestamp(ctx, &milvuspb.AllocTimestampRequest{})
	if err != nil {
		return 0, read, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base == 0 { // what was acknowledged before this program came is seen at once
		c.newest = reply.GetTimestamp()
	}
	c.base, c.read = reply.GetTimestamp(), read
	return c.base, c.read, nil
}

// wrote notes that a write was acknowledged. Milvus tells no timestamp of a deletion (0); one that it gives out after
// it is later.
func (c *clock) wrote(ctx context.Context, timestamp uint64) error {
	if c.consistency != session {
		return nil
	}
	if timestamp == 0 {
		var err error
		if timestamp, _, err = c.ask(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = max(c.newest, timestamp)
	return nil
}
