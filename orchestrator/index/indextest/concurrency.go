package indextest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func testOtherHandles(t *testing.T, open Open) {
	one := openWidth(t, openDatabase(t, open), 8)
	other := openWidth(t, openDatabase(t, open), 8)
	r := newRand(1)
	records := sample(200, func() []float32 { return unit(r, 8) })
	same := func(want []index.Record) {
		t.Helper()
		q := index.Query{Vector: unit(r, 8), Limit: page}
		eventually(t, func() (bool, error) {
			hits, err := other.Search(t.Context(), q)
			return err == nil && slices.Equal(hitIDs(hits), hitIDs(oracle(want, q))), err
		})
	}
	for i := 0; i < len(records); i += 50 {
		check(t, one.Upsert(t.Context(), records[i:i+50]))
		same(records[:i+50])
	}
	for i := range records[:30] {
		records[i].Vector = unit(r, 8)
	}
	check(t, one.Upsert(t.Context(), records[:30]))
	same(records)
	_, err := one.Delete(t.Context(), ids(records[:100]))
	check(t, err)
	same(records[100:])
}

// testRandomHistory writes, replaces and deletes at random through two handles and compares what each finds with a list
// that has had the same done to it.
func testRandomHistory(t *testing.T, open Open) {
	const width = 8
	handles := []index.Index{openWidth(t, openDatabase(t, open), width), openWidth(t, openDatabase(t, open), width)}
	r := newRand(3)
	model := map[int64]index.Record{}
	for range 120 {
		writer := handles[r.IntN(2)]
		var batch []index.Record
		for range 1 + r.IntN(40) {
			id := int64(r.IntN(400))
			batch = append(batch, index.Record{ID: id, Path: fmt.Sprint(id), Vector: quarter(r, width), Fields: map[string]any{}})
		}
		if r.IntN(3) == 0 {
			_, err := writer.Delete(t.Context(), ids(batch))
			check(t, err)
			for _, record := range batch {
				delete(model, record.ID)
			}
		} else {
			check(t, writer.Upsert(t.Context(), batch))
			for _, record := range batch {
				model[record.ID] = record
			}
		}
		if r.IntN(4) > 0 { // not after each write, so that several are caught up with at once
			continue
		}
		q := index.Query{Vector: quarter(r, width), Limit: 2 * page}
		want := hitIDs(oracle(slices.Collect(maps.Values(model)), q))
		for _, reader := range handles {
			eventually(t, func() (bool, error) {
				hits, err := reader.Search(t.Context(), q)
				return slices.Equal(hitIDs(hits), want), err
			})
		}
	}
}

// testConcurrent has writers replace the same records over and over, through two handles, while others read. A record's
// version is in its path, its field and its vector, so that a mixture of two shows.
func testConcurrent(t *testing.T, open Open) {
	const width, writers, rounds, keys = 16, 3, 12, 40
	handles := []index.Index{openWidth(t, openDatabase(t, open), width), openWidth(t, openDatabase(t, open), width)}
	axis := func(version int) []float32 {
		v := make([]float32, width)
		v[version%width] = 1
		return v
	}
	record := func(key, version int) index.Record {
		return index.Record{ID: int64(key), Path: fmt.Sprint(version), Vector: axis(version), Fields: map[string]any{"version": int64(version)}}
	}
	var writing, reading sync.WaitGroup
	done, stop := context.WithCancel(t.Context())
	defer stop()
	for w := range writers {
		writing.Go(func() {
			for round := range rounds {
				var batch []index.Record
				for key := range keys {
					batch = append(batch, record(key, round*writers+w))
				}
				if err := handles[w%2].Upsert(t.Context(), batch); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
				if _, err := handles[w%2].Delete(t.Context(), []int64{int64(round % keys)}); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	for i, handle := range handles {
		reading.Go(func() {
			for n := 0; done.Err() == nil; n++ {
				if err := readWhole(t.Context(), handle, axis(n), axis); err != nil {
					t.Errorf("reader %d: %v", i, err)
					return
				}
			}
		})
	}
	writing.Wait()
	stop()
	reading.Wait()

	last := sample(keys, func() []float32 { return axis(0) })
	check(t, handles[0].Upsert(t.Context(), last))
	eventually(t, func() (bool, error) {
		got, err := handles[1].Get(t.Context(), ids(last))
		return len(got) == keys, err
	})
}

// readWhole reads in each way and checks that every record is of one version.
func readWhole(ctx context.Context, idx index.Index, query []float32, axis func(int) []float32) error {
	hits, err := idx.Search(ctx, index.Query{Vector: query, Limit: index.MaxWindow})
	if err != nil {
		return err
	}
	seen := map[int64]bool{}
	var list []int64
	for _, h := range hits {
		version := h.Fields["version"].(int64)
		if h.Path != fmt.Sprint(version) || !near(h.Score, float32(dot(query, axis(int(version))))) || seen[h.ID] {
			return fmt.Errorf("a search mixes versions or repeats a record: %+v", h)
		}
		seen[h.ID] = true
		list = append(list, h.ID)
	}
	records, err := idx.Get(ctx, list)
	if err != nil {
		return err
	}
	for _, r := range records {
		version := r.Fields["version"].(int64)
		if r.Path != fmt.Sprint(version) || !slices.Equal(r.Vector, axis(int(version))) {
			return fmt.Errorf("a record mixes versions: %+v", r)
		}
	}
	return nil
}

func testCancelled(t *testing.T, open Open) {
	db := openDatabase(t, open)
	idx := openWidth(t, db, 8)
	r := newRand(1)
	records := sample(50, func() []float32 { return unit(r, 8) })
	check(t, idx.Upsert(t.Context(), records))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, openErr := db.Open(ctx, index.Spec{Collection: "never", Width: 8, Model: model})
	_, listErr := db.Collections(ctx)
	_, deleteErr := idx.Delete(ctx, ids(records))
	_, getErr := idx.Get(ctx, ids(records))
	_, searchErr := idx.Search(ctx, index.Query{Vector: records[0].Vector, Limit: 1})
	for method, err := range map[string]error{
		"Open": openErr, "Collections": listErr, "Drop": db.Drop(ctx, collection),
		"Upsert": idx.Upsert(ctx, records), "Delete": deleteErr, "Get": getErr, "Search": searchErr,
	} {
		if fault.KindOf(err) != fault.KindCanceled || !isCancelled(err) {
			t.Errorf("%s with a cancelled context: %v (%v)", method, err, fault.KindOf(err))
		}
	}
	if it, ok := idx.(index.Iterator); ok {
		for _, err := range it.Iterate(ctx, index.Walk{}) {
			if !isCancelled(err) {
				t.Errorf("Iterate with a cancelled context: %v", err)
			}
		}
	}
	if found := all(t, idx, records[0].Vector, nil); len(found) != len(records) {
		t.Errorf("%d of %d records are there after calls that were cancelled", len(found), len(records))
	}
}
