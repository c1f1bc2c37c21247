package imageprep

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"clipseek/orchestrator/model"
)

// TestKernels compares every implementation of the inner loops that this processor can run with the definition of the
// filter: pictures at random, of noise, with extreme values, in both orders of the passes and mirrored.
func TestKernels(t *testing.T) {
	t.Parallel()
	for number, name := range kernels() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, 4))
			r := newResizer(number)
			defer freeResizer(r.c)
			for range 300 {
				src := noise(random, 1+random.IntN(90), 1+random.IntN(90), 1+random.IntN(4))
				j := job{
					x: someAxis(random, src.w), y: someAxis(random, src.h),
					mirrorX: random.IntN(2) > 0, mirrorY: random.IntN(2) > 0, verticalFirst: random.IntN(2) > 0,
				}
				got := bytes.Repeat([]byte{0xa5}, j.x.n*j.y.n*src.n+64)
				if err := r.resizePlane(j, src, got); err != nil {
					t.Fatal(err)
				}
				got, beyond := got[:len(got)-64], got[len(got)-64:]
				if !bytes.Equal(beyond, bytes.Repeat([]byte{0xa5}, 64)) {
					t.Fatalf("%d x %d x %d, %+v: written beyond the end", src.w, src.h, src.n, j)
				}
				if different, most := difference(got, filtered(j, src).pix); different > 0 {
					t.Fatalf("%d x %d x %d, %+v: %d of %d bytes differ, by up to %d", src.w, src.h, src.n, j, different, len(got), most)
				}
			}
		})
	}
}

// noise has many of the values that take sums out of range.
func noise(random *rand.Rand, w, h, n int) plane {
	p := plane{pix: grow(nil, w*h*n), w: w, h: h, n: n}
	for i := range p.pix {
		p.pix[i] = byte(min(max(random.IntN(600)-170, 0), 255))
	}
	return p
}

// filtered is the definition: each axis by itself, sums of 22 bits after the point, rounded and cut to bytes.
func filtered(j job, src plane) plane {
	var x, y weights
	x.set(j.x, j.mirrorX)
	y.set(j.y, j.mirrorY)
	if j.verticalFirst {
		return filteredRows(&x, transpose(filteredRows(&y, transpose(src, new([]byte))), new([]byte)))
	}
	return transpose(filteredRows(&y, transpose(filteredRows(&x, src), new([]byte))), new([]byte))
}

func filteredRows(w *weights, src plane) plane {
	out := plane{w: len(w.windows), h: src.h, n: src.n}
	for row := range src.h {
		for _, win := range w.windows {
			for c := range src.n {
				sum := 1 << (precisionBits - 1)
				for i := range int(win.count) {
					sum += int(w.fixed[int(win.at)+i]) * int(src.row(row)[(int(win.start)+i)*src.n+c])
				}
				out.pix = append(out.pix, byte(min(max(sum>>precisionBits, 0), 255)))
			}
		}
	}
	return out
}

// TestSteadyFlowAllocatesNothing prepares one picture after another. What is left out: EXIF dates, which take two short
// strings, and PNG, for whose blocks compress/flate makes tables.
func TestSteadyFlowAllocatesNothing(t *testing.T) {
	decoder := newDecoder(t, Default())
	spec := Spec{Size: 48, Resize: model.ResizeShortest, Std: [3]float32{1, 1, 1}}
	tensor := make([]float32, spec.Len())
	for _, name := range []string{"rgb-420.jpg", "rgb-444-progressive.jpg", "cmyk.jpg", "rgb-lossy.webp", "rgba-lossless.webp"} {
		file := readFile(t, "testdata/golden/"+name)
		picture, err := decoder.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(50, func() {
			if picture.header, err = picture.read(file); err != nil {
				t.Fatal(err)
			}
			if err := picture.Tensor(spec, tensor); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations a picture", name, n)
		}
	}
}
