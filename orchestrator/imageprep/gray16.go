package imageprep

import "encoding/binary"

// 16-bit grey is resized by Pillow in double precision, rounded to 16 bits after each pass. The order of additions
// matters here, so the picture is turned upright first and the weights are used in their own order.

// turnGray16 makes an upright copy of src, which is turned by o.
func turnGray16(src plane, o orientation, buf *[]byte) plane {
	if o == upright {
		return src
	}
	mirrorX, mirrorY := o.mirrors()
	out := plane{w: src.w, h: src.h, n: 2}
	if o.swapsSides() {
		out.w, out.h = src.h, src.w
	}
	*buf = grow(*buf, len(src.pix))
	out.pix = *buf
	for y := range out.h {
		for x := range out.w {
			sx, sy := x, y
			if o.swapsSides() {
				sx, sy = y, x
			}
			if mirrorX {
				sx = src.w - 1 - sx
			}
			if mirrorY {
				sy = src.h - 1 - sy
			}
			copy(out.pix[2*(y*out.w+x):], src.pix[2*(sy*src.w+sx):][:2])
		}
	}
	return out
}

// resizeGray16 filters an upright picture of 16-bit grey.
func (r *resampler) resizeGray16(src plane, x, y axis) plane {
	r.exactX.set(x, false)
	r.exactY.set(y, false)
	if verticalFirst(x, y) {
		mid := r.columns16(src, &r.first, 0, r.exactX.lo, r.exactX.hi)
		return r.rows16(mid, &r.second, r.exactX.lo, 0, mid.h)
	}
	mid := r.rows16(src, &r.first, 0, r.exactY.lo, r.exactY.hi)
	return r.columns16(mid, &r.second, r.exactY.lo, 0, mid.w)
}

func (r *resampler) rows16(src plane, buf *[]byte, origin, y0, y1 int) plane {
	out := plane{w: len(r.exactX.windows), h: y1 - y0, n: 2}
	*buf = grow(*buf, out.w*out.h*2)
	out.pix = *buf
	for y := range out.h {
		from, to := src.row(y0+y), out.row(y)
		for i, win := range r.exactX.windows {
			var sum float64
			for j, k := range r.exactX.exact[win.at : win.at+win.count] {
				sum += float64(float64(binary.LittleEndian.Uint16(from[2*(int(win.start)-origin+j):])) * k)
			}
			binary.LittleEndian.PutUint16(to[2*i:], round16(sum))
		}
	}
	return out
}

func (r *resampler) columns16(src plane, buf *[]byte, origin, x0, x1 int) plane {
	out := plane{w: x1 - x0, h: len(r.exactY.windows), n: 2}
	*buf = grow(*buf, out.w*out.h*2)
	out.pix = *buf
	for y, win := range r.exactY.windows {
		to := out.row(y)
		for i := range out.w {
			var sum float64
			for j, k := range r.exactY.exact[win.at : win.at+win.count] {
				at := 2 * ((int(win.start)-origin+j)*src.w + x0 + i)
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
