package imageprep

import (
	"compress/zlib"
	"errors"
	"io"
)

// pngReader unpacks rows of pixels. Its memory is kept from picture to picture.
type pngReader struct {
	inflater io.ReadCloser
	lines    []byte // two rows as the file stores them, each behind its filter byte
}

var errFilter = errors.New("unknown row filter")

func (r *pngReader) open(source io.Reader) error {
	if r.inflater == nil {
		inflater, err := zlib.NewReader(source)
		r.inflater = inflater
		return err
	}
	return r.inflater.(zlib.Resetter).Reset(source, nil)
}

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
	pixels := make([]byte, p.width*out.n)
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
	if _, err := io.ReadFull(r.inflater, line); err != nil {
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
		for i := range cur {
			cur[i] += up[i]
		}
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

// undoPaeth adds to each byte whichever of its neighbours left, above and above left is nearest to left + above - above left.
func undoPaeth(cur, up []byte, step int) {
	for i := range min(step, len(cur)) {
		cur[i] += up[i]
	}
	for s := range step {
		if s >= len(cur) {
			return
		}
		left, corner := int(cur[s]), int(up[s])
		for i := s + step; i < len(cur) && i < len(up); i += step {
			above := int(up[i])
			toLeft, toAbove := above-corner, left-corner
			toCorner := toLeft + toAbove
			toLeft, toAbove, toCorner = abs(toLeft), abs(toAbove), abs(toCorner)
			nearest := corner
			if toAbove <= toCorner {
				nearest = above
			}
			if toLeft <= toAbove && toLeft <= toCorner {
				nearest = left
			}
			left = (int(cur[i]) + nearest) & 0xff
			cur[i] = byte(left)
			corner = above
		}
	}
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
