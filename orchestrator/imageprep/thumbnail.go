package imageprep

// #include <stdlib.h>
// #include "libjpeg.h"
// #cgo noescape clipseek_jpeg_encode
// #cgo nocallback clipseek_jpeg_encode
import "C"

import (
	"math"
	"unsafe"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// Thumbnail returns the picture, upright and whole, as a JPEG file (4:2:0) whose longer side is at most maxSide pixels;
// a smaller picture keeps its size. What is transparent is shown on white. quality is JPEG's 1 to 100. It fails as
// Invalid for arguments out of range.
func (p *Picture) Thumbnail(maxSide, quality int) ([]byte, error) {
	if err := checkThumbnail(maxSide, quality); err != nil {
		return nil, err
	}
	held := p.owner.hold(p.wholeWeight())
	defer p.owner.inFlight.Release(held)
	x, y := p.shrunk(maxSide)
	if err := p.decode(p.enough(x, y)); err != nil {
		return nil, err
	}
	return p.shownSmall(x, y, quality)
}

// PixelsAndThumbnail is TimedPixels and Thumbnail of one decode, for little more than the first. small is nil where only
// the thumbnail could not be made.
func (p *Picture) PixelsAndThumbnail(spec Spec, dst []byte, maxSide, quality int) (times Times, small []byte, err error) {
	if err := checkThumbnail(maxSide, quality); err != nil {
		return Times{}, nil, err
	}
	t := &thumbnail{}
	t.x, t.y = p.shrunk(maxSide)
	p.wanted, p.timed = t, true
	defer func() { p.wanted, p.timed = nil, false }()
	err = p.prepare(spec, len(dst), func(rgb []byte) {
		copy(dst, rgb)
		p.lap(&p.times.Convert)
		switch {
		case t.filtered:
			out := p.aside.turned(t.stored, p.turn)
			small, _ = p.encodeJPEG(toRGB(p.mode, out, &p.palette, &p.aside.colors), quality)
		case !p.filtersRows(spec.Resize) && t.fits(p.pixels.w, p.pixels.h, p.turn):
			small, _ = p.shownSmall(t.x, t.y, quality)
		}
		p.lap(&p.times.Thumbnail)
	})
	if err == nil && small == nil { // decoded too small for it, which Config.Fast may do
		small, _ = p.Thumbnail(maxSide, quality)
		p.lap(&p.times.Thumbnail)
	}
	return p.times, small, err
}

func checkThumbnail(maxSide, quality int) error {
	if maxSide < 1 || maxSide > maxSize {
		return fault.Invalid("thumbnail side %d must be 1 to %d pixels", maxSide, maxSize)
	}
	if quality < 1 || quality > 100 {
		return fault.Invalid("thumbnail quality %d must be 1 to 100", quality)
	}
	return nil
}

// thumbnail is one that is made beside the picture's square.
type thumbnail struct {
	x, y     axis  // upright
	filtered bool  // stored is there, for rows that were filtered as they were decoded
	stored   plane // not yet turned
}

// fits tells whether a picture decoded to w x h, not upright, is no smaller than the thumbnail.
func (t *thumbnail) fits(w, h int, turn orientation) bool {
	if turn.swapsSides() {
		w, h = h, w
	}
	return w >= t.x.out && h >= t.y.out
}

// start prepares the filters for a picture that is decoded to w x h, not upright.
func (t *thumbnail) start(p *Picture, w, h int) job {
	t.x.in, t.y.in = w, h
	if p.turn.swapsSides() {
		t.x.in, t.y.in = h, w
	}
	j, out := p.aside.plan(p.mode.bytesPerPixel(), p.turn, t.x, t.y)
	j.verticalFirst = true // the pass along rows is the slower one, and has fewer rows then
	t.stored = out
	return j
}

// shrunk is the axes of the picture brought to a longer side of at most maxSide.
func (p *Picture) shrunk(maxSide int) (x, y axis) {
	width, height := p.uprightSize()
	x, y = axis{in: width, out: width, filter: model.FilterBilinear}, axis{in: height, out: height, filter: model.FilterBilinear}
	if longer := max(width, height); longer > maxSide {
		x.out = max(1, (width*maxSide+longer/2)/longer)
		y.out = max(1, (height*maxSide+longer/2)/longer)
	}
	x.n, y.n = x.out, y.out
	return x, y
}

// shownSmall is the decoded picture as a JPEG file of x.out by y.out pixels. Whole blocks of pixels are averaged as long
// as twice the wanted size remains; the rest is done by the bicubic filter, so the result is as good as from the filter
// alone and takes a fraction of the time.
func (p *Picture) shownSmall(x, y axis, quality int) ([]byte, error) {
	w := &p.work
	src, m := p.opaque()
	x.in, y.in = src.w, src.h
	if p.turn.swapsSides() {
		x.in, y.in = src.h, src.w
	}
	if factor := min(x.in/(2*x.out), y.in/(2*y.out)); factor > 1 {
		src = averageBlocks(src, factor, &w.blocks)
		x.in, y.in = x.in/factor, y.in/factor
	}
	out, err := w.resize(src, p.turn, x, y)
	if err != nil {
		return nil, err
	}
	return p.encodeJPEG(toRGB(m, out, &p.palette, &w.colors), quality)
}

// encodeJPEG makes a file of RGB.
func (p *Picture) encodeJPEG(rgb plane, quality int) ([]byte, error) {
	var file C.struct_clipseek_block
	status := C.clipseek_jpeg_encode(bytesOf(rgb.pix), C.int(rgb.w), C.int(rgb.h), C.int(quality), &file, &p.message[0])
	if status != C.CLIPSEEK_JPEG_OK {
		return nil, fault.Internal("encode a thumbnail: %s", C.GoString(&p.message[0]))
	}
	defer C.free(unsafe.Pointer(file.data))
	return copyBlock(file), nil
}

// opaque is the picture in a mode that can be filtered, with white behind what is transparent.
func (p *Picture) opaque() (plane, mode) {
	w := &p.work
	switch p.decoded {
	case modeGray16:
		return upperBytes(p.pixels, &w.full), modeGray
	case modeInt32, modeFloat32:
		return stretchWide(p.mode, p.pixels, &w.full), modeGray
	case modePalette:
		shown := p.palette
		for i, c := range p.palette {
			for channel := range 3 {
				shown[i][channel] = overWhite(c[channel], c[3])
			}
		}
		return toRGB(modePalette, p.pixels, &shown, &w.full), modeRGB
	case modeGrayAlpha:
		return flatten(p.pixels, &w.full), modeGray
	case modeRGBA:
		return flatten(p.pixels, &w.full), modeRGB
	}
	return p.pixels, p.decoded
}

func overWhite(value, alpha byte) byte {
	return byte(mulDiv255(uint32(value), uint32(alpha)) + 255 - uint32(alpha))
}

// flatten puts a picture with alpha in its last channel over white and leaves that channel out.
func flatten(src plane, buf *[]byte) plane {
	out := plane{w: src.w, h: src.h, n: src.n - 1}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	for i := range src.w * src.h {
		px := src.pix[i*src.n : (i+1)*src.n]
		for c := range out.n {
			out.pix[i*out.n+c] = overWhite(px[c], px[out.n])
		}
	}
	return out
}

// upperBytes shows the whole range of 16-bit grey, where the reference's conversion would show nearly all as white.
func upperBytes(src plane, buf *[]byte) plane {
	out := plane{w: src.w, h: src.h, n: 1}
	*buf = grow(*buf, src.w*src.h)
	out.pix = *buf
	for i := range out.pix {
		out.pix[i] = src.pix[2*i+1]
	}
	return out
}

// stretchWide shows what the picture has of a range that nothing limits, from its least number as black to its greatest.
func stretchWide(m mode, src plane, buf *[]byte) plane {
	out := plane{w: src.w, h: src.h, n: 1}
	*buf = grow(*buf, src.w*src.h)
	out.pix = *buf
	least, most := math.Inf(1), math.Inf(-1)
	for i := range out.pix {
		if v := wideNumber(m, src.pix, i); !math.IsNaN(v) && !math.IsInf(v, 0) {
			least, most = min(least, v), max(most, v)
		}
	}
	for i := range out.pix {
		out.pix[i] = 0
		if v := (wideNumber(m, src.pix, i) - least) / (most - least); v > 0 {
			out.pix[i] = byte(255 * min(v, 1))
		}
	}
	return out
}

// averageBlocks makes one pixel of each block of f x f. Columns and rows at the right and lower edge that fill no block
// are cut: less than half a pixel of the thumbnail.
func averageBlocks(src plane, f int, buf *[]byte) plane {
	out := plane{w: src.w / f, h: src.h / f, n: src.n}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	sums := make([]uint32, out.w*out.n)
	area := uint32(f * f)
	for y := range out.h {
		clear(sums)
		for dy := range f {
			addBlocks(sums, src.row(y*f+dy), f, src.n)
		}
		row := out.row(y)
		for i, s := range sums {
			row[i] = byte((s + area/2) / area)
		}
	}
	return out
}

// addBlocks adds f pixels of a row to each pixel of sums.
func addBlocks(sums []uint32, row []byte, f, n int) {
	if n == 3 {
		for i := 0; i+2 < len(sums); i += 3 {
			px := row[i*f : (i+3)*f]
			var a, b, c uint32
			for ; len(px) >= 3; px = px[3:] {
				a += uint32(px[0])
				b += uint32(px[1])
				c += uint32(px[2])
			}
			sums[i] += a
			sums[i+1] += b
			sums[i+2] += c
		}
		return
	}
	for i := 0; i < len(sums); i += n {
		px := row[i*f : (i+n)*f]
		for j, v := range px {
			sums[i+j%n] += uint32(v)
		}
	}
}
