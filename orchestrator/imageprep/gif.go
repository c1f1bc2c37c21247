package imageprep

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"io"
)

func isGIF(file []byte) bool {
	return bytes.HasPrefix(file, []byte("GIF87a")) || bytes.HasPrefix(file, []byte("GIF89a"))
}

// gifFrame is the first frame of a GIF, which is all that is read of one, as Pillow reads it.
type gifFrame struct {
	width, height int    // of the screen, widened where the frame reaches beyond it
	x, y, w, h    int    // of the frame on it
	palette       []byte // R, G, B ...; nil where the indices are the grey values themselves
	background    byte   // what the frame does not cover: the transparent index, or else 0
	interlaced    bool
	literal       int    // bits of an uncompressed index
	data          []byte // from the first block of compressed indices on
}

// readGIF reads the header.
func readGIF(file []byte) (header, error) {
	frame, err := firstFrame(file)
	mode := modePalette
	if frame.palette == nil {
		mode = modeGray
	}
	return header{width: frame.width, height: frame.height, mode: mode}, err
}

// firstFrame goes through the blocks up to the first frame.
func firstFrame(file []byte) (gifFrame, error) {
	var f gifFrame
	const screen = 13
	if len(file) < screen {
		return f, endsEarly("GIF")
	}
	f.width, f.height = int(binary.LittleEndian.Uint16(file[6:])), int(binary.LittleEndian.Uint16(file[8:]))
	rest := file[screen:]
	global, rest, err := gifPalette(file[10], rest)
	if err != nil {
		return f, err
	}
	for {
		if len(rest) == 0 {
			return f, endsEarly("GIF")
		}
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case '!':
			if rest, err = f.extension(rest); err != nil {
				return f, err
			}
		case ',':
			return f, f.descriptor(rest, global)
		case ';':
			return f, damaged("GIF", "it has no picture")
		default: // Pillow passes over what stands between blocks
		}
	}
}

// gifPalette reads a palette where flags say that one follows. It is nil, and needs none, where each index is its grey.
func gifPalette(flags byte, rest []byte) (palette, behind []byte, err error) {
	if flags&0x80 == 0 {
		return nil, rest, nil
	}
	n := 3 << (flags&7 + 1)
	if len(rest) < n {
		return nil, nil, endsEarly("GIF")
	}
	palette = rest[:n]
	for i, v := range palette {
		if v != byte(i/3) {
			return palette, rest[n:], nil
		}
	}
	return nil, rest[n:], nil
}

// extension passes over an extension, and keeps what the one before a frame says of its transparent index.
func (f *gifFrame) extension(rest []byte) ([]byte, error) {
	const graphicControl = 0xf9
	if len(rest) == 0 {
		return nil, endsEarly("GIF")
	}
	label, rest := rest[0], rest[1:]
	for first := true; ; first = false {
		block, behind, err := gifBlock(rest)
		if err != nil || len(block) == 0 {
			return behind, err
		}
		if rest = behind; label == graphicControl && first && len(block) >= 4 {
			f.background = 0
			if block[0]&1 != 0 {
				f.background = block[3]
			}
		}
	}
}

// gifBlock reads one block of up to 255 bytes; an empty one ends a list of them.
func gifBlock(rest []byte) (block, behind []byte, err error) {
	if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
		return nil, nil, endsEarly("GIF")
	}
	n := 1 + int(rest[0])
	return rest[1:n], rest[n:], nil
}

// descriptor reads what stands before a frame's pixels.
func (f *gifFrame) descriptor(rest, global []byte) error {
	if len(rest) < 9 {
		return endsEarly("GIF")
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint16(rest[i:])) }
	f.x, f.y, f.w, f.h = at(0), at(2), at(4), at(6)
	f.width, f.height = max(f.width, f.x+f.w), max(f.height, f.y+f.h)
	flags := rest[8]
	f.interlaced = flags&0x40 != 0
	own, rest, err := gifPalette(flags, rest[9:])
	if err != nil {
		return err
	}
	if f.palette = global; flags&0x80 != 0 {
		f.palette = own
	}
	if len(rest) == 0 {
		return endsEarly("GIF")
	}
	f.literal, f.data = int(rest[0]), rest[1:]
	if f.literal < 2 || f.literal > 8 { // one bit is written as two
		return damaged("GIF", "its pixels have a code size that no GIF has")
	}
	if f.width == 0 || f.height == 0 || f.w == 0 || f.h == 0 {
		return damaged("GIF", "it has no pixels")
	}
	return nil
}

// decodeGIF fills the picture with the first frame.
func decodeGIF(p *Picture, _ int) error {
	f, err := firstFrame(p.file)
	if err != nil {
		return err
	}
	for i := range p.palette { // Pillow's palettes begin as greys
		p.palette[i] = [4]byte{byte(i), byte(i), byte(i), 255}
		if 3*i+3 <= len(f.palette) {
			copy(p.palette[i][:], f.palette[3*i:3*i+3])
		}
	}
	if f.w < f.width || f.h < f.height {
		for i := range p.pixels.pix {
			p.pixels.pix[i] = f.background
		}
	}
	indices := lzw.NewReader(&gifBlocks{rest: f.data}, lzw.LSB, f.literal)
	defer func() { _ = indices.Close() }() // it holds memory only
	for _, pass := range f.passes() {
		for y := pass.first; y < f.h; y += pass.step {
			row := p.pixels.row(f.y + y)[f.x : f.x+f.w]
			if _, err := io.ReadFull(indices, row); err != nil {
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					return endsEarly("GIF")
				}
				return damaged("GIF", "its pixels cannot be decompressed").Because(err)
			}
		}
	}
	return nil
}

// pass is the rows that stand together in a file.
type pass struct{ first, step int }

func (f gifFrame) passes() []pass {
	if f.interlaced {
		return []pass{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	return []pass{{0, 1}}
}

// gifBlocks reads the content of a list of blocks.
type gifBlocks struct{ block, rest []byte }

// ReadByte gives the next byte; lzw reads by it.
func (b *gifBlocks) ReadByte() (byte, error) {
	if len(b.block) == 0 {
		var err error
		if b.block, b.rest, err = gifBlock(b.rest); err != nil || len(b.block) == 0 {
			b.rest = nil
			return 0, io.EOF
		}
	}
	c := b.block[0]
	b.block = b.block[1:]
	return c, nil
}

// Read gives the next bytes.
func (b *gifBlocks) Read(to []byte) (int, error) {
	for i := range to {
		c, err := b.ReadByte()
		if err != nil {
			return i, err
		}
		to[i] = c
	}
	return len(to), nil
}
