package indextest

import (
	"context"
	"slices"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// testDeleteMatching deletes by filter over more than one page of it.
func testDeleteMatching(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	walker, ok := idx.(index.Iterator)
	if !ok {
		t.Skip("the index cannot be walked")
	}
	r := newRand(1)
	records := sample(14_000, func() []float32 { return quarter(r, 8) })
	check(t, idx.Upsert(t.Context(), records))
	left := records
	for name, expr := range map[string]index.Expr{
		"a page and more": index.Compare{Field: index.FieldWidth, Op: index.GreaterOrEqual, Value: int64(2_000)},
		"none":            index.Compare{Field: index.FieldLabel, Op: index.Equal, Value: "none"},
		"by path": index.Or{Terms: []index.Expr{
			index.Match{Field: index.FieldPath, Place: index.AtStart, Text: "folder/00"},
			index.Compare{Field: index.FieldPath, Op: index.Equal, Value: "folder/01000.jpg"},
		}},
	} {
		filter, err := index.NewFilter(expr)
		check(t, err)
		before := len(left)
		left = slices.DeleteFunc(slices.Clone(left), filter.Matches)
		told := int64(0)
		deleted, err := index.DeleteMatching(t.Context(), idx, filter, func(n int64) { told = n })
		check(t, err)
		if want := int64(before - len(left)); deleted != want || told != want {
			t.Errorf("%s: deleted %d, told %d, want %d", name, deleted, told, want)
		}
		again, err := index.DeleteMatching(t.Context(), idx, filter, nil)
		check(t, err)
		if again != 0 {
			t.Errorf("%s: deleted %d more", name, again)
		}
	}
	var have []int64
	for r, err := range walker.Iterate(t.Context(), index.Walk{}) {
		check(t, err)
		have = append(have, r.ID)
	}
	want := ids(left)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%d records are left, want %d", len(have), len(want))
	}
	_, err := index.DeleteMatching(t.Context(), idx, nil, nil)
	wantKind(t, err, fault.KindInvalid)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	filter, err := index.NewFilter(index.Has{Field: index.FieldLabel})
	check(t, err)
	if deleted, err := index.DeleteMatching(ended, idx, filter, nil); deleted != 0 || !isCancelled(err) {
		t.Errorf("with a cancelled context: deleted %d, %v", deleted, err)
	}
}
