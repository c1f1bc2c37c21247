package imageprep

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// absent leaves a tag out.
const absent = math.MaxUint32 - 1

// tiffOf is a TIFF of 40 x 30 pixels of RGB in one strip, but for what change says of its tags, with more entries.
func tiffOf(order binary.AppendByteOrder, pixels []byte, change map[uint16]uint32, more ...entry) []byte {
	tags := map[uint16]uint32{tagImageWidth: 40, tagImageLength: 30, tagBitsPerSample: 8, tagCompression: compressionNone,
		tagPhotometric: photometricRGB, tagSamplesPerPixel: 3, tagStripOffsets: 8, tagRowsPerStrip: 30, tagStripByteCounts: uint32(len(pixels))}
	maps.Copy(tags, change)
	for _, e := range more {
		tags[e.tag] = absent
	}
	var entries []entry
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if tags[tag] != absent {
			entries = append(entries, entry{tag, typeLong, 1, order.AppendUint32(nil, tags[tag])})
		}
	}
	file := tiffBlock(order, nil, nil)[:4]
	file = append(order.AppendUint32(file, uint32(8+len(pixels))), pixels...)
	block := directoryBytes(order, bytes.Clone(file), append(entries, more...))
	return block
}

// patternOf is n bytes of a pattern.
func patternOf(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*i>>3 + i*7)
	}
	return data
}

