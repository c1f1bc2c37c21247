package duplicates_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/duplicates"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
	"clipseek/orchestrator/index/local"
	"clipseek/orchestrator/index/milvus"
)

const width = 72 // more than a sketch keeps

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openLocal(t testing.TB, width int) index.Index {
	t.Helper()
	db, err := local.Open(t.Context(), local.Config{File: filepath.Join(t.TempDir(), "index.db"), Wait: time.Minute})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return collection(t, db, width)
}

func collection(t testing.TB, db index.Database, width int) index.Index {
	t.Helper()
	photos, err := db.Open(t.Context(), index.Spec{Collection: "pictures", Width: width, Model: "m"})
	check(t, err)
	t.Cleanup(func() { check(t, photos.Close()) })
	return photos
}

func unit(v []float32) []float32 {
	scale := 1 / index.Norm(v)
	for i := range v {
		v[i] = float32(float64(v[i]) * scale)
	}
	return v
}

func gauss(r *rand.Rand, width int) []float32 {
	v := make([]float32, width)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return unit(v)
}

// beside is a vector whose cosine with v is about c.
func beside(r *rand.Rand, v []float32, c float64) []float32 {
	w := gauss(r, len(v))
	for i := range w {
		w[i] = float32(c*float64(v[i]) + math.Sqrt(1-c*c)*float64(w[i]))
	}
	return unit(w)
}

// clusters are n records: some alone, some near others at every distance, chains among them, some of equal bytes.
func clusters(r *rand.Rand, n, width int) []index.Record {
	records := make([]index.Record, n)
	for i := range records {
		path := fmt.Sprintf("/album/%05d.jpg", i)
		records[i] = index.Record{ID: index.ID(path), Path: path, Vector: gauss(r, width), Fields: map[string]any{
			index.FieldWidth: int64(100 + r.IntN(3)), index.FieldHeight: int64(100), index.FieldBytes: int64(r.IntN(3)),
			index.FieldSHA256: fmt.Sprintf("%032x%032x", r.Uint64(), i), index.FieldLabel: fmt.Sprint(i % 3),
		}}
		if r.IntN(2) == 0 {
			records[i].Fields[index.FieldModifiedAt] = fmt.Sprintf("2024-06-%02dT09:30:00Z", 1+r.IntN(28))
		}
		if i > 0 && r.IntN(3) > 0 {
			other := records[r.IntN(i)]
			records[i].Vector = beside(r, other.Vector, 0.9+0.1*r.Float64())
			if r.IntN(4) == 0 {
				records[i].Vector = slices.Clone(other.Vector)
				records[i].Fields[index.FieldSHA256] = other.Fields[index.FieldSHA256]
			}
		}
	}
	return records
}

