package imageprep

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"clipseek/orchestrator/fault"
)

// isBMP looks for a header of a known version too: many a text begins with these two letters.
func isBMP(file []byte) bool {
	return bytes.HasPrefix(file, []byte("BM")) && len(file) >= bmpFileHeader+4 &&
		slices.Contains([]uint32{12, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(file[bmpFileHeader:]))
}

const bmpFileHeader = 14

// bmpImage is what the headers of a BMP say.
type bmpImage struct {
	width, height int
	topDown       bool
	mode          mode
	bits          int       // of a pixel
	offsets       [4]int    // of red, green, blue and alpha in a pixel of 3 or 4 bytes
	green         int       // bits of green in a pixel of 2 bytes
	palette       [][3]byte // R, G, B
	rows          []byte    // the pixels, each row filled up to a multiple of four bytes
	stride        int
}

// readBMP reads the headers.
func readBMP(file []byte) (header, error) {
	b, err := parseBMP(file)
	return header{width: b.width, height: b.height, mode: b.mode}, err
}

// The layouts of pixels, by red, green, blue and alpha mask, that Pillow reads too.
var bmpMasks = map[[4]uint32][4]int{
	{0xff0000, 0xff00, 0xff, 0}:          {2, 1, 0, -1},
	{0xff000000, 0xff0000, 0xff00, 0}:    {3, 2, 1, -1},
	{0xff000000, 0xff0000, 0xff00, 0xff}: {3, 2, 1, 0},
	{0xff, 0xff00, 0xff0000, 0xff000000}: {0, 1, 2, 3},
	{0xff0000, 0xff00, 0xff, 0xff000000}: {2, 1, 0, 3},
	{0xff000000, 0xff00, 0xff, 0xff0000}: {3, 1, 0, 2},
	{0, 0, 0, 0}:                         {2, 1, 0, 3},
}

// parseBMP reads the headers and the palette.
func parseBMP(file []byte) (bmpImage, error) {
	var b bmpImage
	u32 := func(i int) int64 { return int64(binary.LittleEndian.Uint32(file[i:])) }
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(file[i:])) }
	at, size := u32(10), u32(bmpFileHeader)
	end := bmpFileHeader + size
	if end > int64(len(file)) {
		return b, endsEarly("BMP")
	}
	entry, colors, compression := 4, 0, int64(0)
	if size == 12 {
		b.width, b.height, b.bits, entry = u16(18), u16(20), u16(24), 3
	} else {
		b.width, b.bits, compression, colors = int(u32(18)), u16(28), u32(30), int(min(u32(46), 1<<16+1))
		height := u32(22)
		if b.topDown = file[25] == 0xff; b.topDown { // as Pillow tells a negative height
			height = 1<<32 - height
		}
		b.height = int(height)
	}
	if b.width == 0 || b.height == 0 {
		return b, damaged("BMP", fmt.Sprintf("its size is %d x %d pixels", b.width, b.height))
	}
	if colors == 0 && b.bits <= 8 {
		colors = 1 << b.bits
	}
	if err := b.layOut(file, compression, int(size)); err != nil {
		return b, err
	}
	if b.bits <= 8 {
		if at == end {
			at += int64(4 * colors)
		}
		if err := b.colors(file[end:], entry, colors); err != nil {
			return b, err
		}
	}
	b.stride = (b.width*b.bits + 31) / 32 * 4
	if at > int64(len(file)) {
		return b, endsEarly("BMP")
	}
	b.rows = file[at:]
	return b, nil
}

// The kinds of compression; the others pack JPEG or PNG files or runs of equal pixels.
const (
	bmpRaw    = 0
	bmpFields = 3
)

