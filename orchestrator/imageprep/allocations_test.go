//go:build !race

package imageprep

import (
	"path/filepath"
	"testing"

	"clipseek/orchestrator/model"
)

// TestAllocations prepares pictures of each kind again and again, as an ingest does: after the first ones, memory comes
// from the pool alone. (Race detection allocates by itself, so this is not built with it.)
func TestAllocations(t *testing.T) {
	spec := Spec{Size: 48, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	dst := make([]float32, spec.Len())
	for _, name := range []string{
		"rgb-420.jpg", "rgb-444-progressive.jpg", "cmyk.jpg", "turned-6.jpg", // the last with a date
		"rgb.png", "rgba.png", "palette-alpha.png", "grey-16-dark.png", "turned-8.png", "colour-6-8-interlaced.png",
		"rgb-lossy.webp", "rgba-lossless.webp", "turned-5.webp",
	} {
		file := readFile(t, filepath.Join("testdata/golden", name))
		decoder := newDecoder(t, Default())
		allocations := testing.AllocsPerRun(50, func() { fillTensor(t, decoder, file, spec, dst) })
		if allocations != 0 {
			t.Errorf("%s: %v allocations, want none", name, allocations)
		}
	}
}
