package indextest

import (
	"slices"
	"testing"

	"clipseek/orchestrator/index"
)

// page is how many hits the page of the service shows.
const page = 16

func testEmpty(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	vector := unit(newRand(1), 8)
	for _, f := range []*index.Filter{nil, mustParse(t, `label == "a"`)} {
		if found := all(t, idx, vector, f); len(found) != 0 {
			t.Errorf("an empty collection has hits: %v", found)
		}
	}
	if counter, ok := idx.(index.Counter); ok {
		n, err := counter.Count(t.Context(), nil)
		check(t, err)
		if n != 0 {
			t.Errorf("an empty collection counts %d", n)
		}
	}
	if it, ok := idx.(index.Iterator); ok {
		for _, err := range it.Iterate(t.Context(), index.Walk{}) {
			t.Errorf("an empty collection yields a record or %v", err)
		}
	}
	if loader, ok := idx.(index.Loader); ok {
		check(t, loader.Load(t.Context()))
	}
	if d, ok := idx.(index.Describer); ok {
		stats, err := d.Stats(t.Context())
		check(t, err)
		if want := (index.Info{Name: collection, Width: 8, Model: model}); stats.Info != want {
			t.Errorf("got %+v, want %+v", stats.Info, want)
		}
	}
}

func testExact(t *testing.T, open Open) {
	db := openDatabase(t, open)
	const width = 96
	idx := openWidth(t, db, width)
	r := newRand(1)
	records := sample(3_000, func() []float32 { return unit(r, width) })
	check(t, idx.Upsert(t.Context(), records))
	ask := func() {
		t.Helper()
		for _, f := range []*index.Filter{nil, mustParse(t, `label == "label 3"`), mustParse(t, `width >= 10 && width < 20`), mustParse(t, `label == "x"`)} {
			for range 5 {
				q := index.Query{Vector: unit(r, width), Filter: f, Limit: page}
				hits, err := idx.Search(t.Context(), q)
				check(t, err)
				wantHits(t, hits, oracle(records, q))
			}
		}
	}
	ask()
	// Again after every kind of change: some gone, some replaced, some new in the places of those that went.
	_, err := idx.Delete(t.Context(), ids(records[:500]))
	check(t, err)
	records = records[500:]
	ask()
	for i := range records[:700] {
		records[i].Vector = unit(r, width)
	}
	check(t, idx.Upsert(t.Context(), records[:700]))
	ask()
	more := sample(4_000, func() []float32 { return unit(r, width) })[3_000:]
	check(t, idx.Upsert(t.Context(), more))
	records = append(records, more...)
	ask()
}

func testTies(t *testing.T, open Open) {
	const width = 16
	idx := openWidth(t, openDatabase(t, open), width)
	r := newRand(1)
	records := sample(600, func() []float32 { return quarter(r, width) })
	check(t, idx.Upsert(t.Context(), records))
	for range 20 {
		for _, limit := range []int{1, page, 100, 600} {
			q := index.Query{Vector: quarter(r, width), Limit: limit}
			hits, err := idx.Search(t.Context(), q)
			check(t, err)
			if got, want := hitIDs(hits), hitIDs(oracle(records, q)); !slices.Equal(got, want) {
				t.Fatalf("with equal scores, limit %d:\n got %v\nwant %v", limit, got, want)
			}
		}
	}
}

func testPaging(t *testing.T, open Open) {
	const width = 16
	idx := openWidth(t, openDatabase(t, open), width)
	r := newRand(1)
	records := sample(300, func() []float32 { return quarter(r, width) })
	check(t, idx.Upsert(t.Context(), records))
	for _, f := range []*index.Filter{nil, mustParse(t, `label != "label 0"`)} {
		q := index.Query{Vector: quarter(r, width), Filter: f, Limit: index.MaxWindow}
		want := hitIDs(oracle(records, q))
		var got []int64
		for q.Limit = page; ; q.Offset += page {
			hits, err := idx.Search(t.Context(), q)
			check(t, err)
			got = append(got, hitIDs(hits)...)
			if len(hits) < page {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages together are not the whole:\n got %v\nwant %v", got, want)
		}
	}
	hits, err := idx.Search(t.Context(), index.Query{Vector: records[0].Vector, Limit: 1, Offset: index.MaxWindow - 1})
	check(t, err)
	if len(hits) != 0 {
		t.Errorf("there are hits behind the last: %v", hits)
	}
}

func testIterate(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	it, ok := idx.(index.Iterator)
	if !ok {
		t.Skip("the index does not iterate")
	}
	r := newRand(1)
	records := sample(1_200, func() []float32 { return unit(r, 4) })
	check(t, idx.Upsert(t.Context(), records))
	slices.SortFunc(records, func(a, b index.Record) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	collect := func(walk index.Walk, most int) (got []index.Record) {
		for record, err := range it.Iterate(t.Context(), walk) {
			check(t, err)
			if got = append(got, record); len(got) == most {
				break
			}
		}
		return got
	}
	wantRecords(t, collect(index.Walk{Vectors: true}, 0), records)
	first := collect(index.Walk{Vectors: true}, 700)
	wantRecords(t, first, records[:700])
	wantRecords(t, collect(index.Walk{Vectors: true, From: first[699].ID + 1}, 0), records[700:])
	for _, record := range collect(index.Walk{}, 3) {
		if record.Vector != nil {
			t.Error("a vector is read that nobody asked for")
		}
	}
	f := mustParse(t, `label in ["label 1", "label 2"]`)
	matching := slices.DeleteFunc(slices.Clone(records), func(r index.Record) bool { return !f.Matches(r) })
	wantRecords(t, collect(index.Walk{Vectors: true, Filter: f}, 0), matching)
}
