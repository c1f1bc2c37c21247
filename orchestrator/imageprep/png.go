package imageprep

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

func isPNG(file []byte) bool { return bytes.HasPrefix(file, []byte(pngMagic)) }

// pngChunk is one chunk: its four letters and its content.
type pngChunk struct {
	id   []byte
	data []byte
}

// intact verifies the checksum of letters and content, which stands behind them and ends at file[end].
func (c pngChunk) intact(file []byte, end int) bool {
	begin := end - 4 - len(c.data) - 4
	return crc32.ChecksumIEEE(file[begin:end-4]) == binary.BigEndian.Uint32(file[end-4:])
}

// pngChunkAt reads the chunk that begins at file[at] and returns where the next begins. It fails where the file ends
// inside the chunk.
func pngChunkAt(file []byte, at int) (c pngChunk, next int, ok bool) {
	if len(file)-at < 12 {
		return pngChunk{}, 0, false
	}
	n := int64(binary.BigEndian.Uint32(file[at:]))
	if n > int64(len(file)-at-12) {
		return pngChunk{}, 0, false
	}
	end := at + 8 + int(n)
	return pngChunk{file[at+4 : at+8], file[at+8 : end]}, end + 4, true
}

// pngImage is what the chunks before the pixels say.
type pngImage struct {
	width, height int
	depth, color  byte
	interlaced    bool
	mode          mode
	samples       int    // per pixel in the file
	palette       []byte // R, G, B ...
	alpha         []byte // per palette entry; may be shorter
	pixels        int    // offset of the first IDAT chunk
}

// readPNG reads the header, and the metadata wherever they are in the file.
func readPNG(file []byte) (header, error) {
	image, meta, err := walkPNG(file)
	return header{width: image.width, height: image.height, mode: image.mode, meta: meta.read()}, err
}

// walkPNG goes through the chunks once. Up to the pixels every chunk must be right; behind them, where only metadata
// can be, the first wrong one ends the walk.
func walkPNG(file []byte) (pngImage, metadataSource, error) {
	var (
		image pngImage
		meta  metadataSource
	)
	for at := len(pngMagic); ; {
		c, next, ok := pngChunkAt(file, at)
		if !ok && image.pixels == 0 {
			return image, meta, endsEarly("PNG")
		}
		if !ok || string(c.id) == "IEND" {
			break
		}
		if string(c.id) == "IDAT" {
			if image.pixels == 0 {
				image.pixels = at
			}
			at = next
			continue
		}
		if !c.intact(file, next) {
			if image.pixels != 0 {
				break
			}
			return image, meta, damaged("PNG", fmt.Sprintf("the checksum of its %q chunk is wrong", c.id))
		}
		if err := image.add(c, at == len(pngMagic)); err != nil {
			return image, meta, err
		}
		meta.addPNG(c)
		at = next
	}
	if image.pixels == 0 {
		return image, meta, damaged("PNG", "it holds no pixels")
	}
	return image, meta, nil
}

func (p *pngImage) add(c pngChunk, first bool) error {
	if first != (string(c.id) == "IHDR") {
		return damaged("PNG", "its header is not where it must be")
	}
	switch string(c.id) {
	case "IHDR":
		return p.readHeader(c.data)
	case "PLTE":
		if len(c.data) > 3*256 {
			return damaged("PNG", "its palette has more than 256 colours")
		}
		p.palette = c.data
	case "tRNS":
		p.alpha = c.data
	}
	return nil
}

func (p *pngImage) readHeader(data []byte) error {
	if len(data) < 13 {
		return damaged("PNG", "its header is too short")
	}
	width, height := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if width == 0 || height == 0 || width > math.MaxInt32 || height > math.MaxInt32 {
		return damaged("PNG", fmt.Sprintf("its size is %d x %d pixels", width, height))
	}
	p.width, p.height = int(width), int(height)
	p.depth, p.color = data[8], data[9]
	if data[10] != 0 || data[11] != 0 || data[12] > 1 {
		return damaged("PNG", "it uses methods that the format does not have")
	}
	p.interlaced = data[12] == 1
	// Pillow's modes: 16-bit colour and alpha keep their upper byte, 16-bit grey stays.
	switch [2]byte{p.color, p.depth} {
	case [2]byte{0, 1}:
		p.mode, p.samples = modeBilevel, 1
	case [2]byte{0, 2}, [2]byte{0, 4}, [2]byte{0, 8}:
		p.mode, p.samples = modeGray, 1
	case [2]byte{0, 16}:
		p.mode, p.samples = modeGray16, 1
	case [2]byte{2, 8}, [2]byte{2, 16}:
		p.mode, p.samples = modeRGB, 3
	case [2]byte{3, 1}, [2]byte{3, 2}, [2]byte{3, 4}, [2]byte{3, 8}:
		p.mode, p.samples = modePalette, 1
	case [2]byte{4, 8}, [2]byte{4, 16}:
		p.mode, p.samples = modeGrayAlpha, 2
	case [2]byte{6, 8}, [2]byte{6, 16}:
		p.mode, p.samples = modeRGBA, 4
	default:
		return damaged("PNG", fmt.Sprintf("it combines colour type %d with %d bits", p.color, p.depth))
	}
	return nil
}