func field[T any](r index.Record, name string) (v T) {
	v, _ = r.Fields[name].(T)
	return v
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// plainly finds the groups by comparing each with each: by the id of the first the ids of the others, in order.
func plainly(records []index.Record, threshold float64) map[int64][]int64 {
	records = slices.SortedFunc(slices.Values(records), func(a, b index.Record) int {
		pixels := func(r index.Record) int64 {
			return field[int64](r, index.FieldWidth) * field[int64](r, index.FieldHeight)
		}
		modified := func(r index.Record) string { return cmp.Or(field[string](r, index.FieldModifiedAt), "9") }
		return cmp.Or(cmp.Compare(pixels(b), pixels(a)), cmp.Compare(field[int64](b, index.FieldBytes), field[int64](a, index.FieldBytes)),
			cmp.Compare(modified(a), modified(b)), cmp.Compare(a.ID, b.ID))
	})
	var firsts []index.Record
	groups := map[int64][]int64{}
	of := map[string]int64{} // the first of the group that has a file of this hash
	for _, r := range records {
		hash := field[string](r, index.FieldSHA256)
		if first, ok := of[hash]; ok {
			groups[first] = append(groups[first], r.ID)
			continue
		}
		best, nearest := -1, threshold
		for i, first := range firsts {
			if score := dot(r.Vector, first.Vector); score >= nearest && (best < 0 || score > nearest) {
				best, nearest = i, score
			}
		}
		if best < 0 {
			firsts = append(firsts, r)
			of[hash] = r.ID
		} else {
			groups[firsts[best].ID] = append(groups[firsts[best].ID], r.ID)
			of[hash] = firsts[best].ID
		}
	}
	for _, list := range groups {
		slices.Sort(list)
	}
	return groups
}

func byIDs(t *testing.T, report *duplicates.Report) map[int64][]int64 {
	t.Helper()
	groups := map[int64][]int64{}
	extra, last := int64(0), math.MaxInt
	for g, err := range report.Groups(t.Context(), 0) {
		check(t, err)
		if len(g.Others) > last {
			t.Errorf("a group of %d comes after one of %d", len(g.Others), last)
		}
		last = len(g.Others)
		for i, o := range g.Others {
			groups[g.First.ID] = append(groups[g.First.ID], o.ID)
			if same := field[string](o.Record, index.FieldSHA256) == field[string](g.First, index.FieldSHA256); o.Same != same {
				t.Errorf("%s: same = %v", o.Path, o.Same)
			}
			if o.Score > 1 || i > 0 && o.Score > g.Others[i-1].Score {
				t.Errorf("%s: score %v is out of order", o.Path, o.Score)
			}
		}
		slices.Sort(groups[g.First.ID])
		extra += int64(len(g.Others))
	}
	if extra != report.Extra || len(groups) != report.Len() {
		t.Errorf("%d groups with %d others; the report says %d with %d", len(groups), extra, report.Len(), report.Extra)
	}
	return groups
}

func wantGroups(t *testing.T, photos index.Index, records []index.Record, q duplicates.Query) {
	t.Helper()
	q.Folder = t.TempDir()
	report, err := duplicates.Find(t.Context(), photos, q)
	check(t, err)
	records = slices.DeleteFunc(slices.Clone(records), func(r index.Record) bool { return !q.Filter.Matches(r) })
	if report.Pictures != int64(len(records)) {
		t.Errorf("%d pictures were looked at, want %d", report.Pictures, len(records))
	}
	got, want := byIDs(t, report), plainly(records, float64(q.Threshold))
	for first, others := range want {
		if !slices.Equal(got[first], others) {
			t.Errorf("threshold %v: group of %d: %d others, want %d", q.Threshold, first, len(got[first]), len(others))
		}
	}
	if len(got) != len(want) {
		t.Errorf("threshold %v: %d groups, want %d", q.Threshold, len(got), len(want))
	}
	if left, err := filepath.Glob(filepath.Join(q.Folder, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

func label(t *testing.T) *index.Filter {
	t.Helper()
	f, err := filter.Parse(`label == "1"`)
	check(t, err)
	return f
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ n, width int }{
		"none": {0, 8}, "one": {1, 8}, "narrow": {300, 8}, "some": {100, width}, "a block": {960, width}, "several blocks": {2000, width},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(tc.n), 0))
			records := clusters(r, tc.n, tc.width)
			photos := openLocal(t, tc.width)
			check(t, photos.Upsert(t.Context(), records))
			for _, threshold := range []float32{duplicates.LeastThreshold, 0.95, 1} {
				wantGroups(t, photos, records, duplicates.Query{Threshold: threshold})
			}
			wantGroups(t, photos, records, duplicates.Query{Threshold: 0.95, Filter: label(t)})
		})
	}
}

// All of one picture is the case with the most pairs.
func TestAllAlike(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	records := clusters(r, 2000, width)
	for i := range records {
		records[i].Vector = beside(r, records[0].Vector, 0.999)
	}
	photos := openLocal(t, width)
	check(t, photos.Upsert(t.Context(), records))
	wantGroups(t, photos, records, duplicates.Query{Threshold: 0.99})
}

