package imageprep

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"

	"clipseek/orchestrator/fault"
)

// Compressions that can be read.
const (
	compressionNone       = 1
	compressionRLE        = 2
	compressionGroup3     = 3
	compressionGroup4     = 4
	compressionLZW        = 5
	compressionJPEG       = 7
	compressionDeflate    = 8
	compressionPackBits   = 32773
	compressionOldDeflate = 32946
	compressionZSTD       = 50000
)

// compressionNames are those that cannot be read.
var compressionNames = map[int]string{6: "JPEG of the withdrawn kind", 9: "JBIG", 10: "JBIG", 32766: "NeXT", 32771: "CCITT of whole words",
	32809: "ThunderScan", 32895: "IT8", 34676: "SGI LogLuv", 34677: "SGI LogLuv", 34661: "JBIG", 34712: "JPEG 2000", 34887: "LERC",
	34892: "lossy JPEG", 34925: "LZMA", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL"}

// compressionHasPredictor are those whose rows may be stored as differences.
var compressionHasPredictor = map[int]bool{compressionLZW: true, compressionDeflate: true, compressionOldDeflate: true, compressionZSTD: true}

// checkCompression says whether the pixels can be decompressed.
func (t *tiffImage) checkCompression() error {
	switch t.compression {
	case compressionNone, compressionLZW, compressionDeflate, compressionOldDeflate, compressionPackBits, compressionZSTD:
	case compressionRLE, compressionGroup3, compressionGroup4:
		if t.bits != 1 || t.channels != 1 {
			return damaged("TIFF", "it combines CCITT compression with more than two tones")
		}
	case compressionJPEG:
		if t.bits != 8 {
			return fault.Invalid("the TIFF file holds JPEG of %d bits per channel; only 8 can be read, so convert it first", t.bits)
		}
	default:
		if name, ok := compressionNames[t.compression]; ok {
			return fault.Invalid("the TIFF file is compressed by %s, which cannot be read; save it with LZW or Deflate compression", name)
		}
		return fault.Invalid("the TIFF file is compressed (kind %d), which cannot be read; save it with LZW or Deflate compression", t.compression)
	}
	return t.checkPredictor()
}

// tiffUnpacker decompresses one tile after the other, row by row, so that no more than a row is in memory. JPEG is
// decoded by whole tiles.
type tiffUnpacker struct {
	image   *tiffImage
	rows    io.Reader
	buffer  []byte // a row
	order   []byte // the same, while floats are put in order
	inflate io.ReadCloser
	zstd    *zstd.Decoder
	jpeg    tiffJPEG
}

func newTIFFUnpacker(t *tiffImage) *tiffUnpacker {
	return &tiffUnpacker{image: t, buffer: make([]byte, t.rowBytes())}
}

func (u *tiffUnpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

// tile starts the tile stored as data, of which so many rows are wanted.
func (u *tiffUnpacker) tile(data []byte, rows int) (err error) {
	t := u.image
	if t.reversed && t.compression != compressionJPEG {
		if t.compression == compressionNone { // whose size is not known
			data = data[:min(len(data), rows*len(u.buffer))]
		}
		data = reverseBits(data)
	}
	stored := bytes.NewReader(data)
	switch t.compression {
	case compressionNone:
		u.rows = stored
	case compressionRLE, compressionGroup3, compressionGroup4:
		u.rows = newFaxReader(data, t.tileWidth, t.compression, t.value(tagT4Options, 0))
	case compressionLZW:
		u.rows = lzw.NewReader(stored, lzw.MSB, 8)
	case compressionDeflate, compressionOldDeflate:
		if u.inflate == nil {
			u.inflate, err = zlib.NewReader(stored)
		} else {
			err = u.inflate.(zlib.Resetter).Reset(stored, nil)
		}
		u.rows = u.inflate
	case compressionPackBits:
		u.rows = &packBits{rest: data}
	case compressionZSTD:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(stored, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		} else {
			err = u.zstd.Reset(stored)
		}
		u.rows = u.zstd
	case compressionJPEG:
		u.rows, err = u.jpeg.decode(t, data, rows)
		return err
	}
	return unpackFault(err)
}

// row is the samples of the next row; they are valid until the next call.
func (u *tiffUnpacker) row() ([]byte, error) {
	t := u.image
	if _, err := io.ReadFull(u.rows, u.buffer); err != nil {
		return nil, unpackFault(err)
	}
	if t.predictor == 1 || !compressionHasPredictor[t.compression] {
		return u.buffer, nil
	}
	channels := t.channels
	if t.planar {
		channels = 1
	}
	switch {
	case t.predictor == 3:
		sumBytes(u.buffer, channels)
		u.order = grow(u.order, len(u.buffer))
		n := len(u.buffer) / 4
		for i := range n { // the upper bytes of all floats are first
			v := uint32(u.buffer[i])<<24 | uint32(u.buffer[n+i])<<16 | uint32(u.buffer[2*n+i])<<8 | uint32(u.buffer[3*n+i])
			t.order.PutUint32(u.order[4*i:], v)
		}
		return u.order, nil
	case t.bits == 8:
		sumBytes(u.buffer, channels)
	case t.bits == 16:
		for i := 2 * channels; i+1 < len(u.buffer); i += 2 {
			t.order.PutUint16(u.buffer[i:], t.order.Uint16(u.buffer[i:])+t.order.Uint16(u.buffer[i-2*channels:]))
		}
	case t.bits == 32:
		for i := 4 * channels; i+3 < len(u.buffer); i += 4 {
			t.order.PutUint32(u.buffer[i:], t.order.Uint32(u.buffer[i:])+t.order.Uint32(u.buffer[i-4*channels:]))
		}
	}
	return u.buffer, nil
}

// sumBytes turns differences to the byte so many places before into values.
func sumBytes(row []byte, step int) {
	for i := step; i < len(row); i++ {
		row[i] += row[i-step]
	}
}

// unpackFault says what is wrong with a tile.
func unpackFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return endsEarly("TIFF")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.Invalid("the TIFF file takes too much memory to decompress; save it with LZW or Deflate compression")
	}
	return damaged("TIFF", "its pixels cannot be decompressed")
}

// packBits unpacks runs: a count of bytes that follow or a byte to repeat.
type packBits struct {
	rest  []byte
	count int // bytes still to come of this run
	same  bool
}

func (p *packBits) Read(out []byte) (n int, err error) {
	for n < len(out) {
		for p.count == 0 {
			if len(p.rest) < 2 {
				return n, io.ErrUnexpectedEOF
			}
			code := int(int8(p.rest[0]))
			p.rest = p.rest[1:]
			if code == -128 { // nothing
				continue
			}
			p.same = code < 0
			p.count = max(code, -code) + 1
		}
		if len(p.rest) == 0 {
			return n, io.ErrUnexpectedEOF
		}
		length := min(p.count, len(out)-n)
		if p.same {
			for i := range length {
				out[n+i] = p.rest[0]
			}
		} else {
			length = copy(out[n:n+length], p.rest)
			p.rest = p.rest[length:]
		}
		if n, p.count = n+length, p.count-length; p.same && p.count == 0 {
			p.rest = p.rest[1:]
		}
	}
	return n, nil
}
