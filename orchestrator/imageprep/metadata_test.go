package imageprep

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// entry is one field of a directory for tests; data of more than 4 bytes go behind the directory.
type entry struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

// tiffBlock lays out an EXIF block of one directory, and of a second that tag 0x8769 of the first points to.
func tiffBlock(order binary.AppendByteOrder, root, exif []entry) []byte {
	block := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		block = []byte("MM\x00*")
	}
	block = order.AppendUint32(block, 8)
	if exif != nil {
		root = append(slices.Clone(root), entry{tagExifDirectory, typeLong, 1, nil})
	}
	rootAt := len(block)
	block = directoryBytes(order, block, root)
	if exif != nil {
		pointer := order.AppendUint32(nil, uint32(len(block)))
		copy(block[rootAt+2+12*(len(root)-1)+8:], pointer)
		block = directoryBytes(order, block, exif)
	}
	return block
}

func directoryBytes(order binary.AppendByteOrder, block []byte, entries []entry) []byte {
	block = order.AppendUint16(block, uint16(len(entries)))
	behind := len(block) + 12*len(entries) + 4
	var data []byte
	for _, e := range entries {
		block = order.AppendUint32(order.AppendUint16(order.AppendUint16(block, e.tag), e.kind), e.count)
		if len(e.data) <= 4 {
			block = append(block, e.data...)
			block = append(block, make([]byte, 4-len(e.data))...)
			continue
		}
		block = order.AppendUint32(block, uint32(behind+len(data)))
		data = append(data, e.data...)
	}
	return append(order.AppendUint32(block, 0), data...)
}

func short(order binary.AppendByteOrder, v uint16) []byte { return order.AppendUint16(nil, v) }

