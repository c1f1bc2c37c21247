package milvus

import (
	"context"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"

	"clipseek/orchestrator/index"
)

// Building tells how far the index over the vectors is. It is of the whole collection, also for a partition. Records
// that Milvus has not sealed yet are in none; Flush seals them.
func (c *Collection) Building(ctx context.Context) (b index.Building, err error) {
	err = c.do(ctx, func(s *schema) error {
		b = index.Building{State: index.BuildNone}
		found, err := c.db.indexOf(ctx, s)
		if refusedWith(err, codeNoIndex) || err == nil && found == nil {
			return nil
		}
		if err != nil {
			return err
		}
		built := readIndex(found)
		b = index.Building{
			Type: built.kind, Metric: string(built.metric), Params: built.params,
			Total: found.GetTotalRows(), Covered: found.GetIndexedRows(), Reason: found.GetIndexStateFailReason(),
		}
		switch {
		case found.GetState() == commonpb.IndexState_Failed:
			b.State = index.BuildFailed
		case found.GetState() == commonpb.IndexState_Finished && b.Covered >= b.Total:
			b.State = index.BuildDone
		default:
			b.State = index.BuildRunning
		}
		return nil
	})
	return b, err
}

// Build replaces the index by the configured one. Milvus drops none of a collection that is in memory, so that the
// collection leaves it meanwhile; another process that searches may bring it back in between, and that is repeated.
func (c *Collection) Build(ctx context.Context) error {
	return c.do(ctx, func(s *schema) error {
		if err := c.db.cfg.Index.fits(s.width); err != nil {
			return err
		}
		defer c.db.changes.Add(1)
		if err := c.dropIndex(ctx, s); err != nil {
			return err
		}
		if err := c.db.createIndex(ctx, s.name); err != nil {
			return err
		}
		return c.load(ctx, s)
	})
}

// drops is how often the index is tried to be dropped.
const drops = 5

func (c *Collection) dropIndex(ctx context.Context, s *schema) error {
	found, err := c.db.indexOf(ctx, s)
	if refusedWith(err, codeNoIndex) || err == nil && found == nil {
		return nil
	}
	if err != nil {
		return err
	}
	for range drops {
		if err = c.db.client.ReleaseCollection(ctx, s.name); err != nil {
			return err
		}
		_, err = c.db.client.Service.DropIndex(ctx, &milvuspb.DropIndexRequest{CollectionName: s.name, IndexName: found.GetIndexName()})
		switch {
		case err == nil, refusedWith(err, codeNoIndex):
			return nil
		case !refusedWith(err, codeUnexpected): // loaded again, which has no code
			return err
		}
	}
	return err
}

// Flush has Milvus seal what was written, and waits until it is in its storage.
func (c *Collection) Flush(ctx context.Context) error {
	return c.do(ctx, func(s *schema) error {
		reply, err := c.db.client.Service.Flush(ctx, &milvuspb.FlushRequest{CollectionNames: []string{s.name}})
		if err != nil {
			return err
		}
		segments := reply.GetCollSegIDs()[s.name].GetData()
		if len(segments) == 0 {
			return nil
		}
		return poll(ctx, func() (bool, error) {
			state, err := c.db.client.Service.GetFlushState(ctx, &milvuspb.GetFlushStateRequest{
				SegmentIDs: segments, FlushTs: reply.GetCollFlushTs()[s.name], CollectionName: s.name,
			})
			return state.GetFlushed(), err
		})
	})
}
