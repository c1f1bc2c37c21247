package milvus_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/milvus"
)

// More records than one window reaches: filters that the server cannot judge are answered to the end, and equal scores
// are in order as far as a window goes.
func TestBeyondWindow(t *testing.T) {
	t.Parallel()
	const width, rows = 4, 40_000
	cfg := exact(t)
	photos := openCollection(t, open(t, cfg), "pictures", width)
	records := batch(0, rows, width)
	for i := range records {
		records[i].Vector = axis(0, width) // all the same
		records[i].Fields = map[string]any{"name": fmt.Sprintf("x%d.jpg", i)}
	}
	for i := range 5 {
		records[rows-1-i*1000].Fields = map[string]any{"name": fmt.Sprintf("a rare %d", i)}
		records[rows-1-i*1000].Vector = axis(1, width) // and the farthest
	}
	check(t, photos.Upsert(t.Context(), records))
	q := index.Query{Vector: axis(0, width), Limit: 3, Offset: 1, Filter: parse(t, `name.contains("rare")`)}
	hits, err := photos.Search(t.Context(), q)
	check(t, err)
	var got []int64
	for _, h := range hits {
		got = append(got, h.ID)
	}
	if want := []int64{rows - 3001, rows - 2001, rows - 1001}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	q = index.Query{Vector: axis(0, width), Limit: 100, Offset: 10_000, Filter: parse(t, `!name.endsWith("7.jpg") && id < 16000`)}
	hits, err = photos.Search(t.Context(), q)
	check(t, err)
	rank := 0
	for i := 0; len(hits) > 0 && i < rows; i++ {
		if i%10 == 7 {
			continue
		}
		if rank >= q.Offset && hits[rank-q.Offset].ID != int64(i) {
			t.Fatalf("hit %d of equal scores is %d, want %d", rank, hits[rank-q.Offset].ID, i)
		}
		if rank++; rank == q.Offset+len(hits) {
			break
		}
	}
	if len(hits) != q.Limit {
		t.Errorf("%d hits, want %d", len(hits), q.Limit)
	}
	n, err := photos.(index.Counter).Count(t.Context(), parse(t, `name.contains("9")`))
	check(t, err)
	want := int64(0)
	for _, r := range records {
		if strings.Contains(r.Fields["name"].(string), "9") {
			want++
		}
	}
	if n != want {
		t.Errorf("counts %d, want %d", n, want)
	}
}

// Records that lie in several sealed segments and in unsealed ones, some replaced and some deleted since, are walked over
// in order, page by page, and found.
func TestManySegments(t *testing.T) {
	t.Parallel()
	const width, rounds, rows = 8, 3, 2_000
	cfg := exact(t)
	cfg.Batch.Bytes = 1 << 20 // pages of 1,000
	photos := openCollection(t, open(t, cfg), "pictures", width)
	r := rand.New(rand.NewPCG(1, 0))
	there := map[int64]string{}
	for round := range rounds {
		records := batch(0, rows, width)
		for i := range records {
			records[i].ID, records[i].Path = r.Int64N(5_000), fmt.Sprint(round, i) // many of them again
			there[records[i].ID] = records[i].Path
		}
		check(t, photos.Upsert(t.Context(), records))
		var gone []int64
		for _, record := range records[:200] {
			gone = append(gone, record.ID)
			delete(there, record.ID)
		}
		_, err := photos.Delete(t.Context(), gone)
		check(t, err)
		if round < rounds-1 {
			check(t, photos.(index.Builder).Flush(t.Context()))
		}
	}
	want := slices.Sorted(maps.Keys(there))
	var got []int64
	for record, err := range photos.(index.Iterator).Iterate(t.Context(), index.Walk{}) {
		check(t, err)
		if record.Path != there[record.ID] {
			t.Errorf("record %d is %q, want %q", record.ID, record.Path, there[record.ID])
		}
		got = append(got, record.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the walk gives %d records, want %d in order", len(got), len(want))
	}
	hits, err := photos.Search(t.Context(), index.Query{Vector: axis(0, width), Limit: index.MaxWindow})
	check(t, err)
	if len(hits) != len(want) {
		t.Errorf("a search finds %d, want %d", len(hits), len(want))
	}
	n, err := photos.(index.Counter).Count(t.Context(), nil)
	check(t, err)
	if n != int64(len(want)) {
		t.Errorf("it counts %d, want %d", n, len(want))
	}
}

// A server that takes less at once than a batch has gets it in parts.
func TestSmallMessages(t *testing.T) {
	const width = 16
	t.Setenv("PROXY_GRPC_SERVERMAXRECVSIZE", fmt.Sprint(1<<20))
	own := serverstest.Milvus(t, servers.MilvusConfig{})
	cfg := milvus.Default()
	cfg.Address = own.GRPC
	photos := openCollection(t, open(t, cfg), "pictures", width)
	records := batch(0, 200, width)
	ids, paths, vectors, texts := []int64{}, []string{}, [][]float32{}, []string{}
	for i, r := range records {
		r.Fields["text"] = strings.Repeat("a", 50_000)
		ids, paths, vectors, texts = append(ids, r.ID), append(paths, r.Path), append(vectors, r.Vector), append(texts, records[i].Fields["text"].(string))
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second) // the plain client repeats for 22 s
	defer cancel()
	if _, err := plain(t, cfg).Upsert(soon, "pictures", "", entity.NewColumnInt64("m_id", ids), entity.NewColumnVarChar("path", paths),
		entity.NewColumnFloatVector("embeding", width, vectors), entity.NewColumnVarChar("text", texts)); err == nil {
		t.Fatal("the server takes all of it at once, so that this test tests nothing")
	}
	check(t, photos.Upsert(t.Context(), records))
	n, err := photos.(index.Counter).Count(t.Context(), nil)
	check(t, err)
	if n != int64(len(records)) {
		t.Errorf("%d records are there, want %d", n, len(records))
	}
}
