package imageprep

import "encoding/binary"

// 16-bit grey is resized by Pillow in double precision, rounded to 16 bits after each pass. The order of additions
// matters here, so the picture is turned upright first and the weights are used in their own order.

// turnGray16 turns the stored pixels upright.
func (p *Picture) turnGray16() {
	if p.turn == upright {
		return
	}
	src := p.pixels
	mirrorX, mirrorY := p.turn.mirrors()
	turned := make([]byte, len(src.pix))
	w, h := p.uprightSize()
	for y := range h {
		for x := range w {
			sx, sy := x, y
			if p.turn.swapsSides() {
				sx, sy = y, x
			}
			if mirrorX {
				sx = src.w - 1 - sx
			}
			if mirrorY {
				sy = src.h - 1 - sy
			}
			copy(turned[2*(y*w+x):], src.pix[2*(sy*src.w+sx):][:2])
		}
	}
	p.pixels = plane{pix: turned, w: w, h: h, n: 2}
	p.turn = upright
}

// resizeGray16 filters an upright picture of 16-bit grey.
func (r *resampler) resizeGray16(src plane, x, y axis) plane {
	r.x.set(x, false)
	r.y.set(y, false)
	if verticalFirst(x, y) {
		mid := r.columns16(src, &r.first, 0, r.x.lo, r.x.hi)
		return r.rows16(mid, &r.second, r.x.lo, 0, mid.h)
	}
	mid := r.rows16(src, &r.first, 0, r.y.lo, r.y.hi)
	return r.columns16(mid, &r.second, r.y.lo, 0, mid.w)
}

func (r *resampler) rows16(src plane, buf *[]byte, origin, y0, y1 int) plane {
	out := plane{w: len(r.x.windows), h: y1 - y0, n: 2}
	*buf = grow(*buf, out.w*out.h*2)
	out.pix = *buf
	for y := range out.h {
		from, to := src.row(y0+y), out.row(y)
		for i, win := range r.x.windows {
			var sum float64
			for j, k := range r.x.exact[win.at : win.at+win.count] {
				sum += float64(float64(binary.LittleEndian.Uint16(from[2*(win.start-origin+j):])) * k)
			}
			binary.LittleEndian.PutUint16(to[2*i:], round16(sum))
		}
	}
	return out
}

func (r *resampler) columns16(src plane, buf *[]byte, origin, x0, x1 int) plane {
	out := plane{w: x1 - x0, h: len(r.y.windows), n: 2}
	*buf = grow(*buf, out.w*out.h*2)
	out.pix = *buf
	for y, win := range r.y.windows {
		to := out.row(y)
		for i := range out.w {
			var sum float64
			for j, k := range r.y.exact[win.at : win.at+win.count] {
				at := 2 * ((win.start-origin+j)*src.w + x0 + i)
				sum += float64(float64(binary.LittleEndian.Uint16(src.pix[at:])) * k)
			}
			binary.LittleEndian.PutUint16(to[2*i:], round16(sum))
		}
	}
	return out
}

func round16(v float64) uint16 {
	if v < 0 {
		return 0
	}
	return uint16(min(int(v+0.5), 0xffff))
}

// clipGray16 makes 8-bit grey of 16-bit grey as Pillow's conversion does: everything from 255 on is white.
func clipGray16(src plane, buf *[]byte) plane {
	out := plane{w: src.w, h: src.h, n: 1}
	*buf = grow(*buf, src.w*src.h)
	out.pix = *buf
	for i := range out.pix {
		out.pix[i] = byte(min(binary.LittleEndian.Uint16(src.pix[2*i:]), 255))
	}
	return out
}
