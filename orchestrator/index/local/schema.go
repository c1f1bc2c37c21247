package local

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// applicationID marks a file as ours in SQLite's header: "clps" in ASCII.
const applicationID = 0x636c7073

// migrations bring a file from the version of their position to the next; the version is SQLite's user_version. One
// that has been released is never changed: a new one is added.
func migrations() []string {
	return []string{
		// number is never given twice (AUTOINCREMENT), so that a handle on a dropped collection cannot meet another.
		// change counts the writes; slots is one more than the highest slot in use or vacant.
		`CREATE TABLE collections (
			number INTEGER PRIMARY KEY AUTOINCREMENT,
			name TEXT NOT NULL UNIQUE,
			width INTEGER NOT NULL,
			model TEXT NOT NULL,
			change INTEGER NOT NULL DEFAULT 0,
			slots INTEGER NOT NULL DEFAULT 0,
			records INTEGER NOT NULL DEFAULT 0
		) STRICT`,
	}
}

// collectionTables are the tables of one collection, whose number stands for %[1]d.
//
// A slot is a record's row in the matrix. Every slot below collections.slots is either in records and vectors or in
// vacant, and carries there the change that put it there: what is newer than a matrix is found by that alone. A new
// record takes the lowest vacant slot, so that the matrix stays as small as the collection has ever been.
const collectionTables = `
CREATE TABLE records_%[1]d (
	slot INTEGER PRIMARY KEY,
	id INTEGER NOT NULL UNIQUE,
	change INTEGER NOT NULL,
	path TEXT NOT NULL,
	%[2]s,
	fields BLOB -- the fields that have no column, as SQLite's binary JSON
) STRICT;
CREATE INDEX records_%[1]d_change ON records_%[1]d (change);
CREATE INDEX records_%[1]d_label ON records_%[1]d (label);
` + hashIndex + `;
CREATE TABLE vectors_%[1]d (
	slot INTEGER PRIMARY KEY,
	vector BLOB NOT NULL -- float32, little-endian
) STRICT;
CREATE TABLE vacant_%[1]d (
	slot INTEGER PRIMARY KEY,
	change INTEGER NOT NULL
) STRICT;
CREATE INDEX vacant_%[1]d_change ON vacant_%[1]d (change)`

// hashIndex came later than the tables, which older files have without it.
const hashIndex = `CREATE INDEX IF NOT EXISTS records_%[1]d_sha256 ON records_%[1]d (sha256)`

// migrate checks whose file it is and brings it up to date.
func (d *Database) migrate(ctx context.Context) error {
	return d.write(ctx, func(tx *sql.Tx) error {
		var application, version, tables int
		err := tx.QueryRowContext(ctx, `SELECT
			(SELECT application_id FROM pragma_application_id),
			(SELECT user_version FROM pragma_user_version),
			(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &tables)
		if err != nil {
			return err
		}
		steps := migrations()
		switch {
		case application != applicationID && (tables > 0 || application != 0):
			return fault.Invalid("%s is a database of another program; name another index file", d.file)
		case version > len(steps):
			return fault.Conflict("%s was written by a newer clipseek (its version is %d, this program knows %d); update clipseek or use another data folder",
				d.file, version, len(steps))
		case version == len(steps):
			return nil
		}
		steps = append(steps[version:], fmt.Sprintf(`PRAGMA application_id = %d`, applicationID), fmt.Sprintf(`PRAGMA user_version = %d`, len(steps)))
		for _, step := range steps {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
}

// createCollection makes a collection unless another process just did.
func createCollection(ctx context.Context, tx *sql.Tx, spec index.Spec) error {
	result, err := tx.ExecContext(ctx, `INSERT INTO collections (name, width, model) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`,
		spec.Collection, spec.Width, spec.Model)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return err
	}
	number, err := result.LastInsertId()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(collectionTables, number, columnDefinitions()))
	return err
}

func dropCollection(ctx context.Context, tx *sql.Tx, number int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM collections WHERE number = ?`, number); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`DROP TABLE records_%[1]d; DROP TABLE vectors_%[1]d; DROP TABLE vacant_%[1]d`, number)); err != nil {
		return err
	}
	pages, err := tx.QueryContext(ctx, `PRAGMA incremental_vacuum`) // frees one page for each row that is asked for
	if err != nil {
		return err
	}
	defer pages.Close()
	for pages.Next() {
	}
	return pages.Err()
}

func columnDefinitions() string {
	var definitions []string
	for _, column := range index.Columns() {
		sqlType := "TEXT"
		if column.Type == index.TypeInt {
			sqlType = "INTEGER"
		}
		definitions = append(definitions, column.Name+" "+sqlType)
	}
	return strings.Join(definitions, ", ")
}

// columnNames lists the standard fields as columns of a query.
func columnNames() string {
	var names []string
	for _, column := range index.Columns() {
		names = append(names, column.Name)
	}
	return strings.Join(names, ", ")
}
