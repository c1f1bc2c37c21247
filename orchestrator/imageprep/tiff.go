package imageprep

import (
	"fmt"
	"math"
	"slices"

	"clipseek/orchestrator/fault"
)

// isTIFF knows both byte orders, the two orders that mistaken programs write, and BigTIFF.
func isTIFF(file []byte) bool {
	return len(file) >= 4 && slices.Contains([]string{"II*\x00", "MM\x00*", "II\x00*", "MM*\x00", "II+\x00", "MM\x00+"}, string(file[:4]))
}

// TIFF tags (TIFF 6.0 and its supplements) that say how the pixels are stored.
const (
	tagImageWidth      = 256
	tagImageLength     = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagT4Options       = 292
	tagPlanar          = 284
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagXMP             = 700
	tagICC             = 34675
)

// tiffTags are those read from the first directory.
var tiffTags = []uint16{tagImageWidth, tagImageLength, tagBitsPerSample, tagCompression, tagPhotometric, tagFillOrder,
	tagStripOffsets, tagSamplesPerPixel, tagRowsPerStrip, tagStripByteCounts, tagT4Options, tagPlanar, tagPredictor,
	tagColorMap, tagTileWidth, tagTileLength, tagTileOffsets, tagTileByteCounts, tagExtraSamples, tagSampleFormat,
	tagJPEGTables, tagXMP, tagICC}

// tiffImage is what the first directory of a TIFF file says of its picture.
type tiffImage struct {
	tiff
	fields map[uint16]field

	width, height int
	tiffSamples
	compression int
	predictor   int
	reversed    bool // the bits of each byte, the least significant first
	planar      bool // each channel is stored by itself

	tileWidth, tileHeight int // of a tile, or of a strip, which is as wide as the picture
	across, down          int // tiles
	tiled                 bool
	offsets, counts       field // of the tiles
}

// readTIFF reads the first directory.
func readTIFF(file []byte) (header, error) {
	t, err := parseTIFF(file)
	h := header{width: t.width, height: t.height, mode: t.mode, meta: metadataSource{exif: file, xmp: t.fields[tagXMP].data}.read()}
	h.meta.icc.data = t.fields[tagICC].data
	return h, err
}

// parseTIFF reads the first directory and judges whether its picture can be read.
func parseTIFF(file []byte) (*tiffImage, error) {
	t := &tiffImage{fields: map[uint16]field{}}
	var ok bool
	if t.tiff, ok = openTIFF(file); !ok || t.first < 0 || t.first >= int64(len(file)) {
		return t, endsEarly("TIFF")
	}
	found := make([]field, len(tiffTags))
	t.directory(t.first, found, tiffTags...)
	for i, f := range found {
		t.fields[tiffTags[i]] = f
	}
	width, height := t.value(tagImageWidth, 0), t.value(tagImageLength, 0)
	if width <= 0 || height <= 0 || width > math.MaxInt32 || height > math.MaxInt32 {
		return t, damaged("TIFF", fmt.Sprintf("its size is %d x %d pixels", width, height))
	}
	t.width, t.height = width, height
	t.compression = t.value(tagCompression, compressionNone)
	t.predictor = t.value(tagPredictor, 1)
	t.reversed = t.value(tagFillOrder, 1) == 2
	t.planar = t.value(tagPlanar, 1) == 2
	if err := t.readSamples(); err != nil {
		return t, err
	}
	if err := t.checkCompression(); err != nil {
		return t, err
	}
	return t, t.readTiles()
}

// value is the first number of a tag, or otherwise where there is none; -1 stands for what no tag of these can be.
func (t *tiffImage) value(tag uint16, otherwise int) int {
	f := t.fields[tag]
	if len(f.data) == 0 {
		return otherwise
	}
	return int(t.at(f, 0))
}

// values are the numbers of a tag, at most limit of them.
func (t *tiffImage) values(tag uint16, limit int) []int {
	f := t.fields[tag]
	if len(f.data) == 0 {
		return nil
	}
	n := min(len(f.data)/int(typeSizes[f.kind]), limit)
	all := make([]int, n)
	for i := range all {
		all[i] = int(t.at(f, i))
	}
	return all
}

// at is the number at index i of a field, -1 where it is no whole number that fits or the field ends before.
func (t *tiffImage) at(f field, i int) int64 {
	size := int(typeSizes[f.kind])
	if size == 0 || i < 0 || i >= len(f.data)/size {
		return -1
	}
	data := f.data[i*size:]
	var v int64
	switch f.kind {
	case typeShort:
		v = int64(t.order.Uint16(data))
	case typeLong, typeIFD:
		v = int64(t.order.Uint32(data))
	case typeLong8:
		v = int64(t.order.Uint64(data))
	case 1: // bytes, which some programs write for small numbers
		v = int64(data[0])
	default:
		return -1
	}
	return max(v, -1)
}

