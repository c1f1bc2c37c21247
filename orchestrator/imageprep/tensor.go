package imageprep

import (
	"clipseek/orchestrator/fault"

	"clipseek/orchestrator/model"
)

// Tensor writes the prepared picture to dst, float32 [3, Size, Size] with channels R, G, B. It may be called repeatedly
// with different specs. It fails as Invalid for a bad spec and as Internal for a dst whose length is not spec.Len().
func (p *Picture) Tensor(spec Spec, dst []float32) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	if len(dst) != spec.Len() {
		return fault.Internal("the tensor's memory holds %d values, and %d are wanted", len(dst), spec.Len())
	}
	p.work.table.set(spec)
	p.work.table.apply(dst, p.square(spec))
	return nil
}

// square resizes and crops by the spec's rule; the result is RGB and lies in p.work until the next call.
func (p *Picture) square(spec Spec) plane {
	x, y := spec.fit(p.uprightSize())
	if spec.Resize == model.ResizeShortestRGB {
		return p.squareOfRGB(x, y)
	}
	m, w := p.mode, &p.work
	var out plane
	switch m {
	case modeBilevel, modePalette:
		out = w.nearest(p.pixels, p.turn, x, y)
	case modeGray16:
		out = clipGray16(w.resizeGray16(p.pixels, x, y), &w.third)
		m = modeGray
	case modeGrayAlpha, modeRGBA:
		if x.in == x.out && y.in == y.out { // a copy in Pillow, without the detour that loses bits
			out = w.resize(p.pixels, p.turn, x, y)
			break
		}
		out = w.resize(premultiply(p.pixels, &w.full), p.turn, x, y)
		unpremultiply(out)
	default:
		out = w.resize(p.pixels, p.turn, x, y)
	}
	return toRGB(m, out, &p.palette, &w.colors)
}

// squareOfRGB converts to RGB before it resizes. Channels do not mix in a resize, so grey stays one channel and alpha
// is left out at the end, which gives the same pixels.
func (p *Picture) squareOfRGB(x, y axis) plane {
	m, w := p.mode, &p.work
	src := p.pixels
	switch m {
	case modePalette, modeCMYK:
		src, m = toRGB(m, src, &p.palette, &w.full), modeRGB
	case modeGray16:
		src, m = clipGray16(src, &w.full), modeGray
	}
	return toRGB(m, w.resize(src, p.turn, x, y), &p.palette, &w.colors)
}

// normalizer maps a byte of each channel to its normalized value: (v/255 - mean) / std in float32, each step rounded as
// in torchvision's ToTensor and Normalize.
type normalizer struct {
	mean, std [3]float32
	values    [3][256]float32
}

func (t *normalizer) set(spec Spec) {
	if t.mean == spec.Mean && t.std == spec.Std {
		return
	}
	t.mean, t.std = spec.Mean, spec.Std
	for c := range t.values {
		for v := range t.values[c] {
			t.values[c][v] = (float32(v)/255 - spec.Mean[c]) / spec.Std[c]
		}
	}
}

func (t *normalizer) apply(dst []float32, rgb plane) {
	n := rgb.w * rgb.h
	r, g, b := dst[:n:n], dst[n:2*n:2*n], dst[2*n:3*n]
	px := rgb.pix[:3*n]
	for i := range r {
		if len(px) < 3 || i >= len(g) || i >= len(b) {
			break
		}
		r[i] = t.values[0][px[0]]
		g[i] = t.values[1][px[1]]
		b[i] = t.values[2][px[2]]
		px = px[3:]
	}
}
