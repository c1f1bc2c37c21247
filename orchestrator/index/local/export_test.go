package local

import (
	"context"
	"testing"
)

// Translate is what the package makes of an error of SQLite's.
func (d *Database) Translate(err error) error { return d.translate(context.Background(), err) }

// Setting reads a pragma of the writing connection, after setting it if the text says so.
func (d *Database) Setting(t *testing.T, pragma string) (value string) {
	t.Helper()
	if err := d.writer.QueryRow("PRAGMA " + pragma).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Execute runs SQL on the writing connection, past all rules.
func (d *Database) Execute(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := d.writer.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}