// colors lays out the palette, opaque where the file gives no alpha and black where it gives no colour.
func (p *pngImage) colors() (palette [256][4]byte, err error) {
	if len(p.palette) < 3 {
		return palette, damaged("PNG", "its palette is missing")
	}
	for i := range palette {
		palette[i][3] = 255
		if 3*i+3 <= len(p.palette) {
			copy(palette[i][:], p.palette[3*i:3*i+3])
		}
		if i < len(p.alpha) {
			palette[i][3] = p.alpha[i]
		}
	}
	return palette, nil
}

// addPNG takes a PNG chunk. The last EXIF counts, and EXIF of its own chunk before EXIF that ImageMagick wrote as text.
func (s *metadataSource) addPNG(c pngChunk) {
	switch string(c.id) {
	case "iCCP":
		s.icc.addPNG(c.data)
	case "eXIf":
		s.exif, s.exifIsText = c.data, false
	case "tEXt", "zTXt", "iTXt":
		key, text := pngText(c)
		switch key {
		case "XML:com.adobe.xmp":
			s.xmp = text
		case "Raw profile type exif":
			if s.exif == nil || s.exifIsText {
				s.exif, s.exifIsText = rawProfile(text), true
			}
		}
	}
}

// maxText bounds an unpacked text, as Pillow does.
const maxText = 1 << 20

// pngText returns the key and the text of a text chunk, unpacked; both are empty where it is malformed.
func pngText(c pngChunk) (key string, text []byte) {
	k, rest, ok := bytes.Cut(c.data, []byte{0})
	if !ok {
		return "", nil
	}
	packed := false
	switch {
	case string(c.id) == "zTXt" && len(rest) > 0 && rest[0] == 0:
		rest, packed = rest[1:], true
	case string(c.id) == "iTXt" && len(rest) >= 2:
		packed = rest[0] != 0
		parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, translated key, text
		if len(parts) < 3 || packed && rest[1] != 0 {
			return "", nil
		}
		rest = parts[2]
	case string(c.id) != "tEXt":
		return "", nil
	}
	if !packed {
		return string(k), rest
	}
	if text, ok = unpacked(rest, maxText); !ok {
		return "", nil
	}
	return string(k), text
}

// unpacked is what zlib packed, cut off at limit bytes; it is not ok where that is damaged before.
func unpacked(packed []byte, limit int64) (content []byte, ok bool) {
	unpacker, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	content, err = io.ReadAll(io.LimitReader(unpacker, limit))
	return content, err == nil
}

// rawProfile decodes ImageMagick's form of a profile: three lines of heading, then hexadecimal digits.
func rawProfile(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return nil
	}
	profile, err := hex.DecodeString(strings.Join(strings.Fields(strings.Join(lines[3:], "")), ""))
	if err != nil {
		return nil
	}
	return profile
}

// decodePNG decodes into p.pixels.
func decodePNG(p *Picture, _ int) error {
	image, _, err := walkPNG(p.file)
	if err != nil {
		return err
	}
	if image.mode == modePalette {
		if p.palette, err = image.colors(); err != nil {
			return err
		}
	}
	source := &p.png.source
	*source = pngPixels{file: p.file, at: image.pixels}
	defer func() { *source = pngPixels{} }() // the file is the caller's
	if err := p.png.inflate.reset(source); err != nil {
		return source.explain(err)
	}
	if image.interlaced {
		err = p.png.readInterlaced(image, p.pixels)
	} else {
		err = p.png.readRows(image, p.pixels)
	}
	return source.explain(err)
}

// pngPixels gives the content of consecutive IDAT chunks, each checked before it is used.
type pngPixels struct {
	file  []byte
	at    int  // offset of the next chunk
	wrong bool // the stream ended at a chunk whose checksum is wrong
}

func (s *pngPixels) next() []byte {
	for {
		c, next, ok := pngChunkAt(s.file, s.at)
		if !ok || string(c.id) != "IDAT" {
			return nil
		}
		if !c.intact(s.file, next) {
			s.wrong = true
			return nil
		}
		if s.at = next; len(c.data) > 0 {
			return c.data
		}
	}
}

// explain says what is wrong with the file where reading its pixels gave err.
func (s *pngPixels) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case s.wrong:
		return damaged("PNG", "the checksum of its pixels is wrong")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return endsEarly("PNG")
	default:
		return damaged("PNG", "its pixels cannot be unpacked").Because(err)
	}
}
