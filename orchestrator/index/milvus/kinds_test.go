package milvus_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/milvus"
)

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

// Each structure that this server can build is built, tells how far it is, and is searched; its scores are inner products
// whatever the metric is.
func TestIndexTypes(t *testing.T) {
	t.Parallel()
	const width, rows = 32, 2_000 // Milvus builds nothing over less than 1,024 in a shard
	r := rand.New(rand.NewPCG(1, 0))
	records := batch(0, rows, width)
	for i := range records {
		records[i].Vector = unit(r, width)
	}
	cfg := config(t)
	cfg.Shards = 1
	for _, tc := range []struct {
		name           string
		index          milvus.IndexConfig
		tolerance      float32 // of scores
		exact          bool
		params, values string
	}{
		{name: "flat", index: milvus.IndexConfig{Type: "FLAT", Metric: "L2"}, tolerance: 1e-5, exact: true},
		{name: "ivf_flat", index: milvus.IndexConfig{Type: "IVF_FLAT", Metric: "COSINE", Params: []string{"nlist=16"}, Search: []string{"nprobe=16"}}, tolerance: 1e-5, exact: true},
		{name: "ivf_sq8", index: milvus.IndexConfig{Type: "IVF_SQ8", Metric: "IP", Params: []string{"nlist=16"}}, tolerance: 0.02},
		{name: "ivf_pq", index: milvus.IndexConfig{Type: "IVF_PQ", Metric: "L2", Params: []string{"nlist=16", "m=16"}}, tolerance: 0.5},
		{name: "scann", index: milvus.IndexConfig{Type: "SCANN", Metric: "IP", Params: []string{"nlist=16"}}, tolerance: 1e-5},
		{name: "hnsw", index: milvus.IndexConfig{Type: "HNSW", Metric: "COSINE", Params: []string{"M=8"}}, tolerance: 1e-5},
		{name: "autoindex", index: milvus.IndexConfig{Type: "AUTOINDEX", Metric: "IP"}, tolerance: 1e-5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := cfg
			cfg.Index = tc.index
			photos := openCollection(t, open(t, cfg), tc.name, width)
			check(t, photos.Upsert(t.Context(), records))
			built := finish(t, photos.(index.Builder))
			if built.State != index.BuildDone || built.Type != tc.index.Type || built.Metric != tc.index.Metric || built.Total != rows || built.Covered != rows {
				t.Fatalf("the building is %+v", built)
			}
			q := index.Query{Vector: unit(r, width), Limit: 16, Filter: parse(t, "n < 1000")}
			hits, err := photos.Search(t.Context(), q)
			check(t, err)
			best := nearestOf(records[:1000], q.Vector)
			found := 0
			for _, h := range hits {
				if diff := h.Score - dot(q.Vector, records[h.ID].Vector); diff > tc.tolerance || diff < -tc.tolerance {
					t.Errorf("record %d has score %v and inner product %v", h.ID, h.Score, dot(q.Vector, records[h.ID].Vector))
				}
				if slices.Contains(best[:16], h.ID) {
					found++
				}
			}
			if len(hits) != 16 || found < 8 || tc.exact && found < 16 {
				t.Errorf("%d hits, of which %d are among the best 16", len(hits), found)
			}
			few := q
			few.Filter = parse(t, "n in [1, 2, 3, 5, 8]") // in few of the lists
			hits, err = photos.Search(t.Context(), few)
			check(t, err)
			if len(hits) != 5 {
				t.Errorf("a filter that leaves 5 finds %d", len(hits))
			}
		})
	}
}

// finish waits until the structure is built or failed.
func finish(t *testing.T, b index.Builder) (built index.Building) {
	t.Helper()
	check(t, b.Flush(t.Context()))
	eventually(t, func() bool {
		var err error
		built, err = b.Building(t.Context())
		check(t, err)
		return built.State == index.BuildFailed || built.State == index.BuildDone && built.Total > 0
	})
	return built
}

func dot(a, b []float32) (sum float32) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// nearestOf are the ids, nearest first.
func nearestOf(records []index.Record, vector []float32) []int64 {
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b index.Record) int {
		if dot(vector, a.Vector) > dot(vector, b.Vector) {
			return -1
		}
		return 1
	})
	ids := make([]int64, len(sorted))
	for i, r := range sorted {
		ids[i] = r.ID
	}
	return ids
}

// What this server cannot build is said, and leaves no collection behind.
func TestImpossibleIndexes(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	for kind, params := range map[string][]string{"DISKANN": nil, "GPU_CAGRA": nil, "GPU_BRUTE_FORCE": nil, "IVF_PQ": {"m=5"}} {
		cfg.Index = milvus.IndexConfig{Type: kind, Metric: "IP", Params: params}
		db := open(t, cfg)
		_, err := db.Open(t.Context(), index.Spec{Collection: "pictures", Width: 8, Model: model})
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), "index.") {
			t.Errorf("%s: %v (%v), want Invalid that names the key", kind, err, fault.KindOf(err))
		}
		infos, err := db.Collections(t.Context())
		check(t, err)
		if len(infos) != 0 {
			t.Errorf("%s leaves %v behind", kind, infos)
		}
	}
}
