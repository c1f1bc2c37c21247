package duplicates

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func randoms(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func TestPairs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	rows, panel := randoms(r, 4*step*depth), randoms(r, depth*lanes)
	for kernel, name := range kernels() {
		for _, bound := range []float32{-1000, -5, 0, 7, 1000} {
			var want []uint32
			for row := range 4 * step {
				for lane := range lanes {
					sum := 0.0
					for k := range depth {
						sum += float64(rows[row*depth+k]) * float64(panel[k*lanes+lane])
					}
					if sum >= float64(bound) {
						want = append(want, uint32(row*lanes+lane))
					}
				}
			}
			got := pairs(kernel, rows, panel, bound, make([]uint32, 4*step*lanes))
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s finds %d pairs of at least %v, want %d", name, len(got), bound, len(want))
			}
		}
	}
}

// The bound of each pair, one processor.
func BenchmarkPairs(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 0))
	rows, panel := randoms(r, blockRows*depth), randoms(r, depth*lanes)
	found := make([]uint32, blockRows*lanes)
	for kernel, name := range kernels() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				pairs(kernel, rows, panel, 1e6, found)
			}
			b.ReportMetric(float64(b.N)*blockRows*lanes/b.Elapsed().Seconds()/1e6, "Mpairs/s")
			b.ReportMetric(2*float64(b.N)*blockRows*lanes*depth/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
