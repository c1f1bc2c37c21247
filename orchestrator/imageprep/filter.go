package imageprep

import "encoding/binary"

// The inner loops. A 64-bit word carries two sums of 32 bits, so one multiplication serves two bytes: the lower half of
// a word is the first byte's lane, the upper half the second's. Sums stay within 32 signed bits (255 times the weights'
// absolute sum, which is below 1.5 in fixed point), so a negative lower lane only borrows from the upper one, and
// splitLanes gives both back exactly.

// lanesHalf is the rounding term in both lanes.
const lanesHalf = half | half<<32

func splitLanes(sum int64) (lower, upper byte) {
	l := int32(sum)
	return clip8(l), clip8(int32((sum - int64(l)) >> 32))
}

// clip8 takes the whole part of a fixed-point sum, cut to a byte.
func clip8(sum int32) byte {
	v := sum >> precisionBits
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}

// pairRows puts the bytes of two rows side by side into the lanes of words.
func pairRows(words []int64, row, next []byte) {
	row, next = row[:len(words)], next[:len(words)]
	for i := range words {
		words[i] = int64(row[i]) | int64(next[i])<<32
	}
}

// The row filters write len(w.windows) pixels of two rows at once from their paired bytes, of which the first belongs
// to column origin. They differ in the bytes of a pixel only.

func filterRows1(out, next []byte, words []int64, w *weights, origin int) {
	for i, win := range w.windows {
		px := words[win.start-origin:]
		k := w.fixed[win.at : win.at+win.count]
		px = px[:len(k)]
		sum := int64(lanesHalf)
		for j, v := range k {
			sum += px[j] * v
		}
		out[i], next[i] = splitLanes(sum)
	}
}

func filterRows2(out, next []byte, words []int64, w *weights, origin int) {
	for i, win := range w.windows {
		px := words[2*(win.start-origin):]
		a, b := int64(lanesHalf), int64(lanesHalf)
		for j, v := range w.fixed[win.at : win.at+win.count] {
			p := (*[2]int64)(px[2*j:])
			a += p[0] * v
			b += p[1] * v
		}
		o, n := (*[2]byte)(out[2*i:]), (*[2]byte)(next[2*i:])
		o[0], n[0] = splitLanes(a)
		o[1], n[1] = splitLanes(b)
	}
}

func filterRows3(out, next []byte, words []int64, w *weights, origin int) {
	for i, win := range w.windows {
		px := words[3*(win.start-origin):]
		k := w.fixed[win.at : win.at+win.count]
		a, b, c := int64(lanesHalf), int64(lanesHalf), int64(lanesHalf)
		j := 0
		for ; j+2 <= len(k); j += 2 {
			p := (*[6]int64)(px[3*j:])
			u, v := k[j], k[j+1]
			a += p[0]*u + p[3]*v
			b += p[1]*u + p[4]*v
			c += p[2]*u + p[5]*v
		}
		if j < len(k) {
			p, v := (*[3]int64)(px[3*j:]), k[j]
			a += p[0] * v
			b += p[1] * v
			c += p[2] * v
		}
		o, n := (*[3]byte)(out[3*i:]), (*[3]byte)(next[3*i:])
		o[0], n[0] = splitLanes(a)
		o[1], n[1] = splitLanes(b)
		o[2], n[2] = splitLanes(c)
	}
}

func filterRows4(out, next []byte, words []int64, w *weights, origin int) {
	for i, win := range w.windows {
		px := words[4*(win.start-origin):]
		a, b, c, d := int64(lanesHalf), int64(lanesHalf), int64(lanesHalf), int64(lanesHalf)
		for j, v := range w.fixed[win.at : win.at+win.count] {
			p := (*[4]int64)(px[4*j:])
			a += p[0] * v
			b += p[1] * v
			c += p[2] * v
			d += p[3] * v
		}
		o, n := (*[4]byte)(out[4*i:]), (*[4]byte)(next[4*i:])
		o[0], n[0] = splitLanes(a)
		o[1], n[1] = splitLanes(b)
		o[2], n[2] = splitLanes(c)
		o[3], n[3] = splitLanes(d)
	}
}

// everyFourth keeps bytes 0 and 4 of a word, in its two lanes.
const everyFourth = 0x000000ff000000ff

// filterColumns writes one row from len(k) rows that lie stride bytes apart, the first at src[0]. Pixels do not matter
// here, only bytes of a column belong together: eight columns at a time are read as one word and spread over four.
func filterColumns(out, src []byte, stride int, k []int64) {
	x := 0
	for ; x+8 <= len(out); x += 8 {
		a, b, c, d := int64(lanesHalf), int64(lanesHalf), int64(lanesHalf), int64(lanesHalf)
		at := x
		for _, v := range k {
			px := binary.LittleEndian.Uint64(src[at:])
			a += int64(px&everyFourth) * v
			b += int64(px>>8&everyFourth) * v
			c += int64(px>>16&everyFourth) * v
			d += int64(px>>24&everyFourth) * v
			at += stride
		}
		o := (*[8]byte)(out[x:])
		o[0], o[4] = splitLanes(a)
		o[1], o[5] = splitLanes(b)
		o[2], o[6] = splitLanes(c)
		o[3], o[7] = splitLanes(d)
	}
	for ; x < len(out); x++ {
		sum := int64(half)
		for j, v := range k {
			sum += int64(src[x+j*stride]) * v
		}
		out[x] = clip8(int32(sum))
	}
}