// photoOf is a JPEG of w x h pixels.
func photoOf(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, color.RGBA{byte(i), byte(i >> 3), byte(3 * i), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tiffKinds is a small TIFF for each way through the decoder.
func tiffKinds(t testing.TB) map[string][]byte {
	le, be := binary.LittleEndian, binary.BigEndian
	pixels, photo := patternOf(3*40*30), photoOf(t, 40, 30)
	type tags = map[uint16]uint32
	kinds := map[string][]byte{
		"plain":      tiffOf(le, pixels, nil),
		"big endian": tiffOf(be, pixels, nil),
		"deflate":    tiffOf(le, packed(pixels), tags{tagCompression: compressionDeflate, tagPredictor: 2}),
		"old lzw":    tiffOf(le, pixels, tags{tagCompression: compressionLZW}),
		"packbits":   tiffOf(le, append(slices.Repeat([]byte{130, 7}, 29), 100), tags{tagCompression: compressionPackBits, tagFillOrder: 2}),
		"zstd":       tiffOf(le, []byte("\x28\xb5\x2f\xfd\x04\x00\x41\x00\x00rgb"), tags{tagCompression: compressionZSTD}),
		"jpeg":       tiffOf(le, photo, tags{tagCompression: compressionJPEG, tagPhotometric: photometricYCbCr}),
		"jpeg rgb":   tiffOf(le, photo[2:], tags{tagCompression: compressionJPEG}, entry{tagJPEGTables, 7, 4, []byte{0xff, 0xd8, 0xff, 0xd9}}),
		"planes":     tiffOf(le, pixels, tags{tagPlanar: 2, tagTileWidth: 16, tagTileLength: 16}),
		"16 bits":    tiffOf(be, pixels, tags{tagBitsPerSample: 16, tagImageLength: 15}),
		"float":      tiffOf(be, pixels, tags{tagBitsPerSample: 32, tagSamplesPerPixel: 1, tagPhotometric: 1, tagSampleFormat: 3, tagImageLength: 20}),
		"integers":   tiffOf(le, pixels, tags{tagBitsPerSample: 32, tagSamplesPerPixel: 1, tagPhotometric: 1, tagSampleFormat: 2, tagImageLength: 20}),
		"12 bits":    tiffOf(le, pixels, tags{tagBitsPerSample: 12, tagSamplesPerPixel: 1, tagPhotometric: 1}),
		"palette":    tiffOf(le, pixels, tags{tagBitsPerSample: 4, tagSamplesPerPixel: 1, tagPhotometric: 3}, entry{tagColorMap, typeShort, 48, patternOf(96)}),
		"alpha":      tiffOf(le, patternOf(40*30*4), tags{tagSamplesPerPixel: 4, tagExtraSamples: 1}),
		"tiles":      tiffOf(le, pixels, tags{tagStripOffsets: absent, tagTileWidth: 32, tagTileLength: 48}, entry{tagTileOffsets, typeLong, 2, []byte{8, 0, 0, 0, 9, 0, 0, 0}}),
		"float differences": tiffOf(le, packed(pixels), tags{tagCompression: compressionDeflate, tagPredictor: 3, tagBitsPerSample: 32, tagSamplesPerPixel: 1,
			tagPhotometric: 1, tagSampleFormat: 3, tagImageLength: 20}),
	}
	for kind, compression := range map[string]uint32{"rle": compressionRLE, "group 3": compressionGroup3, "group 4": compressionGroup4} {
		kinds[kind] = tiffOf(le, pixels, tags{tagCompression: compression, tagBitsPerSample: 1, tagSamplesPerPixel: 1, tagPhotometric: 0, tagT4Options: 1})
	}
	return kinds
}

// TestBadTIFFs lists what is wrong with a TIFF that is not read, and the message each gets.
func TestBadTIFFs(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	pixels, photo := patternOf(3*40*30), photoOf(t, 40, 30)
	good := tiffOf(le, pixels, nil)
	type tags = map[uint16]uint32
	with := func(change tags) []byte { return tiffOf(le, pixels, change) }
	for name, tc := range map[string]struct {
		file    []byte
		kind    fault.Kind
		message string
	}{
		"six bytes":               {good[:6], fault.KindInvalid, "the TIFF file ends early"},
		"directory missing":       {good[:8+len(pixels)], fault.KindInvalid, "the TIFF file ends early"},
		"big of no length":        {[]byte("II+\x00\x08\x00\x00\x00"), fault.KindInvalid, "the TIFF file ends early"},
		"no width":                {with(tags{tagImageWidth: absent}), fault.KindInvalid, "the TIFF file is damaged (its size is 0 x 30 pixels)"},
		"bomb":                    {with(tags{tagImageWidth: 30000, tagImageLength: 30000}), fault.KindTooLarge, "30000 x 30000"},
		"bomb of many parts":      {with(tags{tagImageWidth: 1<<31 - 1, tagImageLength: 1<<31 - 1, tagRowsPerStrip: 1, tagPlanar: 2}), fault.KindTooLarge, "2147483647 x 2147483647"},
		"pixels missing":          {with(tags{tagStripOffsets: 2000}), fault.KindInvalid, "the TIFF file ends early"},
		"pixels beyond":           {with(tags{tagStripOffsets: 1 << 30}), fault.KindInvalid, "the TIFF file ends early"},
		"no offsets":              {with(tags{tagStripOffsets: absent}), fault.KindInvalid, "the TIFF file is damaged (its parts have 0 x 0 pixels)"},
		"too few offsets":         {with(tags{tagRowsPerStrip: 7}), fault.KindInvalid, "it does not say where its 5 parts are"},
		"no rows in a strip":      {with(tags{tagRowsPerStrip: 0}), fault.KindInvalid, "its parts have 40 x 0 pixels"},
		"huge tiles":              {with(tags{tagStripOffsets: absent, tagTileOffsets: 8, tagTileWidth: 1 << 20, tagTileLength: 1 << 20}), fault.KindInvalid, "far larger than its picture"},
		"jpeg of the old kind":    {with(tags{tagCompression: 6}), fault.KindInvalid, "compressed by JPEG of the withdrawn kind, which cannot be read; save it with LZW or Deflate compression"},
		"lzma":                    {with(tags{tagCompression: 34925}), fault.KindInvalid, "compressed by LZMA"},
		"unknown compression":     {with(tags{tagCompression: 4711}), fault.KindInvalid, "compressed (kind 4711)"},
		"cielab":                  {with(tags{tagPhotometric: 8}), fault.KindInvalid, "stores its colours as CIELAB"},
		"ycbcr":                   {with(tags{tagPhotometric: 6}), fault.KindInvalid, "stores its colours as YCbCr that is not JPEG"},
		"rgb of 4 bits":           {with(tags{tagBitsPerSample: 4}), fault.KindInvalid, "has 3 samples of 4 bits per pixel"},
		"doubles":                 {with(tags{tagBitsPerSample: 64, tagSampleFormat: 3, tagSamplesPerPixel: 1, tagPhotometric: 1}), fault.KindInvalid, "has 1 samples of 64 bits per pixel (kind 3"},
		"many samples":            {with(tags{tagSamplesPerPixel: 1 << 30}), fault.KindInvalid, "has 1073741824 samples per pixel"},
		"bits that differ":        {tiffOf(le, pixels, nil, entry{tagBitsPerSample, typeShort, 3, []byte{5, 0, 6, 0, 5, 0}}), fault.KindInvalid, "channels differ in their bits ([5 6 5])"},
		"no palette":              {with(tags{tagPhotometric: 3, tagSamplesPerPixel: 1}), fault.KindInvalid, "the TIFF file is damaged (its palette is missing)"},
		"predictor of bits":       {with(tags{tagCompression: 5, tagPredictor: 2, tagBitsPerSample: 4, tagSamplesPerPixel: 1, tagPhotometric: 1}), fault.KindInvalid, "it combines predictor 2 with samples of 4 bits"},
		"deflate of noise":        {with(tags{tagCompression: 8}), fault.KindInvalid, "the TIFF file is damaged (its pixels cannot be decompressed)"},
		"deflate cut":             {tiffOf(le, packed(pixels)[:200], tags{tagCompression: 8}), fault.KindInvalid, "the TIFF file ends early"},
		"deflate too short":       {tiffOf(le, packed(pixels[:999]), tags{tagCompression: 8}), fault.KindInvalid, "the TIFF file ends early"},
		"lzw of noise":            {with(tags{tagCompression: 5}), fault.KindInvalid, "the TIFF file is damaged"},
		"packbits cut":            {tiffOf(le, []byte{129, 4}, tags{tagCompression: 32773}), fault.KindInvalid, "the TIFF file ends early"},
		"zstd of noise":           {with(tags{tagCompression: 50000}), fault.KindInvalid, "its pixels cannot be decompressed"},
		"group 4 of noise":        {with(tags{tagCompression: 4, tagBitsPerSample: 1, tagSamplesPerPixel: 1, tagPhotometric: 0}), fault.KindInvalid, "the TIFF file is damaged"},
		"group 4 cut":             {tiffOf(le, []byte{0xff}, tags{tagCompression: 4, tagBitsPerSample: 1, tagSamplesPerPixel: 1, tagPhotometric: 0}), fault.KindInvalid, "the TIFF file ends early"},
		"group 4 of colours":      {with(tags{tagCompression: 4}), fault.KindInvalid, "it combines CCITT compression with more than two tones"},
		"part larger than file":   {with(tags{tagCompression: 5, tagStripByteCounts: 1 << 20}), fault.KindInvalid, "the TIFF file ends early"},
		"jpeg of noise":           {with(tags{tagCompression: 7}), fault.KindInvalid, "one of its parts is no JPEG file"},
		"jpeg of another size":    {tiffOf(le, photo, tags{tagCompression: 7, tagImageWidth: 41}), fault.KindInvalid, "a JPEG file of 40 x 30 pixels and 3 channels, where 41 x 30 and 3 belong"},
		"jpeg of fewer channels":  {tiffOf(le, photo, tags{tagCompression: 7, tagSamplesPerPixel: 4}), fault.KindInvalid, "and 3 channels, where 40 x 30 and 4 belong"},
		"jpeg cut":                {tiffOf(le, photo[:700], tags{tagCompression: 7}), fault.KindInvalid, "ends early"},
		"directory in the header": {patched(good, 4, 0, 0, 0, 0), fault.KindInvalid, "the TIFF file is damaged (its size is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := prepare(newDecoder(t, Default()), tc.file)
			if err == nil {
				t.Fatal("prepared")
			}
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.message) {
				t.Errorf("got %v %q, want %v %q", fault.KindOf(err), fault.Public(err), tc.kind, tc.message)
			}
		})
	}
}

