package imageprep

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestPartialDecode proves that filtering the part of a JPEG that a crop reaches, as it is decoded, gives the pixels of
// decoding all of it first: crops at random from files of every sampling, process and many sizes.
func TestPartialDecode(t *testing.T) {
	t.Parallel()
	decoder := newDecoder(t, Default())
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range jpegs(t) {
		picture, err := decoder.Decode(readFile(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 12 {
			picture.turn = orientation(1 + random.IntN(8))
			width, height := picture.uprightSize()
			comparePartial(t, picture, someAxis(random, width), someAxis(random, height))
		}
		picture.Release()
	}
}

// jpegs names the golden files and those of jpegs.py.
func jpegs(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	made, err := filepath.Glob(filepath.Join(reference(t, "jpegs.py"), "*.jpg"))
	if err != nil || len(made) < 100 {
		t.Fatalf("%d files were made: %v", len(made), err)
	}
	return append(files, made...)
}

// someAxis shrinks or enlarges a side and wants any part of the result.
func someAxis(random *rand.Rand, in int) axis {
	a := axis{in: in, out: 1 + random.IntN(max(2*in, 40))}
	a.first = random.IntN(a.out)
	a.n = 1 + random.IntN(a.out-a.first)
	return a
}

func comparePartial(t *testing.T, p *Picture, x, y axis) {
	t.Helper()
	out, err := p.resizeJPEG(8, x, y)
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.Clone(out.pix)
	if err := p.decode(8); err != nil {
		t.Fatal(err)
	}
	want, err := p.work.resize(p.pixels, p.turn, x, y)
	if err != nil {
		t.Fatal(err)
	}
	if different, most := difference(got, want.pix); different > 0 {
		t.Errorf("%d x %d, turned by %d, %+v, %+v: %d of %d bytes differ, by up to %d", p.width, p.height, p.turn, x, y, different, len(got), most)
	}
}
