package imageprep

import (
	"clipseek/orchestrator/fault"

	"clipseek/orchestrator/model"
)

// Pixels decodes the picture and writes it, resized and cropped, to dst, uint8 [Size, Size, 3] in RGB: a picture of a
// Batch. Besides what Decode says of files it fails as Invalid for a bad spec and as Internal for a dst whose length is
// not spec.Len().
func (p *Picture) Pixels(spec Spec, dst []byte) error {
	return p.prepare(spec, len(dst), func(rgb []byte) { copy(dst, rgb) })
}

// Tensor is Pixels, normalized: float32 [3, Size, Size] with channels R, G, B.
func (p *Picture) Tensor(spec Spec, dst []float32) error {
	return p.prepare(spec, len(dst), func(rgb []byte) {
		p.lap(&p.times.Convert)
		p.work.table.set(spec.Mean, spec.Std)
		p.work.table.Float32(dst, Batch{Pixels: rgb, N: 1, Size: spec.Size})
		p.lap(&p.times.Normalize)
	})
}

// prepare makes the picture's square and hands its pixels over.
func (p *Picture) prepare(spec Spec, length int, take func(rgb []byte)) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	if length != spec.Len() {
		return fault.Internal("the memory for a picture holds %d values, and %d are wanted", length, spec.Len())
	}
	x, y := spec.fit(p.uprightSize())
	held := p.owner.hold(p.weight(spec.Resize, x, y))
	defer p.owner.inFlight.Release(held)
	p.start()
	rgb, err := p.square(spec, x, y)
	if err != nil {
		return err
	}
	take(rgb.pix[:spec.Len()])
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
