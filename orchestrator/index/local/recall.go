package local

import (
	"context"
	"database/sql"
)

// Recall finds vectors by hash, some microseconds each. The first call on a file of an older clipseek makes the SQL index for
// it, which takes seconds where a million records are there.
func (c *Collection) Recall(ctx context.Context, model string, hashes []string) (map[string][]float32, error) {
	if err := c.hash(ctx); err != nil {
		return nil, err
	}
	var found map[string][]float32
	err := c.read(ctx, func(tx *sql.Tx, _ state) error {
		found = make(map[string][]float32)
		rows, err := tx.QueryContext(ctx, c.sql(`SELECT sha256, vector FROM (
				SELECT sha256, min(slot) AS slot FROM records_%[1]d
				WHERE sha256 IN (SELECT value FROM json_each(?)) AND +model = ? GROUP BY sha256
			) JOIN vectors_%[1]d USING (slot)`), jsonList[string](hashes), model)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var hash string
			var vector sql.RawBytes
			if err := rows.Scan(&hash, &vector); err != nil {
				return err
			}
			if len(vector) != 4*c.spec.Width {
				return errDamaged(c.db.file)
			}
			found[hash] = make([]float32, c.spec.Width)
			decodeVector(found[hash], vector)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// hash makes the SQL index of hashes unless it is there.
func (c *Collection) hash(ctx context.Context) error {
	if c.hashed.Load() {
		return nil
	}
	there := false
	err := c.read(ctx, func(tx *sql.Tx, _ state) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?`, c.sql(`records_%[1]d_sha256`)).Scan(&there)
	})
	if err == nil && !there {
		err = c.db.write(ctx, func(tx *sql.Tx) error {
			if _, err := c.state(ctx, tx); err != nil { // it was dropped meanwhile
				return err
			}
			_, err := tx.ExecContext(ctx, c.sql(hashIndex))
			return err
		})
	}
	c.hashed.Store(err == nil)
	return err
}
