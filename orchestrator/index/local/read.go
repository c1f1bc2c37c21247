package local

import (
	"context"
	"database/sql"
	"iter"
	"math"
	"strconv"
	"strings"

	"clipseek/orchestrator/index"
)

// iteratePage is how many records Iterate reads at a time; between two pages the file's log can be shortened.
const iteratePage = 500

// Search scores every record that the filter matches.
func (c *Collection) Search(ctx context.Context, q index.Query) (hits []index.Hit, err error) {
	if err := q.Validate(c.spec.Width); err != nil {
		return nil, err
	}
	for done := false; !done && err == nil; {
		err = c.read(ctx, func(tx *sql.Tx, s state) error {
			m, err := c.follow(ctx, tx, s)
			if m == nil || err != nil {
				return err
			}
			done = true
			hits, err = c.search(ctx, tx, m, q)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return hits, nil
}

// search answers q from a snapshot and the records that tx sees, which are of the same moment.
func (c *Collection) search(ctx context.Context, tx *sql.Tx, m *snapshot, q index.Query) ([]index.Hit, error) {
	var mask []uint64
	if q.Filter != nil {
		var err error
		if mask, err = c.mask(ctx, tx, len(m.blocks), q.Filter); err != nil {
			return nil, err
		}
	}
	found, err := m.scan(ctx, q.Vector, mask, q.Offset+q.Limit)
	if err != nil {
		return nil, err
	}
	found = found[min(q.Offset, len(found)):]
	slots := make([]int, len(found))
	for i, candidate := range found {
		slots[i] = candidate.slot
	}
	records := make(map[int]index.Record, len(found))
	err = c.records(ctx, tx, false, `slot IN (SELECT value FROM json_each(?))`, []any{jsonList[int](slots)}, func(slot int, r index.Record) {
		records[slot] = r
	})
	if err != nil {
		return nil, err
	}
	hits := make([]index.Hit, len(found))
	for i, candidate := range found {
		r, ok := records[candidate.slot]
		if !ok || r.ID != candidate.id {
			return nil, errDamaged(c.db.file)
		}
		hits[i] = index.Hit{ID: r.ID, Path: r.Path, Fields: r.Fields, Score: candidate.score}
	}
	return hits, nil
}

// mask is the slots that the filter matches, as scan takes them. SQLite joins the slots to one text, because a row of a
// result costs ten times what a number in a text does.
func (c *Collection) mask(ctx context.Context, tx *sql.Tx, blocks int, filter *index.Filter) ([]uint64, error) {
	where, args := condition(filter)
	var list sql.NullString
	err := tx.QueryRowContext(ctx, c.sql(`SELECT group_concat(slot, ' ') FROM records_%[1]d WHERE %[2]s`, where), args...).Scan(&list)
	if err != nil {
		return nil, err
	}
	mask := make([]uint64, blocks)
	for text := range strings.FieldsSeq(list.String) {
		slot, err := strconv.Atoi(text)
		if err != nil || slot < 0 || slot >= blocks*blockSlots {
			return nil, errDamaged(c.db.file)
		}
		mask[slot/blockSlots] |= 1 << (slot % blockSlots)
	}
	return mask, nil
}

// Get reads records.
func (c *Collection) Get(ctx context.Context, ids []int64) ([]index.Record, error) {
	var found map[int64]index.Record
	err := c.read(ctx, func(tx *sql.Tx, _ state) error {
		found = make(map[int64]index.Record, len(ids))
		return c.records(ctx, tx, true, `id IN (SELECT value FROM json_each(?))`, []any{jsonList[int64](ids)}, func(_ int, r index.Record) {
			found[r.ID] = r
		})
	})
	if err != nil {
		return nil, err
	}
	records := make([]index.Record, 0, len(found))
	for _, id := range ids {
		if r, ok := found[id]; ok {
			records = append(records, r)
			delete(found, id)
		}
	}
	return records, nil
}

// Iterate reads records page by page, each page as the file is when it is read.
func (c *Collection) Iterate(ctx context.Context, walk index.Walk) iter.Seq2[index.Record, error] {
	where, args := "1", []any(nil)
	if walk.Filter != nil {
		where, args = condition(walk.Filter)
	}
	where = "id >= ? AND " + where + " ORDER BY id LIMIT " + strconv.Itoa(iteratePage)
	return func(yield func(index.Record, error) bool) {
		for from, full := walk.From, true; full; {
			var page []index.Record
			err := c.read(ctx, func(tx *sql.Tx, _ state) error {
				page = nil
				return c.records(ctx, tx, walk.Vectors, where, append([]any{from}, args...), func(_ int, r index.Record) {
					page = append(page, r)
				})
			})
			if err != nil {
				yield(index.Record{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if full = len(page) == iteratePage && page[iteratePage-1].ID < math.MaxInt64; full {
				from = page[iteratePage-1].ID + 1
			}
		}
	}
}

// records reads the records of a condition and gives each to add.
func (c *Collection) records(ctx context.Context, tx *sql.Tx, vectors bool, where string, args []any, add func(slot int, r index.Record)) error {
	query := c.sql(`SELECT slot, id, path, json(fields), NULL, %[2]s FROM records_%[1]d WHERE %[3]s`, columnNames(), where)
	if vectors {
		query = c.sql(`SELECT slot, id, path, json(fields), (SELECT vector FROM vectors_%[1]d v WHERE v.slot = r.slot), %[2]s
			FROM records_%[1]d r WHERE %[3]s`, columnNames(), where)
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns := index.Columns()
	for rows.Next() {
		slot, r, err := c.scanRecord(rows, columns, vectors)
		if err != nil {
			return err
		}
		add(slot, r)
	}
	return rows.Err()
}

func (c *Collection) scanRecord(rows *sql.Rows, columns []index.Column, vectors bool) (slot int, r index.Record, err error) {
	values := make([]any, len(columns))
	var fields sql.NullString
	var vector sql.RawBytes
	targets := []any{&slot, &r.ID, &r.Path, &fields, &vector}
	for i := range values {
		targets = append(targets, &values[i])
	}
	if err := rows.Scan(targets...); err != nil {
		return 0, index.Record{}, err
	}
	r.Fields = make(map[string]any, len(columns))
	for i, column := range columns {
		if values[i] != nil {
			r.Fields[column.Name] = values[i]
		}
	}
	if r.Fields, err = index.DecodeFields(r.Fields, fields.String); err != nil {
		return 0, index.Record{}, errDamaged(c.db.file).Because(err)
	}
	if vectors {
		if len(vector) != 4*c.spec.Width {
			return 0, index.Record{}, errDamaged(c.db.file)
		}
		r.Vector = make([]float32, c.spec.Width)
		decodeVector(r.Vector, vector)
	}
	return slot, r, nil
}
