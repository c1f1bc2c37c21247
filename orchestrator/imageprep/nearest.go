package imageprep

// nearest resizes one-byte pixels as Pillow does with palette and bilevel pictures, whose values cannot be mixed. The
// result lies in the resampler's memory.
func (r *resampler) nearest(src plane, o orientation, x, y axis) plane {
	mirrorX, mirrorY := o.mirrors()
	if o.swapsSides() {
		x, y = y, x
	}
	r.columns, r.rows = nearestIndices(r.columns, x, mirrorX), nearestIndices(r.rows, y, mirrorY)
	out := plane{w: x.n, h: y.n, n: 1}
	r.first = grow(r.first, out.w*out.h)
	out.pix = r.first
	for j, sy := range r.rows {
		from, to := src.row(sy), out.row(j)
		for i, sx := range r.columns {
			to[i] = from[sx]
		}
	}
	if o.swapsSides() {
		out = transpose(out, &r.third)
	}
	return out
}

// nearestIndices is the source pixel of each wanted output pixel, in the memory of indices. Pillow steps through the source
// by repeated addition from the first pixel on, and its rounding errors decide between neighbours, so they are made here too.
func nearestIndices(indices []int, a axis, mirrored bool) []int {
	indices = indices[:0]
	step := float64(a.in) / float64(a.out)
	at := step * 0.5
	for i := range a.first + a.n {
		if i >= a.first {
			index := min(int(at), a.in-1)
			if mirrored {
				index = a.in - 1 - index
			}
			indices = append(indices, index)
		}
		at += step
	}
	return indices
}
