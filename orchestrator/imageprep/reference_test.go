package imageprep

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"clipseek/orchestrator/model"
)

// reference runs a program of testdata with the project's Python environment and returns the folder it wrote to. A test
// that needs it is skipped where the environment is missing, and fails instead where REQUIRE_REFERENCE=1.
func reference(t testing.TB, program string, args ...string) string {
	t.Helper()
	interpreter, err := filepath.Abs("../../.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(interpreter); err != nil {
		if os.Getenv("REQUIRE_REFERENCE") == "1" {
			t.Fatal("the Python environment with Pillow is missing; `make setup` makes it")
		}
		t.Skip("needs the Python environment with Pillow; `make setup` makes it")
	}
	out := t.TempDir()
	run := exec.CommandContext(t.Context(), interpreter, append([]string{program, out}, args...)...)
	run.Dir = "testdata"
	run.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if text, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, text)
	}
	return out
}

// parityCase is one line of cases.json, which testdata/parity.py writes.
type parityCase struct {
	Name, File, Rule, Filter, Pixels, Tensor string
	Size                                     int
}

func (c parityCase) spec() Spec {
	return Spec{Size: c.Size, Resize: model.ResizeRule(c.Rule), Filter: model.Filter(c.Filter), Mean: clipMean, Std: clipStd}
}

// openai/CLIP's constants.
var (
	clipMean = [3]float32{0.48145466, 0.4578275, 0.40821073}
	clipStd  = [3]float32{0.26862954, 0.26130258, 0.27577711}
)

// TestParity compares every kind of picture, prepared by every rule, with Pillow: each byte must be the same.
func TestParity(t *testing.T) {
	t.Parallel()
	compareParity(t, newDecoder(t, Default()), reference(t, "parity.py"), exactly)
}

// parityCases are those of a folder that testdata/parity.py or a program like it filled.
func parityCases(t *testing.T, dir string) (cases []parityCase) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "cases.json")), &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// compareParity prepares the files of such a folder. tolerance gives, for the name of a case, by how much the bytes may
// differ in the mean.
func compareParity(t *testing.T, decoder *Decoder, dir string, tolerance func(name string) float64) {
	t.Helper()
	for _, c := range parityCases(t, dir) {
		picture, err := decoder.Decode(readFile(t, filepath.Join(dir, c.File)))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		got := squareOf(t, picture, c.spec())
		want := readFile(t, filepath.Join(dir, c.Pixels))
		if different, most := difference(got, want); different > 0 && meanDifference(got, want) > tolerance(c.Name) {
			t.Errorf("%s, %s %s %d: %d of %d bytes differ, by up to %d", c.Name, c.Rule, c.Filter, c.Size, different, len(got), most)
		}
		if c.Tensor != "" {
			compareTensor(t, picture, c.spec(), readFile(t, filepath.Join(dir, c.Tensor)))
		}
		picture.Release()
	}
}

func exactly(string) float64 { return 0 }

// meanDifference is that of two pictures; pictures of unequal length differ wholly.
func meanDifference(got, want []byte) float64 {
	if len(got) != len(want) {
		return 255
	}
	sum := 0
	for i := range got {
		sum += abs(int(got[i]) - int(want[i]))
	}
	return float64(sum) / float64(len(got))
}

func compareTensor(t *testing.T, p *Picture, spec Spec, want []byte) {
	t.Helper()
	got := make([]float32, spec.Len())
	if err := p.Tensor(spec, got); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if w := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:])); v != w {
			t.Fatalf("value %d of the tensor is %v, want %v", i, v, w)
		}
	}
}

// difference counts the bytes that differ and gives the largest difference; pictures of unequal length differ wholly.
func difference(got, want []byte) (different, most int) {
	if len(got) != len(want) {
		return max(len(got), len(want)), 255
	}
	if bytes.Equal(got, want) {
		return 0, 0
	}
	for i := range got {
		if d := abs(int(got[i]) - int(want[i])); d > 0 {
			different++
			most = max(most, d)
		}
	}
	return different, most
}

// fillTensor is a file to a tensor.
func fillTensor(t testing.TB, decoder *Decoder, file []byte, spec Spec, dst []float32) {
	t.Helper()
	picture, err := decoder.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := picture.Tensor(spec, dst); err != nil {
		t.Fatal(err)
	}
	picture.Release()
}

func newDecoder(t testing.TB, cfg Config) *Decoder {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
