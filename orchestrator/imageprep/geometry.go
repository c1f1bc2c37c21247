package imageprep

import (
	"math"

	"clipseek/orchestrator/model"
)

// fit is the upright picture of width x height brought to the model's square by the spec's rule: what is resized to
// what, and which part is kept.
func (s Spec) fit(width, height int) (x, y axis) {
	outW, outH := s.Size, s.Size
	if s.Resize != model.ResizeSquash {
		if width <= height {
			outH = longSide(s.Size, height, width)
		} else {
			outW = longSide(s.Size, width, height)
		}
	}
	return axis{in: width, out: outW, first: s.cropOffset(outW), n: s.Size, filter: s.Filter},
		axis{in: height, out: outH, first: s.cropOffset(outH), n: s.Size, filter: s.Filter}
}

// longSide is Python's int(size * long / short).
func longSide(size, long, short int) int {
	return int(float64(size*long) / float64(short))
}

// cropOffset centres the square on a side of n pixels: torchvision rounds half to even, Hugging Face down.
func (s Spec) cropOffset(n int) int {
	if s.Resize == model.ResizeShortestRGB {
		return (n - s.Size) / 2
	}
	return int(math.RoundToEven(float64(n-s.Size) / 2))
}
