package indextest

import (
	"maps"
	"slices"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func testBuilding(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	builder, ok := idx.(index.Builder)
	if !ok {
		t.Skip("the index builds nothing")
	}
	r := newRand(1)
	records := sample(1_500, func() []float32 { return unit(r, 8) })
	q := index.Query{Vector: records[3].Vector, Limit: page}
	want := oracle(records, q)
	check(t, idx.Upsert(t.Context(), records))
	check(t, builder.Flush(t.Context()))
	built := func() {
		t.Helper()
		eventually(t, func() (bool, error) {
			b, err := builder.Building(t.Context())
			if b.State == index.BuildFailed || b.Type == "" && b.State != index.BuildNone || b.Covered > b.Total {
				t.Fatalf("the building is %+v", b)
			}
			return b.State == index.BuildDone && b.Covered == int64(len(records)), err
		})
		hits, err := idx.Search(t.Context(), q)
		check(t, err)
		wantHits(t, hits, want)
	}
	built()
	check(t, builder.Build(t.Context()))
	eventually(t, func() (bool, error) {
		_, err := idx.Search(t.Context(), q)
		if fault.KindOf(err) == fault.KindUnavailable {
			return false, nil
		}
		return err == nil, err
	})
	built()
}

func testPartitions(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	parts, ok := idx.(index.Partitioner)
	if !ok {
		t.Skip("the index has no partitions")
	}
	r := newRand(1)
	records := sample(30, func() []float32 { return unit(r, 8) })
	rest, summer := records[:20], records[20:]
	check(t, parts.CreatePartition(t.Context(), "summer"))
	check(t, parts.CreatePartition(t.Context(), "summer"))
	wantKind(t, parts.CreatePartition(t.Context(), "a b"), fault.KindInvalid)
	view := parts.Partition("summer")
	check(t, idx.Upsert(t.Context(), rest))
	check(t, view.Upsert(t.Context(), summer))
	counts := func(want ...int64) {
		t.Helper()
		list, err := parts.Partitions(t.Context())
		check(t, err)
		var got []int64
		for _, p := range list {
			got = append(got, p.Count)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the partitions are %+v, want counts %v", list, want)
		}
	}
	sees := func(idx index.Index, want []index.Record) {
		t.Helper()
		q := index.Query{Vector: records[0].Vector, Limit: 100}
		hits, err := idx.Search(t.Context(), q)
		check(t, err)
		wantHits(t, hits, oracle(want, q))
		got, err := idx.Get(t.Context(), ids(records))
		check(t, err)
		wantRecords(t, got, want)
	}
	counts(20, 10)
	sees(idx, records)
	sees(view, summer)

	deleted, err := view.Delete(t.Context(), ids(records[18:22]))
	check(t, err)
	if deleted != 2 {
		t.Errorf("a partition's view deleted %d of the 2 records that are its own", deleted)
	}
	summer = summer[2:]
	sees(view, summer)
	sees(idx, slices.Concat(rest, summer))
	summer[0].Fields["label"] = "replaced where it is"
	check(t, idx.Upsert(t.Context(), summer[:1]))
	counts(20, 8)
	sees(view, summer)
	check(t, view.Upsert(t.Context(), rest[:1])) // the same id, another record
	counts(20, 9)
	check(t, view.Close())
	check(t, idx.Upsert(t.Context(), rest)) // the handle is still open

	check(t, parts.DropPartition(t.Context(), "summer"))
	wantKind(t, parts.DropPartition(t.Context(), "summer"), fault.KindNotFound)
	sees(idx, rest)
	counts(20)
	_, searchErr := view.Search(t.Context(), index.Query{Vector: records[0].Vector, Limit: 1})
	_, getErr := view.Get(t.Context(), ids(records))
	_, deleteErr := view.Delete(t.Context(), ids(records))
	for method, err := range map[string]error{"Upsert": view.Upsert(t.Context(), rest), "Delete": deleteErr, "Get": getErr, "Search": searchErr} {
		if fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("%s on a partition that was dropped: %v, want NotFound", method, err)
		}
	}
}

func testAliases(t *testing.T, open Open) {
	db := openDatabase(t, open)
	aliaser, ok := db.(index.Aliaser)
	if !ok {
		t.Skip("the database has no aliases")
	}
	aliases := func(want map[string]string) {
		t.Helper()
		got, err := aliaser.Aliases(t.Context())
		check(t, err)
		if !maps.Equal(got, want) {
			t.Errorf("the aliases are %v, want %v", got, want)
		}
	}
	aliases(nil)
	spec := index.Spec{Width: 8, Model: model}
	records := sample(2, func() []float32 { return unit(newRand(1), 8) })
	for i, name := range []string{"old", "new"} {
		spec.Collection = name
		idx, err := db.Open(t.Context(), spec)
		check(t, err)
		check(t, idx.Upsert(t.Context(), records[i:i+1]))
		check(t, idx.Close())
	}
	holds := func(alias string, want index.Record) {
		t.Helper()
		idx, err := db.Open(t.Context(), index.Spec{Collection: alias, Width: 8, Model: model})
		check(t, err)
		defer idx.Close()
		got, err := idx.Get(t.Context(), ids(records))
		check(t, err)
		wantRecords(t, got, []index.Record{want})
	}
	check(t, aliaser.SetAlias(t.Context(), "photos", "old"))
	check(t, aliaser.SetAlias(t.Context(), "photos", "old"))
	check(t, aliaser.SetAlias(t.Context(), "pictures", "old"))
	aliases(map[string]string{"photos": "old", "pictures": "old"})
	holds("photos", records[0])
	check(t, aliaser.SetAlias(t.Context(), "photos", "new"))
	aliases(map[string]string{"photos": "new", "pictures": "old"})
	holds("photos", records[1])
	holds("pictures", records[0])

	wantKind(t, aliaser.SetAlias(t.Context(), "photos", "missing"), fault.KindNotFound)
	wantKind(t, aliaser.SetAlias(t.Context(), "new", "old"), fault.KindConflict)
	wantKind(t, aliaser.SetAlias(t.Context(), "a b", "old"), fault.KindInvalid)
	check(t, aliaser.DropAlias(t.Context(), "photos"))
	wantKind(t, aliaser.DropAlias(t.Context(), "photos"), fault.KindNotFound)
	wantKind(t, aliaser.DropAlias(t.Context(), "new"), fault.KindNotFound) // a collection
	_, err := db.Open(t.Context(), index.Spec{Collection: "photos"})
	wantKind(t, err, fault.KindNotFound)
	aliases(map[string]string{"pictures": "old"})
}
