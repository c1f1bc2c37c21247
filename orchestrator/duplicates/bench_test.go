package duplicates_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/duplicates"
	"clipseek/orchestrator/index"
)

// BenchmarkFind looks for duplicates in 20,000 pictures of which one in twenty is one, beside NumPy's products of all
// pairs of as many vectors. Only the comparing is set against NumPy, not the reading.
func BenchmarkFind(b *testing.B) {
	const n, width, threshold = 20_000, 512, 0.98
	r := rand.New(rand.NewPCG(1, 0))
	photos := openLocal(b, width)
	records := make([]index.Record, n)
	for i := range records {
		path := fmt.Sprintf("/album/%06d.jpg", i)
		records[i] = index.Record{ID: index.ID(path), Path: path, Vector: gauss(r, width), Fields: map[string]any{
			index.FieldWidth: int64(r.IntN(4000)), index.FieldHeight: int64(r.IntN(4000)), index.FieldSHA256: fmt.Sprintf("%064x", i),
		}}
		if i%20 == 1 {
			records[i].Vector = beside(r, records[r.IntN(i)].Vector, 0.99)
		}
	}
	check(b, photos.Upsert(b.Context(), records))
	var reading, comparing, numpy time.Duration
	for b.Loop() {
		began := time.Now()
		compared := began
		q := duplicates.Query{Threshold: threshold, Folder: b.TempDir(), Progress: func(stage duplicates.Stage, done, _ int64) {
			if stage == duplicates.Comparing && done == 0 {
				compared = time.Now()
			}
		}}
		report, err := duplicates.Find(b.Context(), photos, q)
		check(b, err)
		reading, comparing = reading+compared.Sub(began), comparing+time.Since(compared)
		if report.Extra < n/21 {
			b.Fatalf("%d duplicates", report.Extra)
		}
		numpy += timeNumPy(b, n, width, threshold)
	}
	pairs := float64(b.N) * n * (n - 1) / 2
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(reading.Seconds()/float64(b.N), "s-reading")
	b.ReportMetric(comparing.Seconds()/float64(b.N), "s-comparing")
	b.ReportMetric(pairs/comparing.Seconds()/1e6, "Mpairs/s")
	b.ReportMetric(pairs/numpy.Seconds()/1e6, "numpy-Mpairs/s")
	b.ReportMetric(comparing.Seconds()/numpy.Seconds(), "ratio")
}

func timeNumPy(b *testing.B, rows, width int, threshold float64) time.Duration {
	b.Helper()
	python, err := filepath.Abs("../../.venv/bin/python")
	check(b, err)
	if _, err := os.Stat(python); err != nil {
		b.Skipf("no Python to compare with, run make setup: %v", err)
	}
	out, err := exec.Command(python, "testdata/pairs.py", strconv.Itoa(rows), strconv.Itoa(width), fmt.Sprint(threshold)).Output()
	check(b, err)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	check(b, err)
	return time.Duration(seconds * float64(time.Second))
}