func TestMilvus(t *testing.T) {
	t.Parallel()
	server := serverstest.Milvus(t, servers.MilvusConfig{})
	cfg := milvus.Default()
	cfg.Address = server.GRPC
	db, err := milvus.Open(cfg, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	photos := collection(t, db, width)
	records := clusters(rand.New(rand.NewPCG(3, 0)), 1500, width)
	check(t, photos.Upsert(t.Context(), records))
	wantGroups(t, photos, records, duplicates.Query{Threshold: 0.95})
	wantGroups(t, photos, records, duplicates.Query{Threshold: 0.9, Filter: label(t)})

	deleted := make([]int64, 200) // at once
	for i, r := range records[:len(deleted)] {
		deleted[i] = r.ID
	}
	_, err = photos.Delete(t.Context(), deleted)
	check(t, err)
	records = records[len(deleted):]
	wantGroups(t, photos, records, duplicates.Query{Threshold: 0.95})
	parts := photos.(index.Partitioner) // a record that two parts have is one picture, and no twin of itself
	check(t, parts.CreatePartition(t.Context(), "summer"))
	check(t, parts.Partition("summer").Upsert(t.Context(), records[:100]))
	wantGroups(t, photos, records, duplicates.Query{Threshold: 0.95})
}

// A chain of small steps joins nothing that is far from the first.
func TestChain(t *testing.T) {
	t.Parallel()
	var records []index.Record
	for i := range 5 { // 10 degrees each: cosines of 0.985, 0.94, 0.87, 0.77
		angle := float64(i) * math.Pi / 18
		path := fmt.Sprintf("%d.jpg", i)
		records = append(records, index.Record{ID: int64(i), Path: path, Vector: []float32{float32(math.Cos(angle)), float32(math.Sin(angle))},
			Fields: map[string]any{index.FieldWidth: int64(100 - i), index.FieldHeight: int64(100)}})
	}
	photos := openLocal(t, 2)
	check(t, photos.Upsert(t.Context(), records))
	report, err := duplicates.Find(t.Context(), photos, duplicates.Query{Threshold: 0.98, Folder: t.TempDir()})
	check(t, err)
	var got []string
	for g, err := range report.Groups(t.Context(), 0) {
		check(t, err)
		line := g.First.Path
		for _, o := range g.Others {
			line += " " + o.Path
		}
		got = append(got, line)
	}
	if want := []string{"0.jpg 1.jpg", "2.jpg 3.jpg"}; !slices.Equal(got, want) {
		t.Errorf("groups = %q, want %q", got, want)
	}
}

// What is deleted after it was found is left out, and with the first its whole group.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	var records []index.Record
	for i := range 3 {
		v := gauss(r, width)
		for j := range 3 {
			records = append(records, index.Record{ID: int64(10*i + j), Path: fmt.Sprintf("%d%d.jpg", i, j), Vector: v,
				Fields: map[string]any{index.FieldBytes: int64(100 - j)}})
		}
	}
	photos := openLocal(t, width)
	check(t, photos.Upsert(t.Context(), records))
	report, err := duplicates.Find(t.Context(), photos, duplicates.Query{Threshold: 1, Folder: t.TempDir()})
	check(t, err)
	_, err = photos.Delete(t.Context(), []int64{0, 11})
	check(t, err)
	var got []string
	for g, err := range report.Groups(t.Context(), 0) {
		check(t, err)
		got = append(got, g.First.Path)
		for _, o := range g.Others {
			got = append(got, o.Path)
		}
	}
	if want := []string{"10.jpg", "12.jpg", "20.jpg", "21.jpg", "22.jpg"}; !slices.Equal(got, want) {
		t.Errorf("pictures = %q, want %q", got, want)
	}
	n := 0
	for range report.Groups(t.Context(), 1) {
		n++
	}
	if n != 1 {
		t.Errorf("a limit of one gives %d groups", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	photos := openLocal(t, width)
	check(t, photos.Upsert(t.Context(), clusters(rand.New(rand.NewPCG(1, 0)), 20, width)))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		q    duplicates.Query
		kind fault.Kind
		says string
	}{
		"a low threshold":  {t.Context(), duplicates.Query{Threshold: 0.5}, fault.KindInvalid, "cosine of 0.8 to 1"},
		"a high threshold": {t.Context(), duplicates.Query{Threshold: 1.1}, fault.KindInvalid, "cosine of 0.8 to 1"},
		"no number":        {t.Context(), duplicates.Query{Threshold: float32(math.NaN())}, fault.KindInvalid, "cosine of 0.8 to 1"},
		"too many":         {t.Context(), duplicates.Query{Threshold: 1, Most: 19}, fault.KindTooLarge, "more than 19 pictures"},
		"cancelled":        {cancelled, duplicates.Query{Threshold: 1}, fault.KindCanceled, ""},
		"no folder":        {t.Context(), duplicates.Query{Threshold: 1, Folder: "/dev/null/x"}, fault.KindInvalid, "/dev/null/x"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.q.Folder == "" {
				tc.q.Folder = t.TempDir()
			}
			_, err := duplicates.Find(tc.ctx, photos, tc.q)
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.says) {
				t.Errorf("error = %v, want %v with %q", err, tc.kind, tc.says)
			}
		})
	}
}

// Stopping in the middle leaves at once.
func TestCancel(t *testing.T) {
	t.Parallel()
	photos := openLocal(t, width)
	check(t, photos.Upsert(t.Context(), clusters(rand.New(rand.NewPCG(1, 0)), 3000, width)))
	for _, at := range []duplicates.Stage{duplicates.Reading, duplicates.Comparing} {
		ctx, cancel := context.WithCancel(t.Context())
		q := duplicates.Query{Threshold: 0.9, Folder: t.TempDir(), Progress: func(stage duplicates.Stage, done, _ int64) {
			if stage == at && done > 0 {
				cancel()
			}
		}}
		if _, err := duplicates.Find(ctx, photos, q); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped while pictures are %s: %v", at, err)
		}
	}
}
