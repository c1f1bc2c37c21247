package indextest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"clipseek/orchestrator/index"
)

// hash is the SHA-256 of a made-up file.
func hash(i int) string { return fmt.Sprintf("%064x", i) }

// hashed makes n records of files with the hashes 0 to n-1, every second of another model.
func hashed(n int) []index.Record {
	r := newRand(1)
	records := sample(n, func() []float32 { return unit(r, 4) })
	for i := range records {
		records[i].Fields[index.FieldSHA256], records[i].Fields[index.FieldModel] = hash(i), []string{model, "other"}[i%2]
	}
	return records
}

// recaller asks for vectors by hash.
type recaller struct {
	*testing.T
	index.Recaller
}

func newRecaller(t *testing.T, idx index.Index) recaller {
	t.Helper()
	by, ok := idx.(index.Recaller)
	if !ok {
		t.Skip("the index finds nothing by hash")
	}
	return recaller{t, by}
}

func (r recaller) recall(hashes ...string) map[string][]float32 {
	r.Helper()
	got, err := r.Recall(r.Context(), model, hashes)
	check(r.T, err)
	return got
}

// until waits until these vectors are found, and no others.
func (r recaller) until(want map[string][]float32, asked ...string) {
	r.Helper()
	var got map[string][]float32
	defer func() {
		if r.Failed() {
			r.Logf("got %v, want %v", got, want)
		}
	}()
	eventually(r.T, func() (bool, error) {
		got = r.recall(asked...)
		return maps.EqualFunc(got, want, slices.Equal), nil
	})
}

func testRecall(t *testing.T, open Open) {
	db := openDatabase(t, open)
	idx := openWidth(t, db, 4)
	by := newRecaller(t, idx)
	by.until(nil, hash(0)) // of an empty collection
	records := hashed(300)
	records[10].Fields[index.FieldSHA256], records[12].Vector = hash(12), slices.Clone(records[10].Vector)
	delete(records[20].Fields, index.FieldSHA256)
	delete(records[22].Fields, index.FieldModel)
	check(t, idx.Upsert(t.Context(), records))
	want := map[string][]float32{hash(0): records[0].Vector, hash(2): records[2].Vector, hash(12): records[12].Vector, hash(30): records[30].Vector}
	asked := []string{hash(0), hash(1), hash(2), hash(2), hash(10), hash(12), hash(20), hash(22), hash(30), hash(1000), "", "'", `"`, `"] or m_id in [1`}
	by.until(want, asked...)
	if got := by.recall(); len(got) > 0 {
		t.Errorf("nothing that was asked for is %v", got)
	}

	_, err := idx.Delete(t.Context(), []int64{records[30].ID, records[10].ID}) // of the latter a twin stays
	check(t, err)
	delete(want, hash(30))
	if got := by.recall(asked...); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("after a deletion: got %v, want %v", got, want)
	}

	// What replaces a record is found by its own hash.
	was := records[0].Vector
	records[0].Fields[index.FieldSHA256], records[0].Vector = hash(2000), records[40].Vector
	check(t, idx.Upsert(t.Context(), records[:1]))
	if got := by.recall(hash(0))[hash(0)]; got != nil && !slices.Equal(got, was) {
		t.Errorf("the vector of what was replaced is %v, want %v or none", got, was)
	}
	delete(want, hash(0))
	want[hash(2000)] = records[40].Vector
	asked = append(asked, hash(2000))
	by.until(want, asked...)
	newRecaller(t, openWidth(t, db, 4)).until(want, asked...)
}

// testRecallMany asks for more hashes than any batch has.
func testRecallMany(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	by := newRecaller(t, idx)
	records := hashed(5_000)
	check(t, idx.Upsert(t.Context(), records))
	want := map[string][]float32{}
	var asked []string
	for i, r := range records {
		if asked = append(asked, hash(i)); i%2 == 0 {
			want[hash(i)] = r.Vector
		}
	}
	by.until(want, asked...)
}

// testRecallParts asks a partition for what another has.
func testRecallParts(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	newRecaller(t, idx)
	parts, ok := idx.(index.Partitioner)
	if !ok {
		t.Skip("the index has no partitions")
	}
	records := hashed(6)
	for i, name := range []string{"summer", "winter"} {
		check(t, parts.CreatePartition(t.Context(), name))
		check(t, parts.Partition(name).Upsert(t.Context(), records[4*i:4*i+2]))
	}
	by := newRecaller(t, parts.Partition("summer"))
	by.until(map[string][]float32{hash(0): records[0].Vector, hash(4): records[4].Vector}, hash(0), hash(1), hash(2), hash(4))
	check(t, parts.DropPartition(t.Context(), "winter"))
	by.until(map[string][]float32{hash(0): records[0].Vector}, hash(0), hash(4))
}
