package local

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"clipseek/orchestrator/index"
)

// A long write is done in several transactions, so that other writers get their turn and the log stays short.
const (
	upsertBatch = 1_000  // records; 3 MB of vectors at width 768
	deleteBatch = 10_000 // ids
)

// write runs f in a transaction with the number of the change that it makes, and stores the state as f leaves it. Where
// f reports that nothing changed the file stays as it was.
func (c *Collection) write(ctx context.Context, f func(*sql.Tx, *state) (changed bool, err error)) error {
	if c.closed.Load() {
		return errClosed(c.db.file)
	}
	return c.db.write(ctx, func(tx *sql.Tx) error {
		s, err := c.state(ctx, tx)
		if err != nil {
			return err
		}
		s.change++
		if changed, err := f(tx, &s); err != nil || !changed {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE collections SET change = ?, slots = ?, records = ? WHERE number = ?`,
			s.change, s.slots, s.records, c.number)
		return err
	})
}

// Upsert writes records, up to 1,000 in a transaction.
func (c *Collection) Upsert(ctx context.Context, records []index.Record) error {
	for _, r := range records {
		if err := r.Validate(c.spec.Width); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(records, upsertBatch) {
		err := c.write(ctx, func(tx *sql.Tx, s *state) (bool, error) { return true, c.upsert(ctx, tx, s, batch) })
		if err != nil {
			return err
		}
	}
	return nil
}

// upsert writes a batch.
func (c *Collection) upsert(ctx context.Context, tx *sql.Tx, s *state, batch []index.Record) error {
	u, err := c.prepareUpsert(ctx, tx, len(batch))
	if err != nil {
		return err
	}
	defer u.close()
	for _, r := range batch {
		if err := u.put(ctx, s, r); err != nil {
			return err
		}
	}
	return nil
}

// upserter is the statements of a batch and the vacant slots that it may use.
type upserter struct {
	record, vector, occupy *sql.Stmt
	vacant                 []int // lowest first
	buffer                 []byte
}

func (c *Collection) prepareUpsert(ctx context.Context, tx *sql.Tx, n int) (*upserter, error) {
	u := &upserter{buffer: make([]byte, 4*c.spec.Width)}
	var err error
	if u.vacant, err = integers(ctx, tx, c.sql(`SELECT slot FROM vacant_%[1]d ORDER BY slot LIMIT ?`), n); err != nil {
		return nil, err
	}
	columns := strings.Split(columnNames(), ", ")
	assignments := make([]string, len(columns))
	for i, name := range columns {
		assignments[i] = name + " = excluded." + name
	}
	for _, p := range []struct {
		statement **sql.Stmt
		query     string
	}{
		{&u.record, c.sql(`INSERT INTO records_%[1]d (slot, id, change, path, fields, %[2]s) VALUES (?, ?, ?, ?, jsonb(?)%[3]s)
			ON CONFLICT (id) DO UPDATE SET change = excluded.change, path = excluded.path, fields = excluded.fields, %[4]s
			RETURNING slot`, columnNames(), strings.Repeat(", ?", len(columns)), strings.Join(assignments, ", "))},
		{&u.vector, c.sql(`INSERT OR REPLACE INTO vectors_%[1]d (slot, vector) VALUES (?, ?)`)},
		{&u.occupy, c.sql(`DELETE FROM vacant_%[1]d WHERE slot = ?`)},
	} {
		if *p.statement, err = tx.PrepareContext(ctx, p.query); err != nil {
			u.close()
			return nil, err
		}
	}
	return u, nil
}

func (u *upserter) close() {
	for _, statement := range []*sql.Stmt{u.record, u.vector, u.occupy} {
		if statement != nil {
			_ = statement.Close() // it ends with its transaction, whose outcome counts
		}
	}
}

// put writes one record, into the slot that it has or the first one that is free.
func (u *upserter) put(ctx context.Context, s *state, r index.Record) error {
	free := s.slots
	if len(u.vacant) > 0 {
		free = u.vacant[0]
	}
	args, err := recordValues(r)
	if err != nil {
		return err
	}
	var slot int
	if err := u.record.QueryRowContext(ctx, append([]any{free, r.ID, s.change}, args...)...).Scan(&slot); err != nil {
		return err
	}
	if slot == free {
		s.records++
		if len(u.vacant) == 0 {
			s.slots++
		} else {
			u.vacant = u.vacant[1:]
			if _, err := u.occupy.ExecContext(ctx, slot); err != nil {
				return err
			}
		}
	}
	encodeVector(u.buffer, r.Vector)
	_, err = u.vector.ExecContext(ctx, slot, u.buffer)
	return err
}

// recordValues are path, fields and the columns of the standard fields, as they are bound.
func recordValues(r index.Record) ([]any, error) {
	others := make(map[string]any, len(r.Fields))
	for name, value := range r.Fields {
		if index.TypeOf(name) == index.TypeAny {
			others[name] = value
		}
	}
	encoded, err := index.EncodeFields(others)
	if err != nil {
		return nil, err
	}
	values := []any{r.Path, sql.NullString{String: encoded, Valid: encoded != ""}}
	for _, column := range index.Columns() {
		values = append(values, r.Fields[column.Name])
	}
	return values, nil
}

// encodeVector writes v into b, which has 4 bytes for each component.
func encodeVector(b []byte, v []float32) {
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
}

// decodeVector reverses encodeVector.
func decodeVector(v []float32, b []byte) {
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

// Delete removes records, up to 10,000 in a transaction.
func (c *Collection) Delete(ctx context.Context, ids []int64) (deleted int, err error) {
	for batch := range slices.Chunk(ids, deleteBatch) {
		n := 0
		err := c.write(ctx, func(tx *sql.Tx, s *state) (bool, error) {
			var err error
			n, err = c.delete(ctx, tx, s, batch)
			return n > 0, err
		})
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, nil
}

// delete removes a batch and leaves its slots vacant.
func (c *Collection) delete(ctx context.Context, tx *sql.Tx, s *state, ids []int64) (int, error) {
	slots, err := integers(ctx, tx, c.sql(`DELETE FROM records_%[1]d WHERE id IN (SELECT value FROM json_each(?)) RETURNING slot`), jsonList[int64](ids))
	if err != nil || len(slots) == 0 {
		return 0, err
	}
	list := jsonList[int](slots)
	if _, err := tx.ExecContext(ctx, c.sql(`DELETE FROM vectors_%[1]d WHERE slot IN (SELECT value FROM json_each(?))`), list); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, c.sql(`INSERT INTO vacant_%[1]d (slot, change) SELECT value, ? FROM json_each(?)`), s.change, list); err != nil {
		return 0, err
	}
	s.records -= int64(len(slots))
	return len(slots), nil
}

// jsonList is a list bound as one value, which json_each takes apart: so a list may be longer than SQLite's limit of
// 32,766 bound values.
type jsonList[T any] []T

// Value is the list as JSON.
func (l jsonList[T]) Value() (driver.Value, error) {
	b, err := json.Marshal([]T(l))
	return string(b), err
}

// integers reads a column of integers.
func integers(ctx context.Context, tx *sql.Tx, query string, args ...any) (list []int, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}
