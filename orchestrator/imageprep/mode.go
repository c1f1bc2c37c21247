package imageprep

// mode is how a decoded picture stores its pixels. The modes are Pillow's, because the reference resizes a picture in
// its own mode and converts it to RGB afterwards, and each mode is resized by its own rule.
type mode uint8

const (
	modeBilevel   mode = iota // "1": one byte, 0 or 255; nearest neighbour
	modePalette               // "P": one byte, an index; nearest neighbour
	modeGray                  // "L": one byte; bicubic
	modeGray16                // "I;16": two bytes, little endian; bicubic in floating point
	modeGrayAlpha             // "LA": grey, alpha; bicubic with grey premultiplied by alpha
	modeRGB                   // "RGB": bicubic
	modeRGBA                  // "RGBA": bicubic with colours premultiplied by alpha
	modeCMYK                  // "CMYK": bicubic; 255 is full ink
	modeInt32                 // "I": four bytes, little endian, signed; bicubic in floating point
	modeFloat32               // "F": four bytes, little endian; bicubic in floating point
)

// bytesPerPixel is the size of one stored pixel.
func (m mode) bytesPerPixel() int {
	switch m {
	case modeGray16, modeGrayAlpha:
		return 2
	case modeRGB:
		return 3
	case modeRGBA, modeCMYK, modeInt32, modeFloat32:
		return 4
	default:
		return 1
	}
}

// channels is how many samples a pixel has.
func (m mode) channels() int {
	switch m {
	case modeGray16, modeInt32, modeFloat32:
		return 1
	}
	return m.bytesPerPixel()
}

// isWide tells whether a pixel is one number of more than 8 bits.
func (m mode) isWide() bool { return m == modeGray16 || m == modeInt32 || m == modeFloat32 }

// plane is a rectangle of packed 8-bit pixels: row y begins at pix[y*w*n], n bytes a pixel.
type plane struct {
	pix  []byte
	w, h int
	n    int
}

func (p plane) row(y int) []byte {
	stride := p.w * p.n
	return p.pix[y*stride : (y+1)*stride : (y+1)*stride]
}
