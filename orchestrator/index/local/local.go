// Package local keeps an index in one SQLite file and searches it exactly, by a scan of a matrix in memory.
//
// The file is the truth. It holds every collection of a database: records with the standard fields as columns and the
// others as JSON, and the vectors in a table of their own, so that a filter does not read past them. It is in SQLite's
// write-ahead mode, where readers and the one writer do not wait for one another, and synchronous FULL: a write that
// was acknowledged is on the disk, through a kill or a power failure.
//
// The matrix follows the file. Every write raises the collection's change number and stamps the records it touched, and
// every search compares that number with its matrix and first reads what is newer. So results are always those of the
// file at one moment, whoever wrote to it: this handle, another, or another process.
//
// Searches are exact: every record that the filter matches is scored. The cost is one pass over the matrix, which
// serves up to some millions of records; memory is 4 bytes times the width for each. A collection that nobody searches
// takes none.
//
// The package is not for sharing a file over a network file system, whose locks SQLite cannot rely on.
package local

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Config says where the database is.
type Config struct {
	File string        `koanf:"file"` // the SQLite file; it and its folder are made if they are not there
	Wait time.Duration `koanf:"wait"` // how long a write waits for another process's before it answers Unavailable
}

// Default is the configuration with all but the File.
func Default() Config { return Config{Wait: 30 * time.Second} }

// Validate reports what in the configuration cannot work. Fault: Invalid.
func (c Config) Validate() error {
	var faults []error
	if c.File == "" {
		faults = append(faults, fault.Invalid("file is empty; name the index file, such as /var/lib/clipseek/index.db"))
	}
	if c.Wait <= 0 {
		faults = append(faults, fault.Invalid("wait is %s; it needs a time above 0, such as 30s", c.Wait))
	}
	return errors.Join(faults...)
}

// Database is an open file. It is safe for concurrent use.
type Database struct {
	file string
	wait time.Duration

	// running is held for reading by every call, and for writing by Close, which so waits for them.
	running sync.RWMutex
	closed  bool // guarded by running

	writer  *sql.DB // one connection: SQLite has one writer at a time
	readers *sql.DB
}

var _ index.Database = (*Database)(nil)

// Open opens the file, makes it if it is not there, and brings an older one up to date.
//
// Faults: Invalid for a configuration that Validate refuses, for a file that is not an index and for a folder that cannot
// be written; Conflict for a file that a newer program made; Unavailable where the disk is full or another process keeps
// the file locked.
func Open(ctx context.Context, cfg Config) (*Database, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	file, err := filepath.Abs(cfg.File)
	if err != nil {
		return nil, fault.Invalid("the index file %s has no absolute path; name it with one", cfg.File).Because(err)
	}
	if err := prepareFolder(file); err != nil {
		return nil, err
	}
	d := &Database{
		file:    file,
		wait:    cfg.Wait,
		writer:  sql.OpenDB(newConnector(file, writing)),
		readers: sql.OpenDB(newConnector(file, reading)),
	}
	d.writer.SetMaxOpenConns(1)
	// A search holds a connection from its first look at the file to its last, scan included, so that more searches
	// than the processors can carry wait here instead of slowing one another down.
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	d.readers.SetMaxOpenConns(readers)
	d.readers.SetMaxIdleConns(readers)
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepareFolder makes the folder of the file and refuses what cannot be an index file before SQLite tries, because
// SQLite has one answer for all of it.
func prepareFolder(file string) error {
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fault.Invalid("the folder %s cannot be made; name a data folder that can be written", folder).Because(err)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fault.Invalid("the index file %s cannot be reached; check the permissions of its folder", file).Because(err)
	case !info.Mode().IsRegular():
		return fault.Invalid("%s is not a file and cannot be the index; name another", file)
	}
	// SQLite keeps two more files beside the first, so that the folder must be writable, not only the file.
	probe, err := os.CreateTemp(folder, ".clipseek-*")
	if err != nil {
		return fault.Invalid("the folder %s cannot be written; make it writable or name another data folder", folder).Because(err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Collections lists the collections by name.
func (d *Database) Collections(ctx context.Context) (infos []index.Info, err error) {
	err = d.read(ctx, func(tx *sql.Tx) error {
		infos = nil
		rows, err := tx.QueryContext(ctx, `SELECT name, width, model, records FROM collections ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i index.Info
			if err := rows.Scan(&i.Name, &i.Width, &i.Model, &i.Count); err != nil {
				return err
			}
			infos = append(infos, i)
		}
		return rows.Err()
	})
	return infos, err
}

// Open opens a collection and makes it on first use.
func (d *Database) Open(ctx context.Context, spec index.Spec) (index.Index, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	c := &Collection{db: d, matrix: newMatrix()}
	lookUp := func(tx *sql.Tx) error { return c.lookUp(ctx, tx, spec) }
	err := d.read(ctx, lookUp)
	if fault.KindOf(err) == fault.KindNotFound && !spec.Existing() {
		err = d.write(ctx, func(tx *sql.Tx) error {
			if err := createCollection(ctx, tx, spec); err != nil {
				return err
			}
			return lookUp(tx)
		})
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Drop removes a collection and gives its room in the file back.
func (d *Database) Drop(ctx context.Context, collection string) error {
	if err := index.CheckCollection(collection); err != nil {
		return err
	}
	return d.write(ctx, func(tx *sql.Tx) error {
		var c Collection
		if err := c.lookUp(ctx, tx, index.Spec{Collection: collection}); err != nil {
			return err
		}
		return dropCollection(ctx, tx, c.number)
	})
}

// Close waits for running calls and closes the file.
func (d *Database) Close() error {
	d.running.Lock()
	defer d.running.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	return d.translate(context.Background(), errors.Join(d.readers.Close(), d.writer.Close()))
}
