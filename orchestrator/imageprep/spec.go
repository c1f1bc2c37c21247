package imageprep

import (
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// Spec says what a model takes: a square of Size x Size pixels made by the Resize rule, each channel (R, G, B) as
// (value/255 - Mean) / Std.
//
// The rules, all with Pillow's bicubic filter unless Filter says otherwise:
//   - model.ResizeShortest (openai/CLIP, open_clip): the short side to Size, the long side to int(Size*long/short), the
//     centre cut out with its offset rounded half to even as torchvision does, then conversion to RGB.
//   - model.ResizeShortestRGB (Hugging Face): conversion to RGB first, the same sizes, the offset rounded down.
//   - model.ResizeSquash (Chinese-CLIP, SigLIP): both sides to Size, then conversion to RGB.
type Spec struct {
	Size      int
	Resize    model.ResizeRule
	Filter    model.Filter // "" is bicubic
	Mean, Std [3]float32
}

// maxSize is far above any published model; it keeps a mistyped size from taking gigabytes.
const maxSize = 4096

// Len is the number of values of one prepared picture: 3 x Size x Size.
func (s Spec) Len() int { return 3 * s.Size * s.Size }

// Validate reports what is wrong with the spec as Invalid.
func (s Spec) Validate() error {
	if s.Size < 1 || s.Size > maxSize {
		return fault.Invalid("picture size %d must be 1 to %d pixels", s.Size, maxSize)
	}
	switch s.Resize {
	case model.ResizeShortest, model.ResizeShortestRGB, model.ResizeSquash:
	default:
		return fault.Invalid("resize rule %q is not known; %s, %s and %s are", s.Resize, model.ResizeShortest, model.ResizeShortestRGB, model.ResizeSquash)
	}
	switch s.Filter {
	case "", model.FilterBicubic, model.FilterBilinear:
	default:
		return fault.Invalid("filter %q is not known; %s and %s are", s.Filter, model.FilterBicubic, model.FilterBilinear)
	}
	for c, v := range s.Std {
		if !(v > 0) {
			return fault.Invalid("std of channel %d is %g and must be above 0", c, v)
		}
	}
	return nil
}

// Batch is N pictures in one block, resized and cropped but not yet normalized, uint8 [N, Size, Size, 3] in RGB. That is
// a quarter of the tensor, which the encoder writes where its model reads it (Normalizer).
type Batch struct {
	Pixels  []byte // length N x Size x Size x 3
	N, Size int
}

// NewBatch makes a batch of n black pictures of size x size.
func NewBatch(n, size int) Batch {
	return Batch{Pixels: make([]byte, n*3*size*size), N: n, Size: size}
}

// Image is the part of Pixels that holds picture i, [Size, Size, 3]; it shares the batch's memory.
func (b Batch) Image(i int) []byte { return b.Part(i, i+1).Pixels }

// Part is pictures from up to to, without the latter; it shares the batch's memory.
func (b Batch) Part(from, to int) Batch {
	n := 3 * b.Size * b.Size
	return Batch{Pixels: b.Pixels[from*n : to*n : to*n], N: to - from, Size: b.Size}
}
