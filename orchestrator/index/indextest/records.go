package indextest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func wantRecords(t *testing.T, got, want []index.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("record %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func testUpsertGetDelete(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	r := newRand(1)
	records := sample(10, func() []float32 { return unit(r, 8) })
	check(t, idx.Upsert(t.Context(), records))

	got, err := idx.Get(t.Context(), []int64{records[7].ID, 123, records[2].ID, records[7].ID})
	check(t, err)
	wantRecords(t, got, []index.Record{records[7], records[2]})

	changed := records[2]
	changed.Path, changed.Vector = "elsewhere.png", unit(r, 8)
	changed.Fields = map[string]any{index.FieldHeight: int64(5)} // without the label that it had
	check(t, idx.Upsert(t.Context(), []index.Record{changed}))
	got, err = idx.Get(t.Context(), []int64{changed.ID})
	check(t, err)
	wantRecords(t, got, []index.Record{changed})
	hits, err := idx.Search(t.Context(), index.Query{Vector: changed.Vector, Limit: 1})
	check(t, err)
	if len(hits) != 1 || hits[0].ID != changed.ID || hits[0].Path != changed.Path || !reflect.DeepEqual(hits[0].Fields, changed.Fields) {
		t.Errorf("the replaced record is found as %+v", hits)
	}

	deleted, err := idx.Delete(t.Context(), []int64{records[0].ID, 123, records[1].ID, records[0].ID})
	check(t, err)
	if deleted != 2 {
		t.Errorf("deleted %d, want 2", deleted)
	}
	deleted, err = idx.Delete(t.Context(), []int64{records[0].ID})
	check(t, err)
	if deleted != 0 {
		t.Errorf("deleted %d of what was gone", deleted)
	}
	got, err = idx.Get(t.Context(), ids(records[:2]))
	check(t, err)
	wantRecords(t, got, nil)
	if found := all(t, idx, records[0].Vector, nil); len(found) != 8 {
		t.Errorf("%d records are found after two of ten were deleted", len(found))
	}
	check(t, idx.Upsert(t.Context(), records[:1])) // back again
	if found := all(t, idx, records[0].Vector, nil); len(found) != 9 {
		t.Errorf("%d records are found after one came back", len(found))
	}
}

func testDuplicateIDs(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	r := newRand(1)
	records := sample(3, func() []float32 { return unit(r, 8) })
	last := records[0]
	last.Path, last.Vector = "last.jpg", unit(r, 8)
	check(t, idx.Upsert(t.Context(), append(slices.Clone(records), last)))
	got, err := idx.Get(t.Context(), ids(records))
	check(t, err)
	wantRecords(t, got, []index.Record{last, records[1], records[2]})
	if found := all(t, idx, last.Vector, nil); len(found) != 3 {
		t.Errorf("%d records are found, want 3", len(found))
	}
}

func testFields(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	fields := map[string]any{
		index.FieldLabel: `红苹果 "a" 'b' \ % _ é é 🍎` + "\n\t", index.FieldWidth: int64(0), index.FieldBytes: int64(math.MaxInt64),
		index.FieldTakenAt: "2024-02-29T23:59:59Z", index.FieldFormat: "",
		"empty": "", "yes": true, "no": false, "zero": int64(0), "least": int64(math.MinInt64), "whole": 2.0, "tenth": 0.1,
		"tiny": math.SmallestNonzeroFloat64, "huge": math.MaxFloat64, "third": 1.0 / 3, "negative": math.Copysign(0, -1),
		"tags": []string{"a", `"`, "", "红"}, "none": []string{}, "html": "<a href='x'>&amp;</a>", "line": "\u2028",
	}
	given := map[string]any{"nothing": nil}
	for name, value := range fields {
		given[name] = value
	}
	want := index.Record{ID: index.MaxID, Path: `C:\图片\it's "x" 100%_.jpg`, Vector: []float32{0.5, -0.5, 0.5, 0.5}, Fields: fields}
	given2 := want
	given2.Fields = given
	bare := index.Record{ID: 0, Path: "a", Vector: []float32{1, 0, 0, 0}, Fields: map[string]any{}}
	noMap := bare
	noMap.Fields = nil
	check(t, idx.Upsert(t.Context(), []index.Record{given2, noMap}))
	got, err := idx.Get(t.Context(), []int64{0, index.MaxID})
	check(t, err)
	wantRecords(t, got, []index.Record{bare, want})
}

func testOwnership(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 8)
	r := newRand(1)
	records := sample(2, func() []float32 { return unit(r, 8) })
	records[0].Fields["tags"] = []string{"a"}
	spoil := func(r index.Record) {
		clear(r.Vector)
		if tags, ok := r.Fields["tags"].([]string); ok {
			tags[0] = "spoilt"
		}
		clear(r.Fields)
	}
	read := func() ([]index.Record, []index.Hit) {
		got, err := idx.Get(t.Context(), ids(records))
		check(t, err)
		hits, err := idx.Search(t.Context(), index.Query{Vector: []float32{1, 0, 0, 0, 0, 0, 0, 0}, Limit: 2})
		check(t, err)
		return got, hits
	}
	check(t, idx.Upsert(t.Context(), records))
	before, hitsBefore := read()
	for _, r := range records {
		spoil(r)
	}
	got, hits := read()
	wantRecords(t, got, before)
	for i, r := range got {
		spoil(r)
		clear(hits[i].Fields)
	}
	got, hits = read()
	wantRecords(t, got, before)
	if !reflect.DeepEqual(hits, hitsBefore) {
		t.Errorf("hits changed: %v, were %v", hits, hitsBefore)
	}
}

