package local

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"

	"clipseek/orchestrator/fault"
)

// connector opens connections to one file, each with the settings that it needs.
type connector struct {
	driver *sqlite3.SQLiteDriver
	source string
}

type access uint8

const (
	reading access = iota
	writing
)

// lockStep, in milliseconds, is how long SQLite itself waits for a lock. It is short because SQLite does not look at a
// context while it waits, and because it looks at the lock ever more rarely, so that it hardly gets its turn beside a
// busy writer: transact does the longer waiting in steps of this.
const lockStep = 10

func newConnector(file string, a access) driver.Connector {
	settings := []string{
		fmt.Sprintf(`PRAGMA busy_timeout = %d`, lockStep),
		`PRAGMA cache_size = -16384`, // KiB; the records of some 50,000 pictures
	}
	query := "mode=rw" // a file that was taken away is an error, not an empty index
	if a == writing {
		query = "_txlock=immediate" // a transaction that will write takes the lock first, or it could not be repeated
		settings = append(settings,
			// Before the file has any content; without effect later. A page of 16 KiB holds five vectors of 768.
			`PRAGMA page_size = 16384`,
			`PRAGMA auto_vacuum = INCREMENTAL`,
			`PRAGMA journal_mode = WAL`,
			`PRAGMA synchronous = FULL`,            // sync the log at each commit: NORMAL could lose acknowledged writes with the power
			`PRAGMA journal_size_limit = 67108864`, // bytes; a log that a long read let grow is cut back to this
		)
	} else {
		settings = append(settings, `PRAGMA query_only = ON`)
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: query}
	return &connector{
		source: source.String(),
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			for _, setting := range settings {
				if _, err := c.Exec(setting, nil); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.source) }

func (c *connector) Driver() driver.Driver { return c.driver }

// call runs f while the database is open and translates its error.
func (d *Database) call(ctx context.Context, f func() error) error {
	d.running.RLock()
	defer d.running.RUnlock()
	if d.closed {
		return errClosed(d.file)
	}
	return d.translate(ctx, f())
}

// write runs f in a transaction that holds the file's one lock for writing. It waits for other processes' writes, and
// may run f again, which therefore keeps nothing from one run to the next.
func (d *Database) write(ctx context.Context, f func(*sql.Tx) error) error {
	return d.call(ctx, func() error { return d.transact(ctx, d.writer, f) })
}

// read runs f in a transaction that sees the file as it is at the first query, whatever is written meanwhile.
func (d *Database) read(ctx context.Context, f func(*sql.Tx) error) error {
	return d.call(ctx, func() error { return d.transact(ctx, d.readers, f) })
}

func (d *Database) transact(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	deadline := time.Now().Add(d.wait)
	for {
		err := transactOnce(ctx, pool, f)
		if !isBusy(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}

func transactOnce(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone drops the complaint that a transaction has ended by itself, which it does when its context ends.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func isBusy(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked || e.Code == sqlite3.ErrProtocol)
}

func errClosed(file string) error { return fault.Unavailable("the index %s is closed", file) }

// errDamaged is for content that no program of ours writes.
func errDamaged(file string) *fault.Error {
	return fault.Unavailable("the index %s is damaged; restore it from a backup, or delete it with the files beside it (-wal, -shm) and ingest again", file)
}

// translate makes faults of what SQLite says, by its codes.
func (d *Database) translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil { // SQLite says only that it was interrupted
		return ctx.Err()
	}
	e, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return fault.Internal("index %s", d.file).Because(err)
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrProtocol:
		return fault.Unavailable("another process has kept the index %s locked for more than %s; try again, or end that process", d.file, d.wait).
			After(time.Second).Because(err)
	case sqlite3.ErrFull:
		return errNoSpace(d.file, err)
	case sqlite3.ErrNotADB:
		return fault.Invalid("%s is not an index of clipseek, or its beginning is damaged; name another file or restore it from a backup", d.file).Because(err)
	case sqlite3.ErrCorrupt:
		return errDamaged(d.file).Because(err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrAuth:
		return fault.Unavailable("the index %s cannot be opened for writing; make the file and its folder writable", d.file).Because(err)
	case sqlite3.ErrIoErr:
		if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
			return errNoSpace(d.file, err)
		}
		return fault.Unavailable("the disk with the index %s does not work; check it", d.file).Because(err)
	case sqlite3.ErrNomem:
		return fault.Unavailable("there is not enough memory to use the index %s; end other programs or use a smaller collection", d.file).Because(err)
	}
	return fault.Internal("index %s", d.file).Because(err)
}

func errNoSpace(file string, cause error) error {
	return fault.Unavailable("there is no room for the index %s; free some space on its disk and repeat; nothing written before is lost", file).Because(cause)
}
