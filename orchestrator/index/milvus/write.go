package milvus

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Upsert writes records, in requests that the server takes and several at once: no two of them have an id in common.
func (c *Collection) Upsert(ctx context.Context, records []index.Record) error {
	return c.do(ctx, func(s *schema) error {
		rows, err := s.rows(records)
		if err != nil {
			return err
		}
		homes, err := c.homes(ctx, s, rows)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(c.db.cfg.Batch.Writers)
		for part, rows := range homes {
			for batch := range c.db.cfg.Batch.of(rows) {
				group.Go(func() error { return c.upsert(ctx, s, part, batch) })
			}
		}
		return group.Wait()
	})
}

// rows are the records, of each id the last.
func (s *schema) rows(records []index.Record) ([]row, error) {
	rows := make([]row, 0, len(records))
	at := make(map[int64]int, len(records))
	for _, r := range records {
		one, err := s.newRow(r)
		if err != nil {
			return nil, err
		}
		if i, ok := at[one.id]; ok {
			rows[i] = one
			continue
		}
		at[one.id] = len(rows)
		rows = append(rows, one)
	}
	return rows, nil
}

// of divides rows into batches.
func (b Batch) of(rows []row) iter.Seq[[]row] {
	return func(yield func([]row) bool) {
		for len(rows) > 0 {
			n, size := 0, 0
			for n < len(rows) && n < b.Rows && (n == 0 || size+rows[n].bytes() <= b.Bytes) {
				size += rows[n].bytes()
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// upsert writes one batch, in halves where the server takes less at once.
func (c *Collection) upsert(ctx context.Context, s *schema, part string, rows []row) error {
	reply, err := c.db.client.Service.Upsert(ctx, &milvuspb.UpsertRequest{
		CollectionName: s.name, PartitionName: part, FieldsData: s.columns(rows), NumRows: uint32(len(rows)), //nolint:gosec // at most 100,000
	})
	if fault.KindOf(err) == fault.KindTooLarge && len(rows) > 1 {
		half := len(rows) / 2
		if err := c.upsert(ctx, s, part, rows[:half]); err != nil {
			return err
		}
		return c.upsert(ctx, s, part, rows[half:])
	}
	if err != nil {
		return err
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return c.db.clock.wrote(ctx, ids, reply.GetTimestamp())
}

// idsAtOnce is how many ids a request names: the most records that an answer may hold.
const idsAtOnce = index.MaxWindow

// Delete removes records. Milvus counts ids and not records, so that those that are there are counted first: one that
// two calls delete at the same time counts in both.
func (c *Collection) Delete(ctx context.Context, ids []int64) (deleted int, err error) {
	err = c.do(ctx, func(s *schema) error {
		deleted = 0
		for chunk := range slices.Chunk(distinct(ids), idsAtOnce) {
			where := s.idIn(chunk)
			n, err := c.db.countWhere(ctx, s, c.parts(), where, chunk...)
			if err != nil {
				return err
			}
			reply, err := c.db.client.Service.Delete(ctx, &milvuspb.DeleteRequest{CollectionName: s.name, PartitionName: c.part, Expr: where})
			if err != nil {
				return err
			}
			if err := c.db.clock.deleted(ctx, chunk, reply.GetTimestamp()); err != nil {
				return err
			}
			deleted += int(n)
		}
		return nil
	})
	return deleted, err
}

// distinct are the ids, each once, in the order of their first appearance.
func distinct(ids []int64) []int64 {
	seen := make(map[int64]bool, len(ids))
	list := make([]int64, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// idIn is the condition that the id is one of a list.
func (s *schema) idIn(ids []int64) string {
	b := fmt.Appendf(nil, "%s in [", s.idField)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(append(b, ']'))
}
