package milvus_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/index"
)

const benchWidth = 768

func benchRecords(n int) []index.Record {
	r := rand.New(rand.NewPCG(1, 0))
	records := make([]index.Record, n)
	for i := range records {
		path := fmt.Sprintf("/pictures/2024/06/%08d.jpg", i)
		records[i] = index.Record{ID: index.ID(path), Path: path, Vector: unit(r, benchWidth), Fields: map[string]any{
			"label": fmt.Sprint("label ", i%40), "width": int64(i), "height": int64(600), "bytes": int64(123_456), "format": "jpeg",
			"sha256": fmt.Sprintf("%064x", i), "taken_at": "2024-06-01T09:30:00Z", "ingested_at": "2024-06-02T09:30:00Z", "source": "/pictures", "model": model,
		}}
	}
	return records
}

// plainUpsert writes records as a program does that uses the client as it comes.
func plainUpsert(b *testing.B, c client.Client, records []index.Record) {
	n := len(records)
	ids, paths, vectors, metas := make([]int64, n), make([]string, n), make([][]float32, n), make([][]byte, n)
	for i, r := range records {
		fields, err := index.EncodeFields(r.Fields)
		check(b, err)
		ids[i], paths[i], vectors[i], metas[i] = r.ID, r.Path, r.Vector, []byte(fields)
	}
	_, err := c.Upsert(b.Context(), "pictures", "", entity.NewColumnInt64("m_id", ids), entity.NewColumnVarChar("path", paths),
		entity.NewColumnFloatVector("embeding", benchWidth, vectors), entity.NewColumnJSONBytes("$meta", metas).WithIsDynamic(true))
	check(b, err)
}

// What this package takes beside the client used plainly: writes of 2,000 new records and searches for 16, by turns, so
// that both meet the same server.
func BenchmarkOverhead(b *testing.B) {
	cfg := config(b)
	cfg.Consistency = "eventually" // so that neither waits for the server's clock
	photos := openCollection(b, open(b, cfg), "pictures", benchWidth)
	other := plain(b, cfg)
	check(b, photos.(index.Loader).Load(b.Context()))
	records := benchRecords(2_000)
	check(b, photos.Upsert(b.Context(), records))
	b.Run("search", func(b *testing.B) {
		query := index.Query{Vector: records[7].Vector, Limit: 16}
		params, err := entity.NewIndexIvfFlatSearchParam(64)
		check(b, err)
		ours, theirs := byTurns(b,
			func() {
				_, err := photos.Search(b.Context(), query)
				check(b, err)
			},
			func() {
				_, err := other.Search(b.Context(), "pictures", nil, "", []string{"m_id", "path", "$meta"}, []entity.Vector{entity.FloatVector(query.Vector)},
					"embeding", entity.IP, query.Limit, params, client.WithSearchQueryConsistencyLevel(entity.ClEventually))
				check(b, err)
			})
		b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/search")
		b.ReportMetric(ours.Seconds()/theirs.Seconds(), "of-plain")
	})
	b.Run("upsert", func(b *testing.B) {
		next := int64(0)
		fresh := func() {
			for i := range records {
				next++
				records[i].ID = next
			}
		}
		ours, theirs := byTurns(b,
			func() { fresh(); check(b, photos.Upsert(b.Context(), records)) },
			func() { fresh(); plainUpsert(b, other, records) })
		b.ReportMetric(float64(len(records)*b.N)/ours.Seconds(), "rows/s")
		b.ReportMetric(ours.Seconds()/theirs.Seconds(), "of-plain")
	})
}

func byTurns(b *testing.B, one, other func()) (ones, others time.Duration) {
	for b.Loop() {
		start := time.Now()
		one()
		middle := time.Now()
		other()
		ones, others = ones+middle.Sub(start), others+time.Since(middle)
	}
	return ones, others
}

// What consistency costs a search while nobody writes.
func BenchmarkConsistency(b *testing.B) {
	cfg := config(b)
	records := benchRecords(100)
	check(b, openCollection(b, open(b, cfg), "pictures", benchWidth).Upsert(b.Context(), records))
	for _, level := range []string{"strong", "session", "eventually"} {
		cfg.Consistency = level
		db := open(b, cfg)
		photos := openCollection(b, db, "pictures", benchWidth)
		check(b, photos.(index.Loader).Load(b.Context()))
		b.Run(level, func(b *testing.B) {
			for b.Loop() {
				_, err := photos.Search(b.Context(), index.Query{Vector: records[7].Vector, Limit: 16})
				check(b, err)
			}
		})
	}
}
