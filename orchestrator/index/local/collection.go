package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Collection is an open collection. It is safe for concurrent use.
type Collection struct {
	db     *Database
	number int64 // of the collection's tables
	spec   index.Spec
	closed atomic.Bool
	matrix *matrix
	hashed atomic.Bool // there is an SQL index of hashes
}

var (
	_ index.Index     = (*Collection)(nil)
	_ index.Counter   = (*Collection)(nil)
	_ index.Iterator  = (*Collection)(nil)
	_ index.Loader    = (*Collection)(nil)
	_ index.Describer = (*Collection)(nil)
	_ index.Recaller  = (*Collection)(nil)
)

// lookUp finds the collection that spec names and takes its number and properties.
func (c *Collection) lookUp(ctx context.Context, tx *sql.Tx, spec index.Spec) error {
	found := index.Info{Name: spec.Collection}
	err := tx.QueryRowContext(ctx, `SELECT number, width, model FROM collections WHERE name = ?`, spec.Collection).
		Scan(&c.number, &found.Width, &found.Model)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFound("there is no collection %q; make it by ingesting pictures into it", spec.Collection)
	}
	if err != nil {
		return err
	}
	c.spec = index.Spec{Collection: found.Name, Width: found.Width, Model: found.Model}
	return spec.Matches(found)
}

// state is what the file says about a collection as a whole.
type state struct {
	change  int64 // number of the last write
	slots   int   // one more than the highest slot
	records int64
}

// state reads the state. Fault: NotFound where the collection was dropped.
func (c *Collection) state(ctx context.Context, tx *sql.Tx) (s state, err error) {
	err = tx.QueryRowContext(ctx, `SELECT change, slots, records FROM collections WHERE number = ?`, c.number).
		Scan(&s.change, &s.slots, &s.records)
	if errors.Is(err, sql.ErrNoRows) {
		return s, fault.NotFound("collection %q has been dropped; open it again to make a new one", c.spec.Collection)
	}
	return s, err
}

// read runs f on the file and the collection's state at one moment.
func (c *Collection) read(ctx context.Context, f func(*sql.Tx, state) error) error {
	if c.closed.Load() {
		return errClosed(c.db.file)
	}
	return c.db.read(ctx, func(tx *sql.Tx) error {
		s, err := c.state(ctx, tx)
		if err != nil {
			return err
		}
		return f(tx, s)
	})
}

// sql puts the collection's number, as %[1]d, and more into a query. What a caller of the index gives is never among it:
// that is bound.
func (c *Collection) sql(query string, more ...any) string {
	return fmt.Sprintf(query, append([]any{c.number}, more...)...)
}

// Count counts the records that the filter matches.
func (c *Collection) Count(ctx context.Context, filter *index.Filter) (n int64, err error) {
	err = c.read(ctx, func(tx *sql.Tx, s state) error {
		if filter == nil {
			n = s.records
			return nil
		}
		where, args := condition(filter)
		return tx.QueryRowContext(ctx, c.sql(`SELECT count(*) FROM records_%[1]d WHERE %[2]s`, where), args...).Scan(&n)
	})
	return n, err
}

// Load brings the matrix up to the file.
func (c *Collection) Load(ctx context.Context) error {
	return c.read(ctx, func(tx *sql.Tx, s state) error {
		_, err := c.follow(ctx, tx, s)
		return err
	})
}

// Stats tells about the collection. StoredBytes is of the whole file with its log.
func (c *Collection) Stats(ctx context.Context) (index.Stats, error) {
	stats := index.Stats{Info: index.Info{Name: c.spec.Collection, Width: c.spec.Width, Model: c.spec.Model}}
	err := c.read(ctx, func(_ *sql.Tx, s state) error {
		stats.Count = s.records
		return nil
	})
	if err != nil {
		return index.Stats{}, err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(c.db.file + suffix); err == nil {
			stats.StoredBytes += info.Size()
		}
	}
	if m := c.matrix.current.Load(); m != nil {
		stats.MemoryBytes = m.bytes(c.spec.Width)
	}
	return stats, nil
}

// Close lets the matrix go.
func (c *Collection) Close() error {
	c.closed.Store(true)
	c.matrix.current.Store(nil)
	return nil
}
