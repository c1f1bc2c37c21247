package duplicates

import (
	"math"
	"math/rand/v2"

	"github.com/viterin/vek/vek32"
)

const (
	axes       = depth - 3 // of the vectors' space that a sketch keeps
	sampled    = 4096      // vectors that the axes are found from
	iterations = 4
)

// sketcher makes sketches: numbers whose product is a bound of the cosine.
//
// With the vector's components p on some orthonormal axes, from the mean of all vectors, and the length r of what the axes
// leave, no pair is nearer than its sketches: |a-b|^2 >= |pa-pb|^2 + (ra-rb)^2. For vectors of length 1 that is
//
//	a.b <= pa.pb + ra rb - ca - cb with c = (|p|^2 + r^2 - 1)/2
//
// which is one product, of (pa, ra, -ca, 1) and (pb, rb, 1, -cb). It holds for any axes; those along which the vectors
// differ most rule out most.
type sketcher struct {
	mean []float32
	axes [][]float32 // orthonormal; fewer where the vectors do not fill as many
}

// bounding is what rounding may take from a bound: the sums are of 64 and of some hundred products of float32, below 1e-5.
const bounding = 1e-4

// newSketcher finds the principal axes of a sample by subspace iteration, near enough for the purpose.
func newSketcher(sample [][]float32, width int) *sketcher {
	s := &sketcher{mean: make([]float32, width)}
	for _, v := range sample {
		vek32.Add_Inplace(s.mean, v)
	}
	vek32.MulNumber_Inplace(s.mean, 1/float32(max(1, len(sample))))
	for _, v := range sample {
		vek32.Sub_Inplace(v, s.mean)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range min(axes, width) {
		axis := make([]float32, width)
		for i := range axis {
			axis[i] = float32(r.NormFloat64())
		}
		s.axes = append(s.axes, axis)
	}
	s.axes = orthonormal(s.axes)
	part := make([]float32, width)
	for range iterations {
		next := make([][]float32, len(s.axes))
		for i, axis := range s.axes {
			next[i] = make([]float32, width)
			for _, v := range sample {
				vek32.MulNumber_Into(part, v, vek32.Dot(axis, v))
				vek32.Add_Inplace(next[i], part)
			}
		}
		s.axes = orthonormal(next)
	}
	return s
}

// orthonormal is Gram and Schmidt's, twice for what rounding leaves of the first time. What depends on those before it is
// left out.
func orthonormal(axes [][]float32) [][]float32 {
	var done [][]float32
	for _, axis := range axes {
		v := make([]float64, len(axis))
		for i, x := range axis {
			v[i] = float64(x)
		}
		before := norm(v)
		for range 2 {
			for _, d := range done {
				along := 0.0
				for i, x := range d {
					along += v[i] * float64(x)
				}
				for i, x := range d {
					v[i] -= along * float64(x)
				}
			}
		}
		length := norm(v)
		if length <= 1e-4*before {
			continue
		}
		for i := range v {
			axis[i] = float32(v[i] / length)
		}
		done = append(done, axis)
	}
	return done
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// row writes the sketch of a vector of length 1 as a row; centred is memory for as many numbers.
func (s *sketcher) row(sketch, vector, centred []float32) {
	vek32.Sub_Into(centred, vector, s.mean)
	clear(sketch)
	whole, kept := 0.0, 0.0
	for _, x := range centred {
		whole += float64(x) * float64(x)
	}
	for i, axis := range s.axes {
		p := vek32.Dot(axis, centred)
		sketch[i] = p
		kept += float64(p) * float64(p)
	}
	rest := math.Sqrt(max(0, whole-kept))
	sketch[axes], sketch[axes+1], sketch[axes+2] = float32(rest), float32((1-kept-rest*rest)/2), 1
}

// lane copies the sketch of a row into a panel.
func lane(panel, sketch []float32, at int) {
	for k, x := range sketch {
		panel[k*lanes+at] = x
	}
	panel[(axes+1)*lanes+at], panel[(axes+2)*lanes+at] = sketch[axes+2], sketch[axes+1]
}