// layOut finds how a pixel is stored.
func (b *bmpImage) layOut(file []byte, compression int64, size int) error {
	if compression != bmpRaw && compression != bmpFields {
		return fault.Invalid("the BMP file is compressed (kind %d), which cannot be read; convert it first", compression)
	}
	b.mode, b.offsets, b.green = modeRGB, [4]int{2, 1, 0, -1}, 5
	if b.bits <= 8 {
		b.mode = modePalette
	}
	switch b.bits {
	case 1, 4, 8, 16, 24, 32:
	default:
		return fault.Invalid("the BMP file has %d bits a pixel, which cannot be read; convert it first", b.bits)
	}
	if compression == bmpRaw {
		return nil
	}
	masks, err := bmpMasksOf(file, size)
	if err != nil {
		return err
	}
	offsets, known := bmpMasks[masks]
	rgb := [3]uint32(masks[:3])
	switch {
	case b.bits == 32 && known:
		if b.offsets = offsets; offsets[3] >= 0 {
			b.mode = modeRGBA
		}
	case b.bits == 24 && rgb == [3]uint32{0xff0000, 0xff00, 0xff}:
	case b.bits == 16 && rgb == [3]uint32{0xf800, 0x7e0, 0x1f}:
		b.green = 6
	case b.bits == 16 && rgb == [3]uint32{0x7c00, 0x3e0, 0x1f}:
	default:
		return fault.Invalid("the BMP file keeps its colours in an uncommon order (masks %x), which cannot be read; convert it first", masks)
	}
	return nil
}

// bmpMasksOf reads the masks of red, green, blue and alpha, in the header or behind it.
func bmpMasksOf(file []byte, size int) (masks [4]uint32, err error) {
	const behindOld = bmpFileHeader + 40 // where the masks are in every version
	n := 3
	if size >= 56 {
		n = 4
	}
	if len(file) < behindOld+4*n {
		return masks, endsEarly("BMP")
	}
	for i := range n {
		masks[i] = binary.LittleEndian.Uint32(file[behindOld+4*i:])
	}
	return masks, nil
}

// colors reads the palette of so many entries. One that is all greys in order is none.
func (b *bmpImage) colors(rest []byte, entry, n int) error {
	if n > 1<<16 {
		return damaged("BMP", "its palette has more than 65536 colours")
	}
	if len(rest) < entry*n {
		return endsEarly("BMP")
	}
	grey := true
	for i := range n {
		c := rest[entry*i : entry*i+3]
		want := i
		if n == 2 {
			want = 255 * i
		}
		grey = grey && int(c[0]) == want && int(c[1]) == want && int(c[2]) == want
		b.palette = append(b.palette, [3]byte{c[2], c[1], c[0]})
	}
	switch {
	case grey && n == 2 && b.bits == 1:
		b.mode = modeBilevel
	case grey && n <= 256 && b.bits == 8:
		b.mode = modeGray
	}
	return nil
}

// decodeBMP fills the picture.
func decodeBMP(p *Picture, _ int) error {
	b, err := parseBMP(p.file)
	if err != nil {
		return err
	}
	if len(b.rows) < (b.height-1)*b.stride+(b.width*b.bits+7)/8 {
		return endsEarly("BMP")
	}
	for i := range p.palette { // Pillow's palettes begin as greys
		p.palette[i] = [4]byte{byte(i), byte(i), byte(i), 255}
		if i < len(b.palette) {
			copy(p.palette[i][:], b.palette[i][:])
		}
	}
	for y := range b.height {
		from := b.height - 1 - y
		if b.topDown {
			from = y
		}
		b.unpack(p.pixels.row(y), b.rows[from*b.stride:])
	}
	return nil
}

// unpack brings a row of the file to the picture's mode.
func (b *bmpImage) unpack(row, src []byte) {
	switch {
	case b.bits < 8:
		perByte := 8 / b.bits
		for x := range row {
			v := src[x/perByte] >> (8 - b.bits*(x%perByte+1)) & (1<<b.bits - 1)
			if b.mode == modeBilevel {
				v *= 255
			}
			row[x] = v
		}
	case b.bits == 8:
		copy(row, src)
	case b.bits == 16:
		for x := range b.width {
			v := int(binary.LittleEndian.Uint16(src[2*x:]))
			most := 1<<b.green - 1
			row[3*x] = byte(v >> (5 + b.green) & 31 * 255 / 31)
			row[3*x+1] = byte(v >> 5 & most * 255 / most)
			row[3*x+2] = byte(v & 31 * 255 / 31)
		}
	default:
		to, size := b.mode.bytesPerPixel(), b.bits/8
		for x := range b.width {
			for c := range to {
				row[to*x+c] = src[size*x+b.offsets[c]]
			}
		}
	}
}
