// Package indextest is the conformance suite of the index contract: what every implementation must do, as tests.
//
//	func TestConformance(t *testing.T) {
//		indextest.Run(t, func(t *testing.T) indextest.Open {
//			file := filepath.Join(t.TempDir(), "index.db")
//			return func(t *testing.T) index.Database { ... }
//		})
//	}
//
// An implementation that can search approximately is configured to search exactly, and one that may answer from an older
// state to answer from the newest. The package is not for what only one implementation promises: that is tested there.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Open opens one storage; it may be called several times, also while databases that it opened before are open.
type Open func(t *testing.T) index.Database

// Run runs the suite. fresh makes an empty storage; each test has its own.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"Collections", testCollections},
		{"Conflicts", testConflicts},
		{"Dropped", testDropped},
		{"Closed", testClosed},
		{"Reopened", testReopened},
		{"UpsertGetDelete", testUpsertGetDelete},
		{"DuplicateIDs", testDuplicateIDs},
		{"Fields", testFields},
		{"Ownership", testOwnership},
		{"Refusals", testRefusals},
		{"LargeBatches", testLargeBatches},
		{"Empty", testEmpty},
		{"Exact", testExact},
		{"Ties", testTies},
		{"Paging", testPaging},
		{"Iterate", testIterate},
		{"DeleteMatching", testDeleteMatching},
		{"Recall", testRecall},
		{"RecallMany", testRecallMany},
		{"RecallParts", testRecallParts},
		{"Filters", testFilters},
		{"RandomFilters", testRandomFilters},
		{"LongLists", testLongLists},
		{"Building", testBuilding},
		{"Partitions", testPartitions},
		{"Aliases", testAliases},
		{"OtherHandles", testOtherHandles},
		{"RandomHistory", testRandomHistory},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, fresh(t))
		})
	}
}

const (
	collection = "pictures"
	model      = "test-model"
)

// openDatabase opens the storage and closes it at the end of the test.
func openDatabase(t *testing.T, open Open) index.Database {
	t.Helper()
	db := open(t)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

// openWidth opens the suite's collection, with vectors of this width.
func openWidth(t *testing.T, db index.Database, width int) index.Index {
	t.Helper()
	idx, err := db.Open(t.Context(), index.Spec{Collection: collection, Width: width, Model: model})
	check(t, err)
	t.Cleanup(func() { check(t, idx.Close()) })
	return idx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%v)", err, fault.KindOf(err))
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("got error %v of kind %v, want %v", err, fault.KindOf(err), kind)
	}
}

// newRand is a source of numbers that are the same in each run.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// unit is a random vector of length 1.
func unit(r *rand.Rand, width int) []float32 {
	v := make([]float32, width)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	norm := index.Norm(v)
	for i := range v {
		v[i] = float32(float64(v[i]) / norm)
	}
	return v
}

// quarter is a random vector of length 1 whose products with its like are exact in float32, in any order of summing:
// four components are +-0.5 and the others 0. Many such products are equal.
func quarter(r *rand.Rand, width int) []float32 {
	v := make([]float32, width)
	for _, i := range r.Perm(width)[:4] {
		v[i] = 0.5
		if r.IntN(2) == 0 {
			v[i] = -0.5
		}
	}
	return v
}

// sample makes n records with ids in no order.
func sample(n int, vector func() []float32) []index.Record {
	records := make([]index.Record, n)
	for i := range records {
		path := fmt.Sprintf("folder/%05d.jpg", i)
		records[i] = index.Record{ID: index.ID(path), Path: path, Vector: vector(), Fields: map[string]any{
			index.FieldLabel: fmt.Sprintf("label %d", i%7), index.FieldWidth: int64(i),
		}}
	}
	return records
}

func ids(records []index.Record) []int64 {
	list := make([]int64, len(records))
	for i, r := range records {
		list[i] = r.ID
	}
	return list
}

func hitIDs(hits []index.Hit) []int64 {
	list := make([]int64, len(hits))
	for i, h := range hits {
		list[i] = h.ID
	}
	return list
}

// oracle ranks the records that match by the plainest of means, in float64.
func oracle(records []index.Record, q index.Query) []index.Hit {
	var hits []index.Hit
	for _, r := range records {
		if q.Filter.Matches(r) {
			hits = append(hits, index.Hit{ID: r.ID, Path: r.Path, Fields: r.Fields, Score: float32(dot(q.Vector, r.Vector))})
		}
	}
	slices.SortFunc(hits, func(a, b index.Hit) int {
		switch {
		case a.Score > b.Score, a.Score == b.Score && a.ID < b.ID:
			return -1
		}
		return 1
	})
	hits = hits[min(q.Offset, len(hits)):]
	return hits[:min(q.Limit, len(hits))]
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// scoreTolerance is what summing 768 products in float32 may lose.
const scoreTolerance = 1e-5

// wantHits compares hits with the oracle's. Where scores are nearer than the tolerance the order may differ.
func wantHits(t *testing.T, got, want []index.Hit) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d hits, want %d", len(got), len(want))
	}
	scores := map[int64]float32{}
	for _, h := range want {
		scores[h.ID] = h.Score
	}
	for i := range got {
		if !near(got[i].Score, want[i].Score) {
			t.Errorf("hit %d has score %v, want %v", i, got[i].Score, want[i].Score)
		}
		exact, ok := scores[got[i].ID]
		if atEdge := near(got[i].Score, want[len(want)-1].Score); !ok && !atEdge {
			t.Errorf("hit %d, record %d, is not among the best", i, got[i].ID)
		} else if ok && !near(got[i].Score, exact) {
			t.Errorf("record %d has score %v, want %v", got[i].ID, got[i].Score, exact)
		}
	}
}

func near(a, b float32) bool { return math.Abs(float64(a)-float64(b)) <= scoreTolerance }

// all are the ids that match a filter.
func all(t *testing.T, idx index.Index, vector []float32, f *index.Filter) []int64 {
	t.Helper()
	hits, err := idx.Search(t.Context(), index.Query{Vector: vector, Filter: f, Limit: index.MaxWindow})
	check(t, err)
	list := hitIDs(hits)
	slices.Sort(list)
	return list
}

// eventually repeats a check of what other handles did, or a server does behind the scenes, until it holds; the contract
// gives the first a second, slow machines more.
func eventually(t *testing.T, holds func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		ok, err := holds()
		check(t, err)
		if ok {
			return
		}
	}
	t.Error("it does not come true")
}

func isCancelled(err error) bool { return errors.Is(err, context.Canceled) }
