package indextest

import (
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func testCollections(t *testing.T, open Open) {
	db := openDatabase(t, open)
	infos, err := db.Collections(t.Context())
	check(t, err)
	if len(infos) != 0 {
		t.Fatalf("a new database has collections: %v", infos)
	}
	_, err = db.Open(t.Context(), index.Spec{Collection: "pictures"})
	wantKind(t, err, fault.KindNotFound)

	r := newRand(1)
	for _, name := range []string{"pictures", "Pictures", "_2024"} {
		idx, err := db.Open(t.Context(), index.Spec{Collection: name, Width: 8, Model: model})
		check(t, err)
		check(t, idx.Upsert(t.Context(), sample(3, func() []float32 { return unit(r, 8) })))
		check(t, idx.Close())
	}
	infos, err = db.Collections(t.Context())
	check(t, err)
	want := []index.Info{
		{Name: "Pictures", Width: 8, Model: model, Count: 3},
		{Name: "_2024", Width: 8, Model: model, Count: 3},
		{Name: "pictures", Width: 8, Model: model, Count: 3},
	}
	if !slices.Equal(infos, want) {
		t.Errorf("got %v, want %v", infos, want)
	}

	check(t, db.Drop(t.Context(), "Pictures"))
	wantKind(t, db.Drop(t.Context(), "Pictures"), fault.KindNotFound)
	for _, name := range []string{"", "a b", "a-b", "1a", "ä", "a;DROP TABLE collections", strings.Repeat("a", 256)} {
		_, err := db.Open(t.Context(), index.Spec{Collection: name, Width: 8, Model: model})
		wantKind(t, err, fault.KindInvalid)
		wantKind(t, db.Drop(t.Context(), name), fault.KindInvalid)
	}
}

func testConflicts(t *testing.T, open Open) {
	db := openDatabase(t, open)
	openWidth(t, db, 8)
	for _, spec := range []index.Spec{
		{Collection: collection, Width: 16, Model: model},
		{Collection: collection, Width: 8, Model: "another"},
	} {
		_, err := db.Open(t.Context(), spec)
		wantKind(t, err, fault.KindConflict)
		for _, part := range []string{collection, model, spec.Model, "width 8"} {
			if !strings.Contains(fault.Public(err), part) {
				t.Errorf("the message does not say %q: %s", part, fault.Public(err))
			}
		}
	}
	idx, err := db.Open(t.Context(), index.Spec{Collection: collection})
	check(t, err)
	defer idx.Close()
	check(t, idx.Upsert(t.Context(), sample(1, func() []float32 { return unit(newRand(1), 8) })))

	for name, spec := range map[string]index.Spec{
		"no model":       {Collection: collection, Width: 8},
		"no width":       {Collection: collection, Model: model},
		"negative width": {Collection: collection, Width: -1, Model: model},
		"immense width":  {Collection: collection, Width: 1 << 20, Model: model},
	} {
		if _, err := db.Open(t.Context(), spec); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}

func testDropped(t *testing.T, open Open) {
	db := openDatabase(t, open)
	old := openWidth(t, db, 8)
	records := sample(5, func() []float32 { return unit(newRand(1), 8) })
	check(t, old.Upsert(t.Context(), records))
	check(t, db.Drop(t.Context(), collection))

	ask := func(idx index.Index) map[string]error {
		_, deleteErr := idx.Delete(t.Context(), ids(records))
		_, getErr := idx.Get(t.Context(), ids(records))
		_, searchErr := idx.Search(t.Context(), index.Query{Vector: records[0].Vector, Limit: 1})
		return map[string]error{"Upsert": idx.Upsert(t.Context(), records), "Delete": deleteErr, "Get": getErr, "Search": searchErr}
	}
	for method, err := range ask(old) {
		if fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("%s after Drop: %v, want NotFound", method, err)
		}
	}
	again := openWidth(t, db, 8) // a new one of the same name has nothing of the old
	if found := all(t, again, records[0].Vector, nil); len(found) != 0 {
		t.Errorf("a new collection has records: %v", found)
	}
}

func testClosed(t *testing.T, open Open) {
	db := open(t)
	r := newRand(1)
	records := sample(5, func() []float32 { return unit(r, 8) })
	first, err := db.Open(t.Context(), index.Spec{Collection: collection, Width: 8, Model: model})
	check(t, err)
	second, err := db.Open(t.Context(), index.Spec{Collection: collection, Width: 8, Model: model})
	check(t, err)
	check(t, first.Upsert(t.Context(), records))
	check(t, first.Close())
	check(t, first.Close())
	wantKind(t, first.Upsert(t.Context(), records), fault.KindUnavailable)
	_, err = first.Search(t.Context(), index.Query{Vector: records[0].Vector, Limit: 1})
	wantKind(t, err, fault.KindUnavailable)
	check(t, second.Upsert(t.Context(), records))

	check(t, db.Close())
	check(t, db.Close())
	_, err = second.Get(t.Context(), ids(records))
	wantKind(t, err, fault.KindUnavailable)
	_, err = db.Collections(t.Context())
	wantKind(t, err, fault.KindUnavailable)
	check(t, second.Close())
}

func testReopened(t *testing.T, open Open) {
	db := open(t)
	r := newRand(1)
	records := sample(20, func() []float32 { return unit(r, 8) })
	idx, err := db.Open(t.Context(), index.Spec{Collection: collection, Width: 8, Model: model})
	check(t, err)
	check(t, idx.Upsert(t.Context(), records))
	_, err = idx.Delete(t.Context(), ids(records[15:]))
	check(t, err)
	check(t, idx.Close())
	check(t, db.Close())

	again := openWidth(t, openDatabase(t, open), 8)
	got, err := again.Get(t.Context(), ids(records))
	check(t, err)
	wantRecords(t, got, records[:15])
	q := index.Query{Vector: records[3].Vector, Limit: 20}
	hits, err := again.Search(t.Context(), q)
	check(t, err)
	wantHits(t, hits, oracle(records[:15], q))
}
