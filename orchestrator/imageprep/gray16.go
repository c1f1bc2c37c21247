package imageprep

import (
	"encoding/binary"
	"math"
)

// Grey of 16 bits, of 32 bits and in floating point is resized by Pillow in double precision, rounded to the mode's own
// numbers after each pass. The order of additions matters here, so the picture is turned upright first and the weights
// are used in their own order.

// wideNumber is the number at index i of a picture of such a mode.
func wideNumber(m mode, pix []byte, i int) float64 {
	switch m {
	case modeInt32:
		return float64(int32(binary.LittleEndian.Uint32(pix[4*i:])))
	case modeFloat32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(pix[4*i:])))
	}
	return float64(binary.LittleEndian.Uint16(pix[2*i:]))
}

// putWideNumber rounds v to a number of the mode and stores it at index i.
func putWideNumber(m mode, pix []byte, i int, v float64) {
	switch m {
	case modeInt32:
		binary.LittleEndian.PutUint32(pix[4*i:], uint32(round32(v)))
	case modeFloat32:
		binary.LittleEndian.PutUint32(pix[4*i:], math.Float32bits(float32(v)))
	default:
		binary.LittleEndian.PutUint16(pix[2*i:], round16(v))
	}
}

// turnWide makes an upright copy of src, which is turned by o.
func turnWide(src plane, o orientation, buf *[]byte) plane {
	if o == upright {
		return src
	}
	mirrorX, mirrorY := o.mirrors()
	out := plane{w: src.w, h: src.h, n: src.n}
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
			copy(out.pix[src.n*(y*out.w+x):], src.pix[src.n*(sy*src.w+sx):][:src.n])
		}
	}
	return out
}

// resizeWide filters an upright picture of mode m.
func (r *resampler) resizeWide(m mode, src plane, x, y axis) plane {
	r.exactX.set(x, false)
	r.exactY.set(y, false)
	if verticalFirst(x, y) {
		mid := r.wideColumns(m, src, &r.first, 0, r.exactX.lo, r.exactX.hi)
		return r.wideRows(m, mid, &r.second, r.exactX.lo, 0, mid.h)
	}
	mid := r.wideRows(m, src, &r.first, 0, r.exactY.lo, r.exactY.hi)
	return r.wideColumns(m, mid, &r.second, r.exactY.lo, 0, mid.w)
}

func (r *resampler) wideRows(m mode, src plane, buf *[]byte, origin, y0, y1 int) plane {
	out := plane{w: len(r.exactX.windows), h: y1 - y0, n: src.n}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	for y := range out.h {
		from, to := src.row(y0+y), out.row(y)
		for i, win := range r.exactX.windows {
			var sum float64
			for j, k := range r.exactX.exact[win.at : win.at+win.count] {
				sum += float64(wideNumber(m, from, int(win.start)-origin+j) * k)
			}
			putWideNumber(m, to, i, sum)
		}
	}
	return out
}

func (r *resampler) wideColumns(m mode, src plane, buf *[]byte, origin, x0, x1 int) plane {
	out := plane{w: x1 - x0, h: len(r.exactY.windows), n: src.n}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	for y, win := range r.exactY.windows {
		to := out.row(y)
		for i := range out.w {
			var sum float64
			for j, k := range r.exactY.exact[win.at : win.at+win.count] {
				sum += float64(wideNumber(m, src.pix, (int(win.start)-origin+j)*src.w+x0+i) * k)
			}
			putWideNumber(m, to, i, sum)
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

// round32 rounds half away from zero. What is out of range becomes the least number, as on the reference's processor.
func round32(v float64) int32 {
	v = math.Copysign(math.Floor(math.Abs(v)+0.5), v)
	if !(v >= math.MinInt32 && v <= math.MaxInt32) {
		return math.MinInt32
	}
	return int32(v)
}

// clipWide makes 8-bit grey as Pillow's conversion does: everything from 255 on is white, fractions are cut off.
func clipWide(m mode, src plane, buf *[]byte) plane {
	out := plane{w: src.w, h: src.h, n: 1}
	*buf = grow(*buf, src.w*src.h)
	out.pix = *buf
	for i := range out.pix {
		out.pix[i] = 0
		if v := wideNumber(m, src.pix, i); v > 0 { // no number at all is black too
			out.pix[i] = byte(min(v, 255))
		}
	}
	return out
}
