package imageprep

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestHuffman holds our decoding of Huffman codes to libjpeg's: the same pixels and the same refusals from files of every
// sampling, process and many sizes, whole, cut and damaged.
func TestHuffman(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	refused, taken := 0, 0
	for _, name := range jpegs(t) {
		file := readFile(t, name)
		if !bothWays(t, file) {
			t.Errorf("%s: refused", name)
		}
		for range 8 {
			if bothWays(t, damage(random, file)) {
				taken++
			} else {
				refused++
			}
		}
	}
	if refused < 100 || taken < 100 {
		t.Errorf("%d damaged files were refused, %d taken: the test has lost its reach", refused, taken)
	}
}

// damage cuts a file or changes some of its bytes, most of them behind the headers.
func damage(random *rand.Rand, file []byte) []byte {
	out := bytes.Clone(file)
	place := func() int { return len(file)/3 + random.IntN(len(file)-len(file)/3) }
	switch random.IntN(5) {
	case 0:
		return out[:place()]
	case 1: // a marker out of place
		at := place()
		out[at], out[max(at-1, 0)] = byte(random.IntN(256)), 0xff
	case 2: // something left out
		at := place()
		return append(out[:at], out[min(at+1+random.IntN(8), len(out)):]...)
	default:
		for range 1 + random.IntN(4) {
			out[place()] ^= 1 << random.IntN(8)
		}
	}
	return out
}

// bothWays decodes a file with and without the library's Huffman decoder, compares, and tells whether it was taken.
func bothWays(t *testing.T, file []byte) bool {
	t.Helper()
	picture, err := newDecoder(t, fuzzLimits()).Decode(file)
	if err != nil {
		return false
	}
	defer picture.Release()
	c := jpegFile(picture.header, 8)
	got := make([]byte, picture.width*picture.height*picture.mode.bytesPerPixel())
	want := make([]byte, len(got))
	gotErr := jpegPixels(file, &c, got, &picture.message)
	c.by_library = 1
	wantErr := jpegPixels(file, &c, want, &picture.message)
	if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
		t.Fatalf("%d bytes: %v, the library says %v", len(file), gotErr, wantErr)
	}
	if gotErr != nil {
		return false
	}
	if different, most := difference(got, want); different > 0 {
		t.Fatalf("%d bytes, %d x %d: %d of %d bytes differ from the library's, by up to %d", len(file), picture.width, picture.height, different, len(got), most)
	}
	x, y := picture.shrunk(40)
	comparePartial(t, picture, x, y)
	return true
}

// FuzzHuffman compares with libjpeg what any bytes decode to.
func FuzzHuffman(f *testing.F) {
	for _, name := range []string{"rgb-420.jpg", "rgb-422.jpg", "grey.jpg", "cmyk.jpg"} {
		f.Add(readFile(f, filepath.Join("testdata/golden", name)))
	}
	f.Fuzz(func(t *testing.T, file []byte) { bothWays(t, file) })
}
