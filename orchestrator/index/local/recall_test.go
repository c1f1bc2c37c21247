package local_test

import (
	"path/filepath"
	"slices"
	"testing"

	"clipseek/orchestrator/index"
)

// A file of before hashes had an SQL index gets one when it is needed, and others take it for theirs.
func TestRecallFromOlderFile(t *testing.T) {
	t.Parallel()
	db := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	spec := index.Spec{Collection: "old", Width: 2, Model: "m"}
	photos, err := db.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	const hash = "00000000000000000000000000000000000000000000000000000000000000aa"
	record := index.Record{ID: 1, Path: "a.jpg", Vector: []float32{0.6, 0.8}, Fields: map[string]any{index.FieldSHA256: hash, index.FieldModel: "m"}}
	if err := photos.Upsert(t.Context(), []index.Record{record}); err != nil {
		t.Fatal(err)
	}
	db.Execute(t, `DROP INDEX records_1_sha256`)
	other, err := db.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, handle := range []index.Index{photos, other, photos} {
		got, err := handle.(index.Recaller).Recall(t.Context(), "m", []string{hash})
		if err != nil || !slices.Equal(got[hash], record.Vector) {
			t.Errorf("recalled %v, %v", got, err)
		}
	}
	db.Execute(t, `SELECT slot FROM records_1 INDEXED BY records_1_sha256 WHERE sha256 = ''`)
}
