package imageprep

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// EXIF tags (CIPA DC-008) that are read.
const (
	tagOrientation      = 0x0112 // in the first directory
	tagExifDirectory    = 0x8769 // offset of the second
	tagDateTimeOriginal = 0x9003 // "2026:11:23 14:05:00", local time of the camera
	tagOffsetOriginal   = 0x9011 // "+01:00", the offset of that time from UTC
)

// TIFF value types. What Pillow does not count as a number (bytes, text, undefined) is none here either.
const (
	typeASCII     = 2
	typeShort     = 3
	typeLong      = 4
	typeRational  = 5
	typeSByte     = 6
	typeSShort    = 8
	typeSLong     = 9
	typeSRational = 10
	typeFloat     = 11
	typeDouble    = 12
	typeIFD       = 13
	typeLong8     = 16
)

// typeSizes is the bytes of one value of each type; 0 marks a type that is skipped.
var typeSizes = [...]int64{1: 1, typeASCII: 1, typeShort: 2, typeLong: 4, typeRational: 8, typeSByte: 1, 7: 1,
	typeSShort: 2, typeSLong: 4, typeSRational: 8, typeFloat: 4, typeDouble: 8, typeIFD: 4, typeLong8: 8}

// tiff is a TIFF file, or an EXIF block, which is a TIFF file of which only directories matter. Offsets count from its
// start.
type tiff struct {
	data  []byte
	order binary.ByteOrder
	first int64 // offset of the first directory; below 0 where it is beyond any file
	big   bool  // BigTIFF: offsets and counts of 8 bytes
}

// field is one entry of a directory: a type and its bytes, at least one value long; no bytes where there is no entry.
type field struct {
	kind uint16
	data []byte
}

// openTIFF reads the header of an EXIF block, with or without the "Exif" that JPEG puts in front (once or twice, as some
// programs do).
func openTIFF(data []byte) (tiff, bool) {
	for range 2 {
		data = bytes.TrimPrefix(data, exifMarker)
	}
	if len(data) < 8 {
		return tiff{}, false
	}
	t := tiff{data: data}
	switch string(data[:4]) {
	case "II*\x00", "II\x00*": // the second of each pair is written by mistaken programs and read by Pillow
		t.order = binary.LittleEndian
	case "MM\x00*", "MM*\x00":
		t.order = binary.BigEndian
	case "II+\x00":
		t.order, t.big = binary.LittleEndian, true
	case "MM\x00+":
		t.order, t.big = binary.BigEndian, true
	default:
		return tiff{}, false
	}
	if !t.big {
		t.first = int64(t.order.Uint32(data[4:]))
		return t, true
	}
	if len(data) < 16 {
		return tiff{}, false
	}
	t.first = int64(t.order.Uint64(data[8:]))
	return t, true
}

// word reads what is an offset or a count: 4 bytes, in BigTIFF 8. It is below 0 where it is beyond any file.
func (t tiff) word(at int64) int64 {
	if t.big {
		return int64(t.order.Uint64(t.data[at:]))
	}
	return int64(t.order.Uint32(t.data[at:]))
}

// directory reads the wanted tags of the directory at offset into found, in their order. It follows Pillow where a block is
// damaged: the first usable entry of a tag counts, entries whose data would exceed the block are skipped, and reading stops
// where data lie outside. The work is bounded by the block's size.
func (t tiff) directory(offset int64, found []field, wanted ...uint16) {
	size, word, head := int64(len(t.data)), int64(4), int64(2) // of the block, of an offset, of the number of entries
	if t.big {
		word, head = 8, 8
	}
	if offset < 0 || offset > size-head {
		return
	}
	var seen [1 << 16 / 64]uint64 // a bit for each tag
	count := int64(t.order.Uint16(t.data[offset:]))
	if t.big {
		count = t.word(offset)
	}
	var total int64
	for at := offset + head; count > 0 && at+4+2*word <= size; at, count = at+4+2*word, count-1 {
		tag, kind := t.order.Uint16(t.data[at:]), t.order.Uint16(t.data[at+2:])
		bit := uint64(1) << (tag % 64)
		if seen[tag/64]&bit != 0 || int(kind) >= len(typeSizes) || typeSizes[kind] == 0 {
			continue
		}
		n := t.word(at + 4)
		if n < 0 || n > math.MaxInt64/8 {
			continue
		}
		n *= typeSizes[kind]
		from := at + 4 + word
		if n > word {
			if total += min(n, size+1); total > size {
				continue
			}
			if from = t.word(from); from < 0 || from > size-n {
				break
			}
		}
		if n == 0 {
			continue
		}
		seen[tag/64] |= bit
		for i, w := range wanted {
			if w == tag {
				found[i] = field{kind, t.data[from : from+n : from+n]}
			}
		}
	}
}

// number is the first value of a numeric field.
func (t tiff) number(f field) (float64, bool) {
	if len(f.data) == 0 {
		return 0, false
	}
	switch f.kind {
	case typeShort:
		return float64(t.order.Uint16(f.data)), true
	case typeSShort:
		return float64(int16(t.order.Uint16(f.data))), true
	case typeLong, typeIFD:
		return float64(t.order.Uint32(f.data)), true
	case typeSLong:
		return float64(int32(t.order.Uint32(f.data))), true
	case typeSByte:
		return float64(int8(f.data[0])), true
	case typeLong8:
		return float64(t.order.Uint64(f.data)), true
	case typeFloat:
		return float64(math.Float32frombits(t.order.Uint32(f.data))), true
	case typeDouble:
		return math.Float64frombits(t.order.Uint64(f.data)), true
	case typeRational:
		return float64(t.order.Uint32(f.data)) / float64(t.order.Uint32(f.data[4:])), true
	case typeSRational:
		return float64(int32(t.order.Uint32(f.data))) / float64(int32(t.order.Uint32(f.data[4:]))), true
	}
	return 0, false
}

// orientation is the one that the field holds, or 0 for none.
func (t tiff) orientation(f field) orientation {
	if v, ok := t.number(f); ok && v >= 1 && v <= 8 && v == float64(orientation(v)) {
		return orientation(v)
	}
	return 0
}

// text is a text field up to its first zero.
func (f field) text() []byte {
	if f.kind != typeASCII {
		return nil
	}
	text, _, _ := bytes.Cut(f.data, []byte{0})
	return bytes.TrimSpace(text)
}

// takenAt is when the picture was taken, in the recorded offset from UTC or, where a camera wrote none, as if its clock
// had shown UTC. It is the zero time where there is none or it is no date.
func (t tiff) takenAt(pointer field) time.Time {
	offset, ok := t.number(pointer)
	if !ok || offset > math.MaxUint32 {
		return time.Time{}
	}
	return t.takenIn(int64(offset))
}

// takenIn is the same for the directory at offset.
func (t tiff) takenIn(offset int64) time.Time {
	var exif [2]field
	t.directory(offset, exif[:], tagDateTimeOriginal, tagOffsetOriginal)
	clock, zone := exif[0].text(), exif[1].text()
	if len(clock) == 0 {
		return time.Time{}
	}
	if len(zone) > 0 {
		if taken, err := time.Parse("2006:01:02 15:04:05-07:00", string(clock)+string(zone)); err == nil {
			return taken
		}
	}
	taken, err := time.Parse("2006:01:02 15:04:05", string(clock))
	if err != nil {
		return time.Time{}
	}
	return taken
}
