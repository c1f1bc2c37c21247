package local

import (
	"context"
	"database/sql"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/viterin/vek/vek32"
)

// blockSlots is how many slots share a block. A write makes a search copy the blocks that it touched, 192 KiB each at
// width 768, so that blocks are small; and the live slots of one fit a word.
const blockSlots = 64

// block is the vectors of 64 slots that follow each other. It is not changed once a snapshot has it.
type block struct {
	vectors []float32 // slot after slot
	ids     [blockSlots]int64
	live    uint64 // bit i: slot i holds a record
}

// snapshot is the vectors of a collection as they were after one change. It is not changed once it is made, so that a
// search needs no lock and a write that is seen meanwhile waits for no search.
type snapshot struct {
	change int64
	blocks []*block // nil: no record in it, no memory either
}

func (s *snapshot) bytes(width int) (n int64) {
	for _, b := range s.blocks {
		if b != nil {
			n += int64(blockSlots * (4*width + 8))
		}
	}
	return n
}

// matrix is the newest snapshot that a handle has.
type matrix struct {
	current atomic.Pointer[snapshot] // nil before the first search
	renewal chan struct{}            // has the token of the one that makes the next
}

// newMatrix is a matrix that nothing has been read into.
func newMatrix() *matrix { return &matrix{renewal: make(chan struct{}, 1)} }

// follow returns the snapshot of exactly the state that tx sees; nil if the handle already has a newer one, so that the
// caller must look at the file again.
func (c *Collection) follow(ctx context.Context, tx *sql.Tx, s state) (*snapshot, error) {
	if have := c.matrix.current.Load(); have != nil && have.change == s.change {
		return have, nil
	}
	select {
	case c.matrix.renewal <- struct{}{}:
		defer func() { <-c.matrix.renewal }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	have := c.matrix.current.Load()
	switch {
	case have == nil:
		have = &snapshot{}
	case have.change == s.change:
		return have, nil
	case have.change > s.change:
		return nil, nil
	}
	next, err := c.renew(ctx, tx, have, s)
	if err != nil {
		return nil, err
	}
	if !c.closed.Load() {
		c.matrix.current.Store(next)
	}
	return next, nil
}

// renew makes the snapshot of s from an older one and what is newer in the file.
func (c *Collection) renew(ctx context.Context, tx *sql.Tx, have *snapshot, s state) (*snapshot, error) {
	next := &draft{
		width:  c.spec.Width,
		blocks: make([]*block, (s.slots+blockSlots-1)/blockSlots),
		own:    make([]bool, (s.slots+blockSlots-1)/blockSlots),
	}
	if copy(next.blocks, have.blocks) < len(have.blocks) {
		return nil, errDamaged(c.db.file) // slots are never fewer
	}
	if err := c.clearVacant(ctx, tx, next, have.change); err != nil {
		return nil, err
	}
	if err := c.readVectors(ctx, tx, next, have.change); err != nil {
		return nil, err
	}
	return &snapshot{change: s.change, blocks: next.blocks}, nil
}

func (c *Collection) clearVacant(ctx context.Context, tx *sql.Tx, next *draft, after int64) error {
	slots, err := integers(ctx, tx, c.sql(`SELECT slot FROM vacant_%[1]d WHERE change > ?`), after)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if !next.has(slot) {
			return errDamaged(c.db.file)
		}
		next.clear(slot)
	}
	return nil
}

func (c *Collection) readVectors(ctx context.Context, tx *sql.Tx, next *draft, after int64) error {
	query := c.sql(`SELECT r.slot, r.id, v.vector FROM records_%[1]d r JOIN vectors_%[1]d v USING (slot) WHERE r.change > ?`)
	if after == 0 { // everything: in the order of the tables, not of the index of changes
		query = c.sql(`SELECT r.slot, r.id, v.vector FROM vectors_%[1]d v CROSS JOIN records_%[1]d r USING (slot) WHERE +r.change > ?`)
	}
	rows, err := tx.QueryContext(ctx, query, after)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var slot int
		var id int64
		var vector sql.RawBytes
		if err := rows.Scan(&slot, &id, &vector); err != nil {
			return err
		}
		if !next.has(slot) || len(vector) != 4*c.spec.Width || !next.set(slot, id, vector) {
			return errDamaged(c.db.file)
		}
	}
	return rows.Err()
}

// draft is a snapshot in the making. Blocks that it has not copied still belong to an older one.
type draft struct {
	width  int
	blocks []*block
	own    []bool
}

func (d *draft) has(slot int) bool { return 0 <= slot && slot < len(d.blocks)*blockSlots }

// writable is the block of a slot, copied if it is another snapshot's.
func (d *draft) writable(n int) *block {
	switch {
	case d.own[n]:
	case d.blocks[n] == nil:
		d.blocks[n] = &block{vectors: make([]float32, blockSlots*d.width)}
	default:
		b := *d.blocks[n]
		b.vectors = slices.Clone(b.vectors)
		d.blocks[n] = &b
	}
	d.own[n] = true
	return d.blocks[n]
}

// set puts a vector in. It reports false for one that is not of length 1, as Upsert lets none in: a single NaN would
// upset the order of all hits.
func (d *draft) set(slot int, id int64, encoded []byte) bool {
	b, i := d.writable(slot/blockSlots), slot%blockSlots
	v := b.vectors[i*d.width:][:d.width]
	decodeVector(v, encoded)
	b.ids[i] = id
	b.live |= 1 << i
	const tolerance = 1e-2 // wider than that of Upsert by what float32 sums may lose
	return math.Abs(float64(vek32.Dot(v, v))-1) <= tolerance
}

func (d *draft) clear(slot int) {
	n, i := slot/blockSlots, slot%blockSlots
	if d.blocks[n] == nil || d.blocks[n].live&(1<<i) == 0 {
		return
	}
	if bits.OnesCount64(d.blocks[n].live) == 1 {
		d.blocks[n], d.own[n] = nil, false
		return
	}
	d.writable(n).live &^= 1 << i
}
