package imageprep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/half"
	"clipseek/orchestrator/model"
)

// TestGolden proves without Python that every kind of picture gives the reference's pixels, byte for byte. Origin of
// the hashes: testdata/golden.py; golden.json names the versions.
func TestGolden(t *testing.T) {
	t.Parallel()
	var golden struct {
		Cases []struct {
			File, Rule, SHA256 string
			Size               int
		}
	}
	if err := json.Unmarshal(readFile(t, "testdata/golden/golden.json"), &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 90 {
		t.Fatalf("golden.json has %d cases", len(golden.Cases))
	}
	decoder := newDecoder(t, Default())
	for _, c := range golden.Cases {
		t.Run(c.File+"/"+c.Rule, func(t *testing.T) {
			t.Parallel()
			picture, err := decoder.Decode(readFile(t, filepath.Join("testdata/golden", c.File)))
			if err != nil {
				t.Fatal(err)
			}
			defer picture.Release()
			sum := sha256.Sum256(squareOf(t, picture, Spec{Size: c.Size, Resize: model.ResizeRule(c.Rule)}))
			if got := hex.EncodeToString(sum[:]); got != c.SHA256 {
				t.Errorf("pixels at size %d have the hash %s, want %s", c.Size, got, c.SHA256)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	taken := time.Date(2024, 5, 17, 18, 30, 5, 0, time.FixedZone("", 2*3600))
	for file, want := range map[string]Info{
		"rgb-420.jpg":     {Width: 97, Height: 61, Format: "jpeg"},
		"turned-3.jpg":    {Width: 61, Height: 43, Format: "jpeg", TakenAt: taken},
		"turned-6.jpg":    {Width: 43, Height: 61, Format: "jpeg", TakenAt: taken},
		"turned-5.webp":   {Width: 43, Height: 61, Format: "webp"},
		"turned-8.png":    {Width: 33, Height: 51, Format: "png"},
		"animated.webp":   {Width: 50, Height: 40, Format: "webp"},
		"la.png":          {Width: 57, Height: 41, Format: "png"},
		"rgba-lossy.webp": {Width: 77, Height: 59, Format: "webp"},
		"turned-5.avif":   {Width: 39, Height: 47, Format: "avif", TakenAt: taken},
		"animated.avif":   {Width: 47, Height: 39, Format: "avif"},
		"grid.avif":       {Width: 128, Height: 64, Format: "avif"},
		"turned-6.heic":   {Width: 39, Height: 47, Format: "heic", TakenAt: taken},
		"grid.heic":       {Width: 128, Height: 64, Format: "heic"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got := decodeGolden(t, Default(), file).Info()
			if !got.TakenAt.Equal(want.TakenAt) {
				t.Errorf("taken at %v, want %v", got.TakenAt, want.TakenAt)
			}
			got.TakenAt, want.TakenAt = time.Time{}, time.Time{}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestUprightCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Upright = false
	if got := decodeGolden(t, cfg, "turned-6.jpg").Info(); got.Width != 61 || got.Height != 43 {
		t.Errorf("the stored picture is 61 x 43, got %d x %d", got.Width, got.Height)
	}
}

// TestTensorValues ties the tensor to its definition: (v/255 - mean) / std per channel, channels one after the other. A
// batch becomes the same, in either precision.
func TestTensorValues(t *testing.T) {
	t.Parallel()
	picture := decodeGolden(t, Default(), "rgb.png")
	spec := Spec{Size: 20, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	alone := make([]float32, spec.Len())
	if err := picture.Tensor(spec, alone); err != nil {
		t.Fatal(err)
	}
	batch := NewBatch(2, spec.Size)
	if err := picture.Pixels(spec, batch.Image(1)); err != nil {
		t.Fatal(err)
	}
	table := NewNormalizer(spec.Mean, spec.Std)
	single, halves := make([]float32, 2*spec.Len()), make([]uint16, 2*spec.Len())
	table.Float32(single, batch)
	table.Float16(halves, batch)
	rgb := squareOf(t, picture, spec)
	for i := range spec.Size * spec.Size {
		for c := range 3 {
			at := c*spec.Size*spec.Size + i
			want := (float64(rgb[3*i+c])/255 - float64(clipMean[c])) / float64(clipStd[c])
			if got := alone[at]; math.Abs(float64(got)-want) > 1e-6 {
				t.Fatalf("channel %d, pixel %d is %v, want %v", c, i, got, want)
			}
			if got := single[spec.Len()+at]; got != alone[at] {
				t.Fatalf("channel %d, pixel %d is %v in a batch and %v alone", c, i, got, alone[at])
			}
			if got := halves[spec.Len()+at]; got != half.From(alone[at]) {
				t.Fatalf("channel %d, pixel %d is %#04x in half precision, want %v", c, i, got, alone[at])
			}
			if got := single[at]; got != table.Value(c, 0) {
				t.Fatalf("the other picture of the batch, which is black, was written to at %d", at)
			}
		}
	}
	for name, err := range map[string]error{
		"pixels": picture.Pixels(spec, make([]byte, 1)), "tensor": picture.Tensor(spec, make([]float32, 1)),
	} {
		if fault.KindOf(err) != fault.KindInternal {
			t.Errorf("%s in too little memory: %v", name, err)
		}
	}
}

func decodeGolden(t *testing.T, cfg Config, file string) *Picture {
	t.Helper()
	picture, err := newDecoder(t, cfg).Decode(readFile(t, filepath.Join("testdata/golden", file)))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// squareOf is the prepared picture before it is normalized: RGB, 8 bits.
func squareOf(t *testing.T, p *Picture, spec Spec) []byte {
	t.Helper()
	x, y := spec.fit(p.uprightSize())
	out, err := p.square(spec, x, y)
	if err != nil {
		t.Fatal(err)
	}
	return out.pix
}
