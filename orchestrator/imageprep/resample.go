package imageprep

import "math"

// Pillow's resampling of 8-bit pixels: each axis is filtered by itself with weights rounded to 22 bits after the
// point, and each pass rounds to 8 bits. All of it is integer arithmetic but the making of the weights, which is done
// in double precision in Pillow's order; results are identical, not close.
//
// Turning upright costs nothing here: a mirrored axis is filtered with mirrored weights, and for a transposed picture
// the passes swap places. Only the small result is transposed. Only those rows and columns are computed that the crop
// keeps and the filter reaches.

const (
	precisionBits = 32 - 8 - 2 // 8 for the result, 2 because negative lobes can take a sum out of range
	half          = 1 << (precisionBits - 1)
)

// axis is one direction of a resize: of in pixels, filtered to out, the n outputs from first on are wanted.
type axis struct {
	in, out  int
	first, n int
}

// window is the part of the source that one output pixel is made of: count pixels from start, with the weights at
// weights[at:at+count].
type window struct {
	start, count, at int
}

// weights is a filter prepared for one axis.
type weights struct {
	axis     axis
	mirrored bool
	windows  []window
	fixed    []int64   // rounded to precisionBits; they fit 32 bits
	lo, hi   int       // the source pixels that any window reaches
	exact    []float64 // as computed, in the upright order; 16-bit grey is filtered with these
}

// bicubic is the cubic convolution kernel with a = -0.5, of support 2. The conversions keep a compiler from fusing
// multiplication and addition, which would round differently.
func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	if x < 1 {
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	}
	if x < 2 {
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

// set prepares the filter for an axis; a repeated axis costs nothing.
func (w *weights) set(a axis, mirrored bool) {
	if w.axis == a && w.mirrored == mirrored && len(w.windows) == a.n {
		return
	}
	w.axis, w.mirrored = a, mirrored
	w.windows, w.fixed, w.exact = w.windows[:0], w.fixed[:0], w.exact[:0]
	w.lo, w.hi = a.in, 0
	scale := float64(a.in) / float64(a.out)
	filterScale := max(scale, 1)
	support := 2 * filterScale
	perPixel := 1 / filterScale
	for i := a.first; i < a.first+a.n; i++ {
		center := float64((float64(i) + 0.5) * scale)
		start := max(0, int(center-support+0.5))
		count := min(a.in, int(center+support+0.5)) - start
		at := len(w.exact)
		var sum float64
		for x := range count {
			v := bicubic(float64((float64(x+start) - center + 0.5) * perPixel))
			w.exact = append(w.exact, v)
			sum += v
		}
		for x := range w.exact[at:] {
			if sum != 0 {
				w.exact[at+x] /= sum
			}
			w.fixed = append(w.fixed, fixedPoint(w.exact[at+x]))
		}
		if mirrored { // the source runs the other way
			start = a.in - start - count
			reverse(w.fixed[at:])
		}
		w.windows = append(w.windows, window{start, count, at})
		w.lo, w.hi = min(w.lo, start), max(w.hi, start+count)
	}
}

func fixedPoint(v float64) int64 {
	v *= 1 << precisionBits
	if v < 0 {
		return int64(v - 0.5)
	}
	return int64(v + 0.5)
}

func reverse(s []int64) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// verticalFirst is Pillow 13's choice of the first pass, for upright sizes; earlier versions always began with the
// horizontal one. It is found by experiment: 400 random sizes around the boundary agree.
func verticalFirst(x, y axis) bool {
	return y.out < y.in && y.in-y.out > 2*(x.in-x.out)
}

// resampler holds the working memory of resizes.
type resampler struct {
	x, y                 weights // along the stored rows and columns
	first, second, third []byte  // after the first pass, after the second, transposed
	full, blocks, colors []byte  // the source in another mode, its blocks averaged, the result in RGB
	words                []int64 // two rows paired
	table                normalizer
}

// shed drops buffers larger than limit bytes.
func (r *resampler) shed(limit int) {
	for _, b := range []*[]byte{&r.first, &r.second, &r.third, &r.full, &r.blocks, &r.colors} {
		if cap(*b) > limit {
			*b = nil
		}
	}
}

// resize filters src, which is turned by o, to the wanted part of the upright picture: x and y are the upright axes.
// The result has x.n x y.n pixels of src.n bytes and lies in the resampler's memory until the next resize.
func (r *resampler) resize(src plane, o orientation, x, y axis) plane {
	vertical := verticalFirst(x, y)
	mirrorX, mirrorY := o.mirrors()
	if o.swapsSides() {
		x, y = y, x
		vertical = !vertical
	}
	r.x.set(x, mirrorX)
	r.y.set(y, mirrorY)
	var out plane
	if vertical {
		mid := r.alongColumns(src, &r.first, 0, r.x.lo, r.x.hi)
		out = r.alongRows(mid, &r.second, r.x.lo, 0, mid.h)
	} else {
		mid := r.alongRows(src, &r.first, 0, r.y.lo, r.y.hi)
		out = r.alongColumns(mid, &r.second, r.y.lo, 0, mid.w)
	}
	if o.swapsSides() {
		out = transpose(out, &r.third)
	}
	return out
}

// alongRows filters rows y0 to y1 of src by r.x. Column 0 of src is column origin of the picture.
func (r *resampler) alongRows(src plane, buf *[]byte, origin, y0, y1 int) plane {
	out := plane{w: len(r.x.windows), h: y1 - y0, n: src.n}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	filter := filterRows1
	switch src.n {
	case 2:
		filter = filterRows2
	case 3:
		filter = filterRows3
	case 4:
		filter = filterRows4
	}
	from, to := (r.x.lo-origin)*src.n, (r.x.hi-origin)*src.n
	if cap(r.words) < to-from {
		r.words = make([]int64, to-from)
	}
	words := r.words[:to-from]
	for y := 0; y < out.h; y += 2 {
		next := min(y+1, out.h-1) // an odd last row is paired with itself
		pairRows(words, src.row(y0 + y)[from:to], src.row(y0 + next)[from:to])
		filter(out.row(y), out.row(next), words, &r.x, r.x.lo)
	}
	return out
}

// alongColumns filters columns x0 to x1 of src by r.y. Row 0 of src is row origin of the picture.
func (r *resampler) alongColumns(src plane, buf *[]byte, origin, x0, x1 int) plane {
	out := plane{w: x1 - x0, h: len(r.y.windows), n: src.n}
	*buf = grow(*buf, out.w*out.h*out.n)
	out.pix = *buf
	stride := src.w * src.n
	for y, win := range r.y.windows {
		from := (win.start-origin)*stride + x0*src.n
		filterColumns(out.row(y), src.pix[from:], stride, r.y.fixed[win.at:win.at+win.count])
	}
	return out
}

// transpose writes the columns of src as rows.
func transpose(src plane, buf *[]byte) plane {
	out := plane{w: src.h, h: src.w, n: src.n}
	*buf = grow(*buf, len(src.pix))
	out.pix = *buf
	for y := range out.h {
		row := out.row(y)
		for x := range out.w {
			at := (x*src.w + y) * src.n
			copy(row[x*src.n:(x+1)*src.n], src.pix[at:at+src.n])
		}
	}
	return out
}
