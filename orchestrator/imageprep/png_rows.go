package imageprep

import (
	"encoding/binary"
	"errors"
)

// pngReader unpacks rows of pixels. Its memory is kept from picture to picture.
type pngReader struct {
	source  pngPixels
	inflate inflater
	lines   []byte // two rows as the file stores them, each behind its filter byte
	pixels  []byte // a row of an interlaced picture's pass
}

var errFilter = errors.New("unknown row filter")

// rowBytes is the size of a stored row of width pixels, without its filter byte.
func (p *pngImage) rowBytes(width int) int { return (width*p.samples*int(p.depth) + 7) / 8 }

// step is how far back a filter looks: the bytes of a whole pixel, at least one.
func (p *pngImage) step() int { return max(1, p.samples*int(p.depth)/8) }

// readRows reads a picture stored row by row.
func (r *pngReader) readRows(p pngImage, out plane) error {
	current, previous := r.twoLines(p.rowBytes(p.width))
	for y := range p.height {
		if err := r.readLine(p, current, previous); err != nil {
			return err
		}
		p.unpack(out.row(y), current[1:])
		current, previous = previous, current
	}
	return nil
}

// adam7 is the order of an interlaced picture: seven passes, each over every dx-th pixel of every dy-th row.
var adam7 = [...]struct{ x, y, dx, dy int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

func (r *pngReader) readInterlaced(p pngImage, out plane) error {
	r.pixels = grow(r.pixels, p.width*out.n)
	pixels := r.pixels
	for _, pass := range adam7 {
		width := (p.width - pass.x + pass.dx - 1) / pass.dx
		if p.width <= pass.x || p.height <= pass.y {
			continue
		}
		current, previous := r.twoLines(p.rowBytes(width))
		for y := pass.y; y < p.height; y += pass.dy {
			if err := r.readLine(p, current, previous); err != nil {
				return err
			}
			p.unpack(pixels[:width*out.n], current[1:])
			row := out.row(y)
			for i := range width {
				x := pass.x + i*pass.dx
				copy(row[x*out.n:(x+1)*out.n], pixels[i*out.n:(i+1)*out.n])
			}
			current, previous = previous, current
		}
	}
	return nil
}

// twoLines gives room for a row and the one above it, which is zero above the first.
func (r *pngReader) twoLines(rowBytes int) (current, previous []byte) {
	n := 1 + rowBytes
	r.lines = grow(r.lines, 2*n)
	clear(r.lines)
	return r.lines[:n:n], r.lines[n:]
}

// readLine reads one row and undoes its filter (PNG specification, section 9).
func (r *pngReader) readLine(p pngImage, line, above []byte) error {
	if err := r.inflate.fill(line); err != nil {
		return err
	}
	cur, up, step := line[1:], above[1:], p.step()
	up = up[:len(cur)]
	switch line[0] {
	case 0:
	case 1:
		for i := step; i < len(cur); i++ {
			cur[i] += cur[i-step]
		}
	case 2:
		addBytes(cur, up)
	case 3:
		for i := range min(step, len(cur)) {
			cur[i] += up[i] / 2
		}
		for i := step; i < len(cur); i++ {
			cur[i] += byte((int(cur[i-step]) + int(up[i])) / 2)
		}
	case 4:
		undoPaeth(cur, up, step)
	default:
		return errFilter
	}
	return nil
}

// addBytes adds to each byte of cur that of up, eight at a time: their upper bits apart, so that nothing carries over.
func addBytes(cur, up []byte) {
	const upper = 0x8080808080808080
	for len(cur) >= 8 && len(up) >= 8 {
		a, b := binary.LittleEndian.Uint64(cur), binary.LittleEndian.Uint64(up)
		binary.LittleEndian.PutUint64(cur, (a&^upper+b&^upper)^(a^b)&upper)
		cur, up = cur[8:], up[8:]
	}
	for i := range cur {
		cur[i] += up[i]
	}
}

// undoPaeth adds to each byte whichever of its neighbours left, above and above left is nearest to left + above - above
// left; those of the first pixel's left are zero. The channels do not depend on each other, so the usual three and four
// go side by side.
func undoPaeth(cur, up []byte, step int) {
	switch step {
	case 3:
		var l0, l1, l2, c0, c1, c2 int // left, and above left
		for len(cur) >= 3 && len(up) >= 3 {
			u0, u1, u2 := int(up[0]), int(up[1]), int(up[2])
			l0 = (int(cur[0]) + paeth(l0, u0, c0)) & 0xff
			l1 = (int(cur[1]) + paeth(l1, u1, c1)) & 0xff
			l2 = (int(cur[2]) + paeth(l2, u2, c2)) & 0xff
			cur[0], cur[1], cur[2] = byte(l0), byte(l1), byte(l2)
			c0, c1, c2 = u0, u1, u2
			cur, up = cur[3:], up[3:]
		}
	case 4:
		var l0, l1, l2, l3, c0, c1, c2, c3 int // left, and above left
		for len(cur) >= 4 && len(up) >= 4 {
			u0, u1, u2, u3 := int(up[0]), int(up[1]), int(up[2]), int(up[3])
			l0 = (int(cur[0]) + paeth(l0, u0, c0)) & 0xff
			l1 = (int(cur[1]) + paeth(l1, u1, c1)) & 0xff
			l2 = (int(cur[2]) + paeth(l2, u2, c2)) & 0xff
			l3 = (int(cur[3]) + paeth(l3, u3, c3)) & 0xff
			cur[0], cur[1], cur[2], cur[3] = byte(l0), byte(l1), byte(l2), byte(l3)
			c0, c1, c2, c3 = u0, u1, u2, u3
			cur, up = cur[4:], up[4:]
		}
	default:
		for s := range min(step, len(cur)) {
			left, corner := 0, 0
			for i := s; i < len(cur) && i < len(up); i += step {
				above := int(up[i])
				left = (int(cur[i]) + paeth(left, above, corner)) & 0xff
				cur[i] = byte(left)
				corner = above
			}
		}
	}
}

// paeth is the nearest neighbour, the earlier of two as near. It is written so that the compiler puts it in place.
func paeth(left, above, corner int) int {
	x, y := above-corner, left-corner
	z := x + y
	x, y, z = max(x, -x), max(y, -y), max(z, -z)
	if x <= y && x <= z {
		return left
	}
	if y <= z {
		return above
	}
	return corner
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

// unpack turns a stored row into pixels of the mode.
func (p *pngImage) unpack(out, line []byte) {
	switch {
	case p.mode == modeGray16:
		for i := 0; i+1 < len(out) && i+1 < len(line); i += 2 {
			out[i], out[i+1] = line[i+1], line[i]
		}
	case p.depth == 16:
		for i := range out {
			out[i] = line[2*i]
		}
	case p.depth == 8:
		copy(out, line)
	default:
		scale := byte(1) // an index stays what it is, grey spreads over 0 to 255
		if p.mode != modePalette {
			scale = 255 / (1<<p.depth - 1)
		}
		perByte, mask := 8/int(p.depth), byte(1)<<p.depth-1
		for i := range out {
			shift := 8 - int(p.depth)*(i%perByte+1)
			out[i] = line[i/perByte] >> shift & mask * scale
		}
	}
}