// readTiles finds how the picture is divided and where its parts are. A strip is a tile as wide as the picture.
func (t *tiffImage) readTiles() error {
	t.tileWidth, t.offsets, t.counts = t.width, t.fields[tagStripOffsets], t.fields[tagStripByteCounts]
	t.tileHeight = min(t.value(tagRowsPerStrip, t.height), t.height)
	if len(t.offsets.data) == 0 {
		t.tiled = true
		t.offsets, t.counts = t.fields[tagTileOffsets], t.fields[tagTileByteCounts]
		t.tileWidth, t.tileHeight = t.value(tagTileWidth, 0), t.value(tagTileLength, 0)
	}
	if t.tileWidth <= 0 || t.tileHeight <= 0 || t.tileWidth > math.MaxInt32 || t.tileHeight > math.MaxInt32 {
		return damaged("TIFF", fmt.Sprintf("its parts have %d x %d pixels", t.tileWidth, t.tileHeight))
	}
	t.across, t.down = (t.width-1)/t.tileWidth+1, (t.height-1)/t.tileHeight+1
	// What lies beyond the picture's edges is decoded too, and must not be many times the picture.
	covered := float64(t.across) * float64(t.tileWidth) * float64(t.down) * float64(t.tileHeight)
	if pixels := float64(t.width) * float64(t.height); covered > 8*pixels+1<<24 || t.tileWidth > 2*t.width+1<<14 {
		return fault.Invalid("the TIFF file's tiles of %d x %d pixels are far larger than its picture of %d x %d; save it anew", t.tileWidth, t.tileHeight, t.width, t.height)
	}
	parts := t.across * t.down // no more than pixels, which are limited, have entries
	if t.planar {
		parts *= t.channels
	}
	if t.at(t.offsets, parts-1) < 0 {
		return damaged("TIFF", fmt.Sprintf("it does not say where its %d parts are", parts))
	}
	return nil
}

// part is the stored bytes of tile i. Sizes are not needed where nothing is compressed, and are often wrong there.
func (t *tiffImage) part(i int) ([]byte, error) {
	offset, size := t.at(t.offsets, i), int64(len(t.data))
	if offset < 0 || offset > size {
		return nil, endsEarly("TIFF")
	}
	if n := t.at(t.counts, i); n > 0 && t.compression != compressionNone {
		if n > size-offset {
			return nil, endsEarly("TIFF")
		}
		return t.data[offset : offset+n], nil
	}
	return t.data[offset:], nil
}

// decodeTIFF fills the picture, tile by tile.
func decodeTIFF(p *Picture, _ int) error {
	t, err := parseTIFF(p.file)
	if err != nil {
		return err
	}
	if t.mode == modePalette {
		p.palette = t.palette()
	}
	planes := 1
	if t.planar {
		planes = p.mode.channels()
	}
	u := newTIFFUnpacker(t)
	defer u.close()
	for i := range planes * t.across * t.down {
		data, err := t.part(i)
		if err != nil {
			return err
		}
		at := i % (t.across * t.down)
		x, y := at%t.across*t.tileWidth, at/t.across*t.tileHeight
		area := plane{w: min(t.tileWidth, t.width-x), h: min(t.tileHeight, t.height-y)}
		if err := u.tile(data, area.h); err != nil {
			return err
		}
		for row := range area.h {
			samples, err := u.row()
			if err != nil {
				return err
			}
			to := p.pixels.row(y + row)[x*p.pixels.n : (x+area.w)*p.pixels.n]
			t.unpack(to, samples, i/(t.across*t.down))
		}
	}
	if t.premultiplied {
		unpremultiplyClear(p.pixels)
	}
	return nil
}

// palette is the colour map: all reds, all greens, all blues, each of 16 bits. Pillow's palettes begin as greys.
func (t *tiffImage) palette() (palette [256][4]byte) {
	colors := t.values(tagColorMap, 3*256)
	n := len(colors) / 3
	for i := range palette {
		palette[i] = [4]byte{byte(i), byte(i), byte(i), 255}
		for c := range 3 {
			if i < n {
				palette[i][c] = byte(max(colors[c*n+i], 0) >> 8)
			}
		}
	}
	return palette
}

// unpremultiplyClear undoes premultiplication; what has no alpha becomes black.
func unpremultiplyClear(p plane) {
	for i := p.n - 1; i < len(p.pix); i += p.n {
		if p.pix[i] == 0 {
			clear(p.pix[i-p.n+1 : i])
		}
	}
	unpremultiply(p)
}

// uniform tells whether all values are the same.
func uniform(values []int) bool {
	return len(values) == 0 || !slices.ContainsFunc(values, func(v int) bool { return v != values[0] })
}
