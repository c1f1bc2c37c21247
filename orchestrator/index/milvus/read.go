package milvus

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// query asks for records by a condition, at most limit, those with the smallest ids; 0 is no limit. A condition on known
// ids alone comes with these.
func (c *Collection) query(ctx context.Context, s *schema, where string, limit int, vectors bool, ids ...int64) ([]index.Record, error) {
	guarantee, err := c.db.clock.guarantee(ctx, ids...)
	if err != nil {
		return nil, err
	}
	found, err := c.db.client.Query(ctx, s.name, c.parts(), where, s.output(vectors), guarantee, client.WithLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	return s.records(found, nil)
}

// recordBytes is about what a record takes beside its vector.
const recordBytes = 1024

// atOnce is how many records one answer should have: no more than the server allows, and not much more bytes than a
// write's request.
func (d *Database) atOnce(s *schema, vectors bool) int {
	each := recordBytes
	if vectors {
		each += 4 * s.width
	}
	return min(index.MaxWindow, max(1, d.cfg.Batch.Bytes/each))
}

// Get returns records by id.
func (c *Collection) Get(ctx context.Context, ids []int64) (records []index.Record, err error) {
	ids = distinct(ids)
	err = c.do(ctx, func(s *schema) error {
		found := make(map[int64]index.Record, len(ids))
		for chunk := range slices.Chunk(ids, c.db.atOnce(s, true)) {
			part, err := c.query(ctx, s, s.idIn(chunk), 0, true, chunk...)
			if err != nil {
				return err
			}
			for _, r := range part {
				found[r.ID] = r
			}
		}
		records = make([]index.Record, 0, len(found))
		for _, id := range ids {
			if r, ok := found[id]; ok {
				records = append(records, r)
			}
		}
		return nil
	})
	return records, err
}

// Iterate walks in order of ids, page by page: Milvus gives the smallest of those that match first.
func (c *Collection) Iterate(ctx context.Context, walk index.Walk) iter.Seq2[index.Record, error] {
	from := walk.From
	if from == 0 {
		from = beginning
	}
	return func(yield func(index.Record, error) bool) {
		for at, more := from, true; more; {
			var page []index.Record
			err := c.do(ctx, func(s *schema) (err error) { // one page a call, so that nothing is held while the caller works
				where := s.translate(walk.Filter).upper
				page, err = c.page(ctx, s, where, at, walk.Vectors)
				at, more = c.db.after(s, page, walk.Vectors)
				return err
			})
			if err != nil {
				yield(index.Record{}, err)
				return
			}
			for _, r := range page {
				if walk.Filter.Matches(r) && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// beginning is before every id. Other programs' may be negative.
const beginning = math.MinInt64

// page reads the records, in order of ids, that a condition holds for, from an id on.
func (c *Collection) page(ctx context.Context, s *schema, where string, from int64, vectors bool) ([]index.Record, error) {
	if from != beginning {
		where = all(where, s.idField+" >= "+integer(from))
	}
	switch where {
	case never:
		return nil, nil
	case always:
		where = ""
	}
	page, err := c.query(ctx, s, where, c.db.atOnce(s, vectors), vectors)
	if err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(page, byID) {
		return nil, fault.Internal("Milvus gives a page of %q that is not in order of ids", s.name)
	}
	return page, nil
}

// after is where the page after this one begins, and whether there is one.
func (d *Database) after(s *schema, page []index.Record, vectors bool) (from int64, more bool) {
	if len(page) < d.atOnce(s, vectors) {
		return 0, false
	}
	last := page[len(page)-1].ID
	return last + 1, last < math.MaxInt64
}

func byID(a, b index.Record) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// Count counts what the filter matches. The server does it, but for records that it cannot judge, which are read.
func (c *Collection) Count(ctx context.Context, filter *index.Filter) (n int64, err error) {
	err = c.do(ctx, func(s *schema) error {
		t := s.translate(filter)
		if n, err = c.countSure(ctx, s, t.lower); err != nil || t.isExact() {
			return err
		}
		return c.each(ctx, s, all(t.upper, not(t.lower)), func(r index.Record) {
			if filter.Matches(r) {
				n++
			}
		})
	})
	return n, err
}

// each gives f every record that a condition holds for, without its vector.
func (c *Collection) each(ctx context.Context, s *schema, where string, f func(index.Record)) error {
	for from, more := int64(beginning), true; more; {
		page, err := c.page(ctx, s, where, from, false)
		if err != nil {
			return err
		}
		for _, r := range page {
			f(r)
		}
		from, more = c.db.after(s, page, false)
	}
	return nil
}

func (c *Collection) countSure(ctx context.Context, s *schema, where string) (int64, error) {
	switch where {
	case never:
		return 0, nil
	case always:
		where = ""
	}
	return c.db.countWhere(ctx, s, c.parts(), where)
}

const countField = "count(*)"

// countWhere has the server count; "" is all. A condition on known ids alone comes with these.
func (d *Database) countWhere(ctx context.Context, s *schema, parts []string, where string, ids ...int64) (int64, error) {
	guarantee, err := d.clock.guarantee(ctx, ids...)
	if err != nil {
		return 0, err
	}
	found, err := d.client.Query(ctx, s.name, parts, where, []string{countField}, guarantee)
	if err != nil {
		return 0, err
	}
	counts, ok := found.GetColumn(countField).(*entity.ColumnInt64)
	if !ok || counts.Len() != 1 {
		return 0, s.garbled("a count")
	}
	return counts.Data()[0], nil
}
