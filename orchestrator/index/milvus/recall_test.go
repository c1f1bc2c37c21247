package milvus_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"clipseek/orchestrator/index"
)

// Collections that other programs made, and older clipseeks, are looked through as they stand; one without dynamic fields has no
// hashes.
func TestRecallFromForeignCollections(t *testing.T) {
	t.Parallel()
	const width, rows = 8, 300
	cfg := config(t)
	db := open(t, cfg)
	original(t, cfg, width, rows, "original", "odd", "static")
	hash := fmt.Sprintf("%064x", 7)
	for _, name := range []string{"original", "odd", "static"} {
		photos := openCollection(t, db, name, width)
		want := map[string][]float32{}
		if name != "static" {
			record := index.Record{ID: 1000, Path: "a.jpg", Vector: axis(3, width), Fields: map[string]any{index.FieldSHA256: hash, index.FieldModel: model}}
			check(t, photos.Upsert(t.Context(), []index.Record{record}))
			want[hash] = record.Vector
		}
		wantRecalled(t, photos, want, hash, fmt.Sprintf("%064x", 8))
	}
}

// What is deleted is not found, whatever the consistency of searches.
func TestRecallNothingDeleted(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	hash := fmt.Sprintf("%064x", 7)
	for _, consistency := range []string{"strong", "session", "bounded", "eventually"} {
		cfg.Consistency = consistency
		photos := openCollection(t, open(t, cfg), "pictures", 8)
		record := index.Record{ID: 1, Path: "a.jpg", Vector: axis(3, 8), Fields: map[string]any{index.FieldSHA256: hash, index.FieldModel: model}}
		for range 5 {
			check(t, photos.Upsert(t.Context(), []index.Record{record}))
			wantRecalled(t, photos, map[string][]float32{hash: record.Vector}, hash)
			_, err := photos.Delete(t.Context(), []int64{1})
			check(t, err)
			got, err := photos.(index.Recaller).Recall(t.Context(), model, []string{hash})
			check(t, err)
			if len(got) > 0 {
				t.Fatalf("%s: a deleted record's vector is found", consistency)
			}
		}
	}
}

// wantRecalled waits until these vectors are found, and no others.
func wantRecalled(t *testing.T, photos index.Index, want map[string][]float32, hashes ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		got, err := photos.(index.Recaller).Recall(ctx, model, hashes)
		check(t, err)
		if maps.EqualFunc(got, want, slices.Equal) {
			return
		}
	}
}

// What a group of 16 of ingest takes that has no twins, one, and nothing else, in a collection of 20,000.
func BenchmarkRecall(b *testing.B) {
	photos := openCollection(b, open(b, config(b)), "pictures", benchWidth)
	check(b, photos.(index.Loader).Load(b.Context()))
	check(b, photos.Upsert(b.Context(), benchRecords(20_000)))
	for _, known := range []int{0, 1, 16} {
		b.Run(fmt.Sprint(known, "-of-16"), func(b *testing.B) {
			next := 0
			for b.Loop() {
				hashes := make([]string, 16)
				for i := range hashes {
					next++
					hashes[i] = fmt.Sprintf("%064x", 1_000_000+next)
					if i < known {
						hashes[i] = fmt.Sprintf("%064x", next%20_000)
					}
				}
				_, err := photos.(index.Recaller).Recall(b.Context(), model, hashes)
				check(b, err)
			}
		})
	}
}