func text(tag uint16, s string) entry {
	return entry{tag, typeASCII, uint32(len(s) + 1), append([]byte(s), 0)}
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	le, be := binary.LittleEndian, binary.BigEndian
	one := func(kind uint16, data []byte) []byte {
		return tiffBlock(le, []entry{{tagOrientation, kind, 1, data}}, nil)
	}
	good := one(typeShort, short(le, 6))
	xmp := []byte(`<rdf:Description tiff:Orientation="8"/>`)
	for name, tc := range map[string]struct {
		exif, xmp []byte
		want      orientation
	}{
		"none":                       {nil, nil, 1},
		"little endian":              {good, nil, 6},
		"big endian":                 {tiffBlock(be, []entry{{tagOrientation, typeShort, 1, short(be, 5)}}, nil), nil, 5},
		"behind its marker":          {slices.Concat(exifMarker, good), nil, 6},
		"behind two markers":         {slices.Concat(exifMarker, exifMarker, good), nil, 6},
		"long":                       {one(typeLong, le.AppendUint32(nil, 3)), nil, 3},
		"float":                      {one(typeFloat, le.AppendUint32(nil, math.Float32bits(4))), nil, 4},
		"rational":                   {one(typeRational, le.AppendUint32(le.AppendUint32(nil, 14), 2)), nil, 7},
		"rational without divisor":   {one(typeRational, make([]byte, 8)), nil, 1},
		"text is no number":          {one(typeASCII, []byte("6\x00")), nil, 1},
		"byte is no number":          {one(1, []byte{6}), nil, 1},
		"half":                       {one(typeFloat, le.AppendUint32(nil, math.Float32bits(2.5))), nil, 1},
		"nine":                       {one(typeShort, short(le, 9)), nil, 1},
		"zero":                       {one(typeShort, short(le, 0)), nil, 1},
		"first of two counts":        {tiffBlock(le, []entry{{tagOrientation, typeShort, 1, short(le, 3)}, {tagOrientation, typeShort, 1, short(le, 6)}}, nil), nil, 3},
		"after one of unknown type":  {tiffBlock(le, []entry{{tagOrientation, 99, 1, nil}, {tagOrientation, typeShort, 1, short(le, 6)}}, nil), nil, 6},
		"after data out of bounds":   {outOfBounds(good), nil, 1},
		"after data of absurd size":  {tiffBlock(le, []entry{{1, typeDouble, math.MaxUint32, nil}, {tagOrientation, typeShort, 1, short(le, 6)}}, nil), nil, 6},
		"directory out of bounds":    {[]byte("II*\x00\xff\xff\xff\xff"), nil, 1},
		"cut in the directory":       {good[:20], nil, 1},
		"no TIFF":                    {[]byte("not a TIFF block"), xmp, 1},
		"XMP alone":                  {nil, xmp, 8},
		"XMP as an element":          {nil, []byte("<tiff:Orientation>2</tiff:Orientation>"), 2},
		"XMP beside EXIF without it": {tiffBlock(le, []entry{{1, typeShort, 1, short(le, 6)}}, nil), xmp, 8},
		"EXIF before XMP":            {good, xmp, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (metadataSource{exif: tc.exif, xmp: tc.xmp}).read().orientation; got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// outOfBounds puts an entry whose data end behind the block before the others.
func outOfBounds(block []byte) []byte {
	block = slices.Insert(slices.Clone(block), 10, 2, 1, typeLong, 0, 2, 0, 0, 0, 0xf0, 0, 0, 0)
	block[8] = 2
	return block
}

func TestTakenAt(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	for name, tc := range map[string]struct {
		exif []entry
		want time.Time
	}{
		"no directory":   {nil, time.Time{}},
		"with offset":    {[]entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09"), text(tagOffsetOriginal, "-03:30")}, time.Date(2026, 11, 23, 17, 35, 9, 0, time.UTC)},
		"without offset": {[]entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09")}, time.Date(2026, 11, 23, 14, 5, 9, 0, time.UTC)},
		"bad offset":     {[]entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09"), text(tagOffsetOriginal, "   :  ")}, time.Date(2026, 11, 23, 14, 5, 9, 0, time.UTC)},
		"clock not set":  {[]entry{text(tagDateTimeOriginal, "0000:00:00 00:00:00")}, time.Time{}},
		"blank":          {[]entry{text(tagDateTimeOriginal, "    :  :     :  :  ")}, time.Time{}},
		"not text":       {[]entry{{tagDateTimeOriginal, typeLong, 1, []byte{1, 2, 3, 4}}}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := metadataSource{exif: tiffBlock(le, []entry{{tagOrientation, typeShort, 1, short(le, 1)}}, tc.exif)}.read()
			if !m.takenAt.Equal(tc.want) {
				t.Errorf("got %v, want %v", m.takenAt, tc.want)
			}
		})
	}
}

// TestPNGText covers the places of a PNG where programs put EXIF and XMP.
func TestPNGText(t *testing.T) {
	t.Parallel()
	block := tiffBlock(binary.BigEndian, []entry{{tagOrientation, typeShort, 1, short(binary.BigEndian, 6)}}, nil)
	profile := []byte(fmt.Sprintf("\nexif\n%8d\n%s\n", len(block), hex.EncodeToString(block)))
	xmp := []byte(`<x tiff:Orientation="3"/>`)
	key := []byte("Raw profile type exif\x00")
	for name, tc := range map[string]struct {
		chunks []pngChunk
		want   orientation
	}{
		"eXIf":                     {[]pngChunk{{[]byte("eXIf"), block}}, 6},
		"text":                     {[]pngChunk{{[]byte("tEXt"), slices.Concat(key, profile)}}, 6},
		"packed text":              {[]pngChunk{{[]byte("zTXt"), slices.Concat(key, []byte{0}, packed(profile))}}, 6},
		"chunk before text":        {[]pngChunk{{[]byte("eXIf"), block}, {[]byte("tEXt"), slices.Concat(key, []byte("\nexif\n0\n00"))}}, 6},
		"digits that are none":     {[]pngChunk{{[]byte("tEXt"), slices.Concat(key, []byte("\nexif\n4\nxyz"))}}, 1},
		"three lines":              {[]pngChunk{{[]byte("tEXt"), slices.Concat(key, []byte("\nexif\n"))}}, 1},
		"XMP":                      {[]pngChunk{{[]byte("iTXt"), slices.Concat([]byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"), xmp)}}, 3},
		"packed XMP":               {[]pngChunk{{[]byte("iTXt"), slices.Concat([]byte("XML:com.adobe.xmp\x00\x01\x00\x00\x00"), packed(xmp))}}, 3},
		"packed by unknown method": {[]pngChunk{{[]byte("iTXt"), slices.Concat([]byte("XML:com.adobe.xmp\x00\x01\x07\x00\x00"), packed(xmp))}}, 1},
		"text that does not open":  {[]pngChunk{{[]byte("zTXt"), slices.Concat(key, []byte("\x00garbage"))}}, 1},
		"no key":                   {[]pngChunk{{[]byte("tEXt"), []byte("no zero byte")}, {[]byte("iTXt"), nil}, {[]byte("zTXt"), nil}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var source metadataSource
			for _, c := range tc.chunks {
				source.addPNG(c)
			}
			if got := source.read().orientation; got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func packed(data []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(data) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
