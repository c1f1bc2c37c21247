package imageprep

import (
	"clipseek/orchestrator/fault"

	"clipseek/orchestrator/model"
)

// Tensor decodes the picture and writes it, prepared, to dst, float32 [3, Size, Size] with channels R, G, B. Besides
// what Decode says of files it fails as Invalid for a bad spec and as Internal for a dst whose length is not spec.Len().
func (p *Picture) Tensor(spec Spec, dst []float32) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	if len(dst) != spec.Len() {
		return fault.Internal("the tensor's memory holds %d values, and %d are wanted", len(dst), spec.Len())
	}
	x, y := spec.fit(p.uprightSize())
	held := p.owner.hold(p.weight(spec.Resize, x, y))
	defer p.owner.inFlight.Release(held)
	p.start()
	rgb, err := p.square(spec, x, y)
	if err != nil {
		return err
	}
	p.lap(&p.times.Convert)
	p.work.table.set(spec)
	p.work.table.apply(dst, rgb)
	p.lap(&p.times.Normalize)
	return nil
}

// square resizes and crops by the spec's rule, to x and y; the result is RGB and lies in p.work until the next call.
func (p *Picture) square(spec Spec, x, y axis) (plane, error) {
	eighths := 8
	if p.owner.cfg.Fast {
		eighths = p.enough(x, y)
		x.in, y.in = scaled(x.in, eighths), scaled(y.in, eighths)
	}
	if p.filtersRows(spec.Resize) {
		out, err := p.resizeJPEG(eighths, x, y)
		if err != nil {
			return plane{}, err
		}
		return toRGB(p.mode, out, &p.palette, &p.work.colors), nil
	}
	if err := p.decode(eighths); err != nil {
		return plane{}, err
	}
	p.lap(&p.times.Decode)
	if spec.Resize == model.ResizeShortestRGB {
		return p.squareOfRGB(x, y)
	}
	m, out, err := p.filter(x, y)
	if err != nil {
		return plane{}, err
	}
	return toRGB(m, out, &p.palette, &p.work.colors), nil
}

// filter resizes the decoded picture in its own mode and by that mode's rule; grey of more than 8 bits becomes grey.
func (p *Picture) filter(x, y axis) (mode, plane, error) {
	w, src := &p.work, p.pixels
	defer p.lap(&p.times.Resize)
	switch p.decoded {
	case modeBilevel, modePalette:
		return p.decoded, w.nearest(src, p.turn, x, y), nil
	case modeGray16, modeInt32, modeFloat32:
		return modeGray, clipWide(p.decoded, w.resizeWide(p.decoded, turnWide(src, p.turn, &w.full), x, y), &w.third), nil
	case modeGrayAlpha, modeRGBA:
		if x.in == x.out && y.in == y.out { // a copy in Pillow, without the detour that loses bits
			break
		}
		src = premultiply(src, &w.full)
		p.lap(&p.times.Convert)
		out, err := w.resize(src, p.turn, x, y)
		unpremultiply(out)
		return p.decoded, out, err
	}
	out, err := w.resize(src, p.turn, x, y)
	return p.decoded, out, err
}

// squareOfRGB converts to RGB before it resizes. Channels do not mix in a resize, so grey stays one channel and alpha
// is left out at the end, which gives the same pixels.
func (p *Picture) squareOfRGB(x, y axis) (plane, error) {
	m, w := p.decoded, &p.work
	src := p.pixels
	switch m {
	case modePalette, modeCMYK:
		src, m = toRGB(m, src, &p.palette, &w.full), modeRGB
	case modeGray16, modeInt32, modeFloat32:
		src, m = clipWide(m, src, &w.full), modeGray
	}
	p.lap(&p.times.Convert)
	out, err := w.resize(src, p.turn, x, y)
	if err != nil {
		return plane{}, err
	}
	p.lap(&p.times.Resize)
	return toRGB(m, out, &p.palette, &w.colors), nil
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
