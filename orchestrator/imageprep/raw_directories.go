package imageprep

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Tags beside those of plain TIFF files (TIFF/EP, DNG 1.7 and the makers' own) that lead to previews or tell a RAW file from
// another TIFF.
const (
	rawTagJPEG           = 0x002e // Panasonic: the preview itself
	rawTagLargerJPEG     = 0x0127 // Panasonic: one of full size
	rawTagSubDirectories = 0x014a
	rawTagJPEGOffset     = 0x0201
	rawTagJPEGBytes      = 0x0202
	rawTagMakerNote      = 0x927c // in the EXIF directory
	rawTagDNGVersion     = 0xc612
)

// rawWanted are the tags that are read of each directory, in the order of rawDirectory's fields.
var rawWanted = [...]uint16{tagOrientation, tagExifDirectory, tagDateTimeOriginal, rawTagJPEG, rawTagLargerJPEG, tagCompression,
	tagPhotometric, tagStripOffsets, tagStripByteCounts, rawTagSubDirectories, rawTagJPEGOffset, rawTagJPEGBytes,
	rawTagMakerNote, rawTagDNGVersion}

// rawField is a field and the offset of its bytes.
type rawField struct {
	field
	at int64
}

// rawDirectory is a directory's fields for the tags of rawWanted.
type rawDirectory [len(rawWanted)]rawField

func (d *rawDirectory) of(tag uint16) rawField { return d[slices.Index(rawWanted[:], tag)] }

// isSensorCompression knows the compressions that makers use for sensor data alone.
func isSensorCompression(v int64) bool {
	switch v {
	case 32767, // Sony ARW
		32769,        // packed: Nikon, Samsung, Epson
		32770, 32772, // Samsung SRW
		34713, // Nikon NEF
		65000, // Kodak DCR
		65535: // Pentax PEF
		return true
	}
	return false
}

// maxRAWDirectories bounds the directories of a file that are looked at, each once. Cameras write about ten.
const maxRAWDirectories = 64

// rawWalk goes through the directories of a TIFF file: the chain of the first ones and those they point to.
type rawWalk struct {
	tiff
	offsets [maxRAWDirectories]int64 // found so far
	found   int
}

// add puts a directory on the list unless it is there already or the list is full.
func (w *rawWalk) add(offset int64) {
	if offset < 8 || offset >= int64(len(w.data)) || w.found == len(w.offsets) || slices.Contains(w.offsets[:w.found], offset) {
		return
	}
	w.offsets[w.found] = offset
	w.found++
}

// openRAWHeader reads the first bytes of a TIFF file, in which some makers put their own letters for TIFF's 42; own
// tells that, or another mark that only RAW files have.
func openRAWHeader(file []byte) (t tiff, own, ok bool) {
	if len(file) < 8 {
		return t, false, false
	}
	t.data = file
	switch string(file[:4]) {
	case "II*\x00":
		t.order = binary.LittleEndian
	case "MM\x00*":
		t.order = binary.BigEndian
	case "IIRO", "IIRS", "IIU\x00": // Olympus twice, Panasonic and Leica
		t.order, own = binary.LittleEndian, true
	case "MMOR": // Olympus
		t.order, own = binary.BigEndian, true
	default:
		return t, false, false
	}
	t.first = int64(t.order.Uint32(file[4:]))
	if len(file) >= 16 {
		mark := file[8:16]
		own = own || bytes.HasPrefix(mark, []byte("CR\x02")) || // Canon
			bytes.HasPrefix(mark, []byte("IIII")) && string(mark[5:]) == "waR" || bytes.HasPrefix(mark, []byte("MMMMRaw")) // Phase One
	}
	return t, own, true
}

// readDirectories offers every preview that the directories of a TIFF file name and tells whether it is a RAW file.
func (r *rawPicture) readDirectories() (isRAW bool) {
	t, isRAW, ok := openRAWHeader(r.file)
	if !ok {
		return false
	}
	w := rawWalk{tiff: t}
	w.add(t.first)
	for i := 0; i < w.found; i++ {
		var d rawDirectory
		next := t.fields(w.offsets[i], rawWanted[:], d[:])
		isRAW = r.readDirectory(&w, &d, i == 0) || isRAW
		w.add(next)
	}
	return isRAW
}

// readDirectory offers the previews of one directory, adds those it points to and tells whether it is one of a RAW file.
func (r *rawPicture) readDirectory(w *rawWalk, d *rawDirectory, first bool) (ofRAW bool) {
	subs := d.of(rawTagSubDirectories)
	for i := range maxRAWDirectories {
		offset, ok := w.integer(subs, i)
		if !ok {
			break
		}
		w.add(offset)
	}
	if offset, ok := w.integer(d.of(tagExifDirectory), 0); ok {
		r.readExif(w.tiff, offset)
	}
	if first {
		r.meta.orientation = w.orientation(d.of(tagOrientation).field)
		if r.meta.takenAt.IsZero() { // TIFF/EP puts the date here
			r.meta.takenAt = w.takenIn(w.first)
		}
	}
	photometric, _ := w.integer(d.of(tagPhotometric), 0)
	compression, _ := w.integer(d.of(tagCompression), 0)
	sensor := photometric == photometricCFA || photometric == photometricLinearRaw || isSensorCompression(compression)
	if !sensor && photometric <= photometricYCbCr { // the rest are masks, depths and sensor data
		r.offerPair(w.tiff, d.of(tagStripOffsets), d.of(tagStripByteCounts), 0)
	}
	r.offerPair(w.tiff, d.of(rawTagJPEGOffset), d.of(rawTagJPEGBytes), 0)
	r.offerBytes(d.of(rawTagJPEG).data, false)
	r.offerBytes(d.of(rawTagLargerJPEG).data, false)
	return sensor || first && len(d.of(rawTagDNGVersion).data) > 0
}

// offerPair offers the preview whose offset, counted from base, and length two fields hold. Pictures in several strips
// are no JPEG file.
func (r *rawPicture) offerPair(t tiff, offset, length rawField, base int64) {
	at, ok := t.integer(offset, 0)
	n, has := t.integer(length, 0)
	if _, several := t.integer(offset, 1); ok && has && !several {
		r.offer(base+at, n)
	}
}

// readExif takes the date from the EXIF directory and the previews from the maker's note in it.
func (r *rawPicture) readExif(t tiff, offset int64) {
	if r.meta.takenAt.IsZero() {
		r.meta.takenAt = t.takenIn(offset)
	}
	var note [1]rawField
	t.fields(offset, []uint16{rawTagMakerNote}, note[:])
	r.readMakerNote(t, note[0].data, note[0].at)
}

// readMakerNote follows the notes of the makers that keep their preview there. A note is a directory of its own behind
// the maker's name; its offsets count from where the maker thought best. at is where the note begins in the file.
func (r *rawPicture) readMakerNote(t tiff, note []byte, at int64) {
	switch {
	case bytes.HasPrefix(note, []byte("Nikon\x00\x02")) && len(note) > 18: // a TIFF header of its own at 10
		r.readNikon(note[10:], at+10)
	case bytes.HasPrefix(note, []byte("OLYMPUS\x00")) && len(note) > 12:
		r.readOlympus(tiff{data: note, order: orderOf(note[8:])}, 12, at)
	case bytes.HasPrefix(note, []byte("OM SYSTEM\x00")) && len(note) > 16:
		r.readOlympus(tiff{data: note, order: orderOf(note[12:])}, 16, at)
	case bytes.HasPrefix(note, []byte("OLYMP\x00")): // offsets count from the start of the file
		r.readOlympus(t, at+8, 0)
	case bytes.HasPrefix(note, []byte("AOC\x00")): // Pentax, likewise
		r.offerTags(t, at+6, 4, 3, 0)
	case bytes.HasPrefix(note, []byte("PENTAX \x00")) && len(note) > 10:
		r.offerTags(tiff{data: note, order: orderOf(note[8:])}, 10, 4, 3, at)
	}
}

// orderOf is the byte order that two letters name.
func orderOf(letters []byte) binary.ByteOrder {
	if bytes.HasPrefix(letters, []byte("MM")) {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// offerTags offers the preview whose offset and length stand in two tags of the directory at offset.
func (r *rawPicture) offerTags(t tiff, offset int64, at, length uint16, base int64) {
	var found [2]rawField
	t.fields(offset, []uint16{at, length}, found[:])
	r.offerPair(t, found[0], found[1], base)
}

func (r *rawPicture) readNikon(block []byte, base int64) {
	const previewDirectory = 0x0011
	t, ok := openTIFF(block)
	if !ok {
		return
	}
	var found [1]rawField
	t.fields(t.first, []uint16{previewDirectory}, found[:])
	if offset, ok := t.integer(found[0], 0); ok {
		r.offerTags(t, offset, rawTagJPEGOffset, rawTagJPEGBytes, base)
	}
}

// readOlympus reads the note's directory at offset. Newer cameras name the preview in the directory of camera settings,
// older ones in the note itself.
func (r *rawPicture) readOlympus(t tiff, offset, base int64) {
	const settings, settingsAt, settingsBytes, oldAt, oldBytes = 0x2020, 0x0101, 0x0102, 0x0088, 0x0089
	r.offerTags(t, offset, oldAt, oldBytes, base)
	var found [1]rawField
	t.fields(offset, []uint16{settings}, found[:])
	if at, ok := t.integer(found[0], 0); ok {
		r.offerTags(t, at, settingsAt, settingsBytes, base)
	} else if len(found[0].data) > 0 { // the directory itself and not where it is
		r.offerTags(t, found[0].at, settingsAt, settingsBytes, base)
	}
}

// fields reads the wanted tags of the directory at offset into found, in their order, and returns the offset of the
// next directory of the chain, or 0. Entries that lie outside the data do not count.
func (t tiff) fields(offset int64, wanted []uint16, found []rawField) (next int64) {
	size := int64(len(t.data))
	if offset < 0 || offset+2 > size {
		return 0
	}
	count := int64(t.order.Uint16(t.data[offset:]))
	end := offset + 2 + 12*count
	for at := offset + 2; at < end && at+12 <= size; at += 12 {
		i := slices.Index(wanted, t.order.Uint16(t.data[at:]))
		kind := t.order.Uint16(t.data[at+2:])
		if i < 0 || len(found[i].data) > 0 || int(kind) >= len(typeSizes) || typeSizes[kind] == 0 {
			continue
		}
		n := int64(t.order.Uint32(t.data[at+4:])) * typeSizes[kind]
		from := at + 8
		if n > 4 {
			from = int64(t.order.Uint32(t.data[at+8:]))
		}
		if n > 0 && from+n <= size {
			found[i] = rawField{field{kind, t.data[from : from+n]}, from}
		}
	}
	if end+4 > size {
		return 0
	}
	return int64(t.order.Uint32(t.data[end:]))
}

// integer is the i-th value of a field of whole numbers without sign.
func (t tiff) integer(f rawField, i int) (int64, bool) {
	switch f.kind {
	case typeShort:
		if len(f.data) >= 2*(i+1) {
			return int64(t.order.Uint16(f.data[2*i:])), true
		}
	case typeLong, typeIFD:
		if len(f.data) >= 4*(i+1) {
			return int64(t.order.Uint32(f.data[4*i:])), true
		}
	}
	return 0, false
}