func testRefusals(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	good := index.Record{ID: 1, Path: "good.jpg", Vector: []float32{1, 0, 0, 0}}
	for name, tc := range map[string]struct {
		spoil func(*index.Record)
		kind  fault.Kind
	}{
		"another width":   {func(r *index.Record) { r.Vector = []float32{1, 0, 0} }, fault.KindInvalid},
		"no vector":       {func(r *index.Record) { r.Vector = nil }, fault.KindInvalid},
		"not normalized":  {func(r *index.Record) { r.Vector = []float32{1, 1, 0, 0} }, fault.KindInvalid},
		"all zero":        {func(r *index.Record) { r.Vector = make([]float32, 4) }, fault.KindInvalid},
		"NaN":             {func(r *index.Record) { r.Vector = []float32{1, float32(math.NaN()), 0, 0} }, fault.KindInvalid},
		"infinite":        {func(r *index.Record) { r.Vector = []float32{1, float32(math.Inf(1)), 0, 0} }, fault.KindInvalid},
		"immense id":      {func(r *index.Record) { r.ID = math.MaxInt64 }, fault.KindInvalid},
		"negative id":     {func(r *index.Record) { r.ID = -1 }, fault.KindInvalid},
		"no path":         {func(r *index.Record) { r.Path = "" }, fault.KindInvalid},
		"path not UTF-8":  {func(r *index.Record) { r.Path = "a\xff.jpg" }, fault.KindInvalid},
		"path with NUL":   {func(r *index.Record) { r.Path = "a\x00.jpg" }, fault.KindInvalid},
		"immense path":    {func(r *index.Record) { r.Path = strings.Repeat("a", index.MaxPathBytes+1) }, fault.KindTooLarge},
		"label not text":  {field(index.FieldLabel, int64(1)), fault.KindInvalid},
		"width not whole": {field(index.FieldWidth, 1.5), fault.KindInvalid},
		"time with zone":  {field(index.FieldTakenAt, "2024-01-01T00:00:00+01:00"), fault.KindInvalid},
		"no such day":     {field(index.FieldTakenAt, "2023-02-29T00:00:00Z"), fault.KindInvalid},
		"own column":      {field("path", "b.jpg"), fault.KindInvalid},
		"reserved word":   {field("in", "x"), fault.KindInvalid},
		"not a name":      {field("a b", "x"), fault.KindInvalid},
		"injected name":   {field(`x') OR 1=1 --`, "x"), fault.KindInvalid},
		"field not UTF-8": {field("x", "\xff"), fault.KindInvalid},
		"NaN field":       {field("x", math.NaN()), fault.KindInvalid},
		"foreign type":    {field("x", int32(1)), fault.KindInvalid},
		"list not UTF-8":  {field("x", []string{"\xff"}), fault.KindInvalid},
		"immense field":   {field("x", strings.Repeat("a", index.MaxFieldsBytes)), fault.KindTooLarge},
	} {
		bad := good
		bad.ID, bad.Path = 2, "bad.jpg"
		tc.spoil(&bad)
		if err := idx.Upsert(t.Context(), []index.Record{good, bad}); fault.KindOf(err) != tc.kind || err == nil {
			t.Errorf("%s: got %v (%v), want %v", name, err, fault.KindOf(err), tc.kind)
		}
	}
	if found := all(t, idx, good.Vector, nil); len(found) != 0 {
		t.Errorf("a refused batch has written %v", found)
	}
	for name, q := range map[string]index.Query{
		"another width":   {Vector: []float32{1, 0}, Limit: 1},
		"not normalized":  {Vector: []float32{1, 1, 1, 1}, Limit: 1},
		"no limit":        {Vector: good.Vector},
		"negative limit":  {Vector: good.Vector, Limit: -1},
		"negative offset": {Vector: good.Vector, Limit: 1, Offset: -1},
		"too far":         {Vector: good.Vector, Limit: 1, Offset: index.MaxWindow},
		"overflow":        {Vector: good.Vector, Limit: 1, Offset: math.MaxInt},
	} {
		if _, err := idx.Search(t.Context(), q); fault.KindOf(err) != fault.KindInvalid || err == nil {
			t.Errorf("query with %s: got %v, want Invalid", name, err)
		}
	}
}

func field(name string, value any) func(*index.Record) {
	return func(r *index.Record) { r.Fields = map[string]any{name: value} }
}

func testLargeBatches(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	records := make([]index.Record, 12_500)
	list := make([]int64, len(records))
	for i := range records {
		records[i] = index.Record{ID: int64(i), Path: fmt.Sprint(i), Vector: []float32{1, 0, 0, 0}, Fields: map[string]any{}}
		list[i] = int64(i)
	}
	check(t, idx.Upsert(t.Context(), records))
	got, err := idx.Get(t.Context(), list)
	check(t, err)
	wantRecords(t, got, records)
	deleted, err := idx.Delete(t.Context(), list[1:])
	check(t, err)
	if found := all(t, idx, records[0].Vector, nil); deleted != len(list)-1 || !slices.Equal(found, list[:1]) {
		t.Errorf("deleted %d of %d; %v are left", deleted, len(list), found)
	}
	for _, nothing := range [][]int64{nil, {}} {
		check(t, idx.Upsert(t.Context(), nil))
		got, err := idx.Get(t.Context(), nothing)
		check(t, err)
		deleted, err := idx.Delete(t.Context(), nothing)
		check(t, err)
		if len(got) != 0 || deleted != 0 {
			t.Errorf("nothing was asked for: got %v, deleted %d", got, deleted)
		}
	}
}