// TestTIFFMetadata finds in the directory of the picture what other formats have in an EXIF block and beside it.
func TestTIFFMetadata(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		file := tiffOf(order, patternOf(3*40*30), nil, entry{tagOrientation, typeShort, 1, short(order, 6)}, entry{tagICC, 7, 9, []byte("a profile")},
			entry{tagExifDirectory, typeLong, 1, order.AppendUint32(nil, 0)})
		at := uint32(len(file))
		file = directoryBytes(order, file, []entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09")})
		pointer := bytes.Index(file, order.AppendUint16(order.AppendUint16(nil, tagExifDirectory), typeLong))
		copy(file[pointer+8:], order.AppendUint32(nil, at))
		picture, err := newDecoder(t, Default()).Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		want := Info{Width: 30, Height: 40, Format: "tiff", TakenAt: time.Date(2026, 11, 23, 14, 5, 9, 0, time.UTC)}
		if got := picture.Info(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got := string(picture.meta.icc.data); got != "a profile" {
			t.Errorf("the profile is %q", got)
		}
		picture.Release()
	}
}

// TestTIFFThumbnails makes one of every kind that decodes; numbers without a range are shown from least to greatest.
func TestTIFFThumbnails(t *testing.T) {
	t.Parallel()
	order := binary.LittleEndian
	var ramp []byte
	for i := range 40 * 30 {
		ramp = order.AppendUint32(ramp, math.Float32bits(float32(i%40)*1e-3-5))
	}
	file := tiffOf(order, ramp, map[uint16]uint32{tagBitsPerSample: 32, tagSamplesPerPixel: 1, tagPhotometric: 1, tagSampleFormat: 3})
	shown := thumbnailOf(t, file, 40)
	for x, want := range map[int]int{0: 0, 20: 131, 39: 255} {
		if r, _, _, _ := shown.At(x, 15).RGBA(); abs(int(r>>8)-want) > 6 {
			t.Errorf("column %d is %d, want about %d", x, r>>8, want)
		}
	}
	for name, file := range tiffKinds(t) {
		for _, err := range prepareEveryWay(newDecoder(t, Default()), file) {
			if kind := fault.KindOf(err); err != nil && kind != fault.KindInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestTIFFPackBits reads runs that end and begin anywhere between reads.
func TestTIFFPackBits(t *testing.T) {
	t.Parallel()
	packed := []byte{2, 'a', 'b', 'c', 0x80, 0xfd, 'd', 0, 'e'}
	for size := 1; size <= 8; size++ {
		got, buffer, r := []byte{}, make([]byte, size), &packBits{rest: packed}
		for {
			n, err := io.ReadFull(r, buffer)
			if got = append(got, buffer[:n]...); err != nil {
				break
			}
		}
		if string(got) != "abcdddde" {
			t.Errorf("by %d bytes: %q", size, got)
		}
	}
}

// TestTIFFBombTakesNoMemory proves that a small file cannot make a large one of its strips.
func TestTIFFBombTakesNoMemory(t *testing.T) { // alone, because it counts what is allocated
	pixels := packed(make([]byte, 64<<20))
	file := tiffOf(binary.LittleEndian, pixels, map[uint16]uint32{tagCompression: compressionDeflate})
	decoder := newDecoder(t, Default())
	picture, err := decoder.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Size: 8, Resize: model.ResizeSquash, Std: [3]float32{1, 1, 1}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := picture.Tensor(spec, make([]float32, spec.Len())); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("1200 pixels take %d bytes", n)
	}
}
