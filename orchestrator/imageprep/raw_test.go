package imageprep

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// No camera's own file may be had for these tests, so they build files of each kind after the published layouts, as
// small as these allow, with the golden JPEGs as previews.

// container is a TIFF file being built: previews first, then the directories that point to them.
type container struct {
	order binary.AppendByteOrder
	block []byte
}

// newContainer begins a file with 4 bytes of magic, an offset to be set by first, and what a maker puts behind it.
func newContainer(magic, mark string) *container {
	c := &container{order: binary.LittleEndian, block: []byte(magic + "\x00\x00\x00\x00" + mark)}
	if magic[0] == 'M' {
		c.order = binary.BigEndian
	}
	return c
}

// put appends data at an even offset.
func (c *container) put(data []byte) (at uint32) {
	c.block = append(c.block, make([]byte, len(c.block)%2)...)
	at = uint32(len(c.block))
	c.block = append(c.block, data...)
	return at
}

func (c *container) directory(entries ...entry) (at uint32) {
	at = c.put(nil)
	slices.SortStableFunc(entries, func(a, b entry) int { return int(a.tag) - int(b.tag) })
	c.block = directoryBytes(c.order, c.block, entries)
	return at
}

// chain makes the directories follow each other, the first being the file's first.
func (c *container) chain(directories ...uint32) *container {
	pointer := 4
	for _, at := range directories {
		copy(c.block[pointer:], c.order.AppendUint32(nil, at))
		pointer = int(at) + 2 + 12*int(c.order.(binary.ByteOrder).Uint16(c.block[at:]))
	}
	return c
}

func (c *container) long(tag uint16, values ...uint32) entry {
	e := entry{tag: tag, kind: typeLong, count: uint32(len(values))}
	for _, v := range values {
		e.data = c.order.AppendUint32(e.data, v)
	}
	return e
}

func (c *container) short(tag uint16, values ...uint16) entry {
	e := entry{tag: tag, kind: typeShort, count: uint32(len(values))}
	for _, v := range values {
		e.data = c.order.AppendUint16(e.data, v)
	}
	return e
}

func bytesEntry(tag uint16, data []byte) entry { return entry{tag, 7, uint32(len(data)), data} }

// jpegAt are the two tags of a JPEG stream inside a TIFF file.
func (c *container) jpegAt(file []byte) []entry {
	return []entry{c.short(tagCompression, 6), c.long(rawTagJPEGOffset, c.put(file)), c.long(rawTagJPEGBytes, uint32(len(file)))}
}

// strip is a picture in one strip.
func (c *container) strip(compression, photometric uint16, data []byte) []entry {
	return []entry{c.long(0x0100, 97), c.long(0x0101, 61), c.short(0x0102, 8), c.short(tagCompression, compression), c.short(tagPhotometric, photometric),
		c.long(tagStripOffsets, c.put(data)), c.long(tagStripByteCounts, uint32(len(data))), c.long(0x0116, 61), c.short(0x0115, 1)}
}

// thumb is a small picture without compression, as many cameras write one for other programs.
func (c *container) thumb() []entry {
	entries := c.strip(1, 2, make([]byte, 16*12*3))
	entries[0], entries[1] = c.long(0x0100, 16), c.long(0x0101, 12)
	return entries
}

// sensor is a directory of what the sensor saw, as cameras write it: lossless JPEG, larger than any preview.
func (c *container) sensor(compression uint16) uint32 {
	return c.directory(c.strip(compression, photometricCFA, losslessJPEG())...)
}

func losslessJPEG() []byte {
	frame := []byte{0xff, 0xd8, 0xff, 0xc3, 0, 17, 8, 0x0f, 0xa0, 0x17, 0x70, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	return slices.Concat(frame, []byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0}, make([]byte, 300), []byte{0xff, 0xd9})
}

// panasonicMark stands behind the header of newer files, by which other programs know them from older ones.
const panasonicMark = "\x88\xe7\x74\xd8\xf8\x25\x1d\x4d\x94\x7a\x6e\x77\x82\x2b\x5d\x6a"

// shot is the first directory's part that all cameras write. Orientation 6 is a camera held upright.
func (c *container) shot(maker string, note []byte) []entry {
	exif := []entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09"), text(tagOffsetOriginal, "+01:00")}
	if note != nil {
		exif = append(exif, bytesEntry(rawTagMakerNote, note))
	}
	return []entry{text(0x010f, maker), text(0x0110, maker+" X1"), c.short(tagOrientation, 6), c.long(tagExifDirectory, c.directory(exif...))}
}

var shotAt = time.Date(2026, 11, 23, 13, 5, 9, 0, time.UTC)

func box(kind string, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

// rawFiles builds a file of each kind around a large preview and a small one. The name's ending is that of the maker;
// exiftool's name of the kind and of the large preview's tag follow.
func rawFiles(large, small []byte) map[string]struct {
	file      []byte
	kind, tag string
} {
	type built = struct {
		file      []byte
		kind, tag string
	}
	files := map[string]built{}

	c := newContainer("II*\x00", "CR\x02\x00\x00\x00\x00\x00")
	c.chain(c.directory(append(c.shot("Canon", nil), c.short(tagCompression, 6), c.long(tagStripOffsets, c.put(large)), c.long(tagStripByteCounts, uint32(len(large))))...),
		c.directory(c.jpegAt(small)...),
		c.directory(c.thumb()...),
		c.directory(c.short(tagCompression, 6), c.long(tagStripOffsets, c.put(losslessJPEG())), c.long(tagStripByteCounts, uint32(len(losslessJPEG())))))
	files["canon.cr2"] = built{c.block, "CR2", "PreviewImage"}

	files["canon.cr3"] = built{cr3File(large, small), "CR3", "JpgFromRaw"}

	c = newContainer("MM\x00*", "")
	subs := c.long(rawTagSubDirectories, c.directory(c.jpegAt(large)...), c.sensor(34713))
	c.chain(c.directory(slices.Concat(c.shot("NIKON CORPORATION", nikonNote(c, small)), c.thumb(), []entry{subs})...))
	files["nikon.nef"] = built{c.block, "NEF", "JpgFromRaw"}

	c = newContainer("II*\x00", "") // a camera whose larger preview is in its note
	subs = c.long(rawTagSubDirectories, c.sensor(34713))
	c.chain(c.directory(slices.Concat(c.shot("NIKON", nikonNote(c, large)), c.jpegAt(small), []entry{subs})...))
	files["nikon-note.nrw"] = built{c.block, "NRW", "MakerNotes:PreviewImage"}

	c = newContainer("II*\x00", "")
	subs = c.long(rawTagSubDirectories, c.sensor(32767))
	c.chain(c.directory(slices.Concat(c.shot("SONY", nil), c.jpegAt(small), []entry{subs})...), c.directory(c.jpegAt(small)...), c.directory(c.jpegAt(large)...))
	files["sony.arw"] = built{c.block, "ARW", "JpgFromRaw"}

	c = newContainer("II*\x00", "")
	subs = c.long(rawTagSubDirectories, c.sensor(1))
	c.chain(c.directory(slices.Concat(c.shot("SONY", nil), c.jpegAt(large), []entry{subs})...))
	files["sony.sr2"] = built{c.block, "SR2", "PreviewImage"}

	c = newContainer("II*\x00", "")
	subs = c.long(rawTagSubDirectories, c.sensor(7), c.directory(append(c.strip(7, 6, large), c.long(0x00fe, 1))...), c.directory(append(c.strip(7, 6, small), c.long(0x00fe, 1))...))
	c.chain(c.directory(slices.Concat(c.shot("Apple", nil), c.thumb(), []entry{c.long(0x00fe, 1), {rawTagDNGVersion, 1, 4, []byte{1, 6, 0, 0}}, subs})...))
	files["adobe.dng"] = built{c.block, "DNG", "PreviewImage"}

	c = newContainer("IIRO", "")
	c.chain(c.directory(slices.Concat(c.shot("OLYMPUS CORPORATION", olympusNote(c, "OLYMPUS\x00II\x03\x00", large)), c.strip(1, photometricCFA, make([]byte, 500)))...))
	files["olympus.orf"] = built{c.block, "ORF", "PreviewImage"}

	c = newContainer("IIRS", "")
	c.chain(c.directory(slices.Concat(c.shot("OM Digital Solutions", olympusNote(c, "OM SYSTEM\x00\x00\x00II\x04\x00", large)), c.strip(1, photometricCFA, make([]byte, 500)))...))
	files["om.orf"] = built{c.block, "ORF", "PreviewImage"}

	c = newContainer("MMOR", "") // offsets of the first cameras count from the start of the file
	at := c.put(large)
	note := directoryBytes(c.order, []byte("OLYMP\x00\x01\x00"), []entry{c.long(0x0088, at), c.long(0x0089, uint32(len(large)))})
	c.chain(c.directory(slices.Concat(c.shot("OLYMPUS OPTICAL CO.,LTD", note), c.strip(1, photometricCFA, make([]byte, 500)))...))
	files["olympus-old.orf"] = built{c.block, "ORF", "PreviewImage"}

	c = newContainer("IIU\x00", panasonicMark)
	c.chain(c.directory(append(c.shot("Panasonic", nil), bytesEntry(rawTagJPEG, large), c.short(0x0002, 97), c.short(0x0003, 61))...))
	files["panasonic.rw2"] = built{c.block, "RW2", "JpgFromRaw"}

	c = newContainer("IIU\x00", panasonicMark)
	c.chain(c.directory(append(c.shot("LEICA", nil), bytesEntry(rawTagJPEG, large))...))
	files["leica.rwl"] = built{c.block, "RWL", "JpgFromRaw"}

	c = newContainer("IIU\x00", panasonicMark)
	c.chain(c.directory(append(c.shot("Panasonic", nil), bytesEntry(rawTagJPEG, small), bytesEntry(rawTagLargerJPEG, large))...))
	files["panasonic-larger.rw2"] = built{c.block, "RW2", ""} // exiftool knows the tag from 12.60 on

	head := append([]byte(rafMagic+"0201FF159502X-T1"), make([]byte, 160-32)...)
	binary.BigEndian.PutUint32(head[84:], uint32(len(head)))
	binary.BigEndian.PutUint32(head[88:], uint32(len(large)))
	files["fuji.raf"] = built{slices.Concat(head, large), "RAF", "PreviewImage"}

	c = newContainer("MM\x00*", "")
	c.chain(c.directory(append(c.shot("PENTAX Corporation", nil), c.strip(65535, photometricCFA, make([]byte, 500))...)...),
		c.directory(c.jpegAt(small)...), c.directory(c.jpegAt(large)...))
	files["pentax.pef"] = built{c.block, "PEF", "JpgFromRaw"}

	c = newContainer("MM\x00*", "")
	note = directoryBytes(c.order, []byte("AOC\x00MM"), []entry{c.long(3, uint32(len(large))), c.long(4, c.put(large))})
	c.chain(c.directory(append(c.shot("PENTAX Corporation", note), c.strip(65535, photometricCFA, make([]byte, 500))...)...), c.directory(c.jpegAt(small)...))
	files["pentax-note.pef"] = built{c.block, "PEF", "PreviewImage"}

	c = newContainer("II*\x00", "")
	subs = c.long(rawTagSubDirectories, c.directory(c.jpegAt(large)...), c.sensor(32770))
	c.chain(c.directory(append(c.shot("SAMSUNG", nil), subs)...), c.directory(c.jpegAt(small)...))
	files["samsung.srw"] = built{c.block, "SRW", "JpgFromRaw"}

	c = newContainer("II*\x00", "")
	subs = c.long(rawTagSubDirectories, c.sensor(7), c.directory(c.jpegAt(large)...))
	c.chain(c.directory(append(c.shot("Hasselblad", nil), subs)...))
	files["hasselblad.3fr"] = built{c.block, "3FR", "OtherImage"}

	c = newContainer("II*\x00", "IIII\x04waR\x00\x00\x00\x00")
	c.chain(c.directory(append(c.shot("Phase One A/S", nil), c.jpegAt(large)...)...))
	files["phaseone.iiq"] = built{c.block, "IIQ", "OtherImage"}
	return files
}

// nikonNote is a TIFF block of its own behind the maker's name: the note's directory, that of the preview, the preview.
func nikonNote(c *container, preview []byte) []byte {
	n := newContainer(string(c.block[:4]), "")
	const previewAt, jpegAt = 8 + 18, 8 + 18 + 42 // behind directories of one and three entries
	n.chain(n.directory(n.long(0x0011, previewAt)))
	n.directory(n.short(tagCompression, 6), n.long(rawTagJPEGOffset, jpegAt), n.long(rawTagJPEGBytes, uint32(len(preview))))
	n.put(preview)
	return append([]byte("Nikon\x00\x02\x10\x00\x00"), n.block...)
}

// olympusNote puts the preview behind the note's directories; offsets count from the note's start.
func olympusNote(c *container, head string, preview []byte) []byte {
	settingsAt := uint32(len(head) + 2 + 12 + 4)
	previewAt := settingsAt + 2 + 3*12 + 4
	note := directoryBytes(c.order, []byte(head), []entry{{0x2020, typeIFD, 1, c.order.AppendUint32(nil, settingsAt)}})
	note = directoryBytes(c.order, note, []entry{c.long(0x0100, 1), c.long(0x0101, previewAt), c.long(0x0102, uint32(len(preview)))})
	return append(note, preview...)
}

// cr3File holds a preview in a track, one in the box for it and one for the camera's screen, and a track of sensor data.
func cr3File(large, small []byte) []byte {
	be := binary.BigEndian
	root := tiffBlock(be, []entry{text(0x010f, "Canon"), text(0x0110, "Canon EOS R"), {tagOrientation, typeShort, 1, short(be, 6)}}, nil)
	exif := tiffBlock(be, []entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09"), text(tagOffsetOriginal, "+01:00")}, nil)
	size := func(n int) []byte { return be.AppendUint32(nil, uint32(n)) }
	track := func(data []byte, offset int) []byte {
		entries := size(1)
		craw := box("CRAW", make([]byte, 78), box("JPEG", make([]byte, 4)))
		return box("trak", box("mdia",
			box("hdlr", make([]byte, 8), []byte("vide"), make([]byte, 12)),
			box("minf", box("stbl", box("stsd", make([]byte, 4), entries, craw),
				box("stsc", make([]byte, 4), entries, size(1), size(1), size(1)),
				box("stsz", make([]byte, 4), size(0), entries, size(len(data))),
				box("co64", make([]byte, 4), entries, be.AppendUint64(nil, uint64(offset)))))))
	}
	small16 := slices.Concat([]byte{0, 97, 0, 61}, size(len(small)), []byte{0, 1, 0, 0})
	preview := box("uuid", []byte(uuidPreview), size(0), size(1), box("PRVW", size(0), []byte{0, 1, 0, 97, 0, 61, 0, 1}, size(len(small)), small))
	build := func(mediaAt int) []byte {
		canon := box("uuid", []byte(uuidCanon), box("CNCV", []byte("CanonCR3_001/00.09.00/00.00.00")), box("CMT1", root), box("CMT2", exif), box("THMB", size(0), small16, small))
		return slices.Concat(box("ftyp", []byte("crx "), size(1), []byte("crx isom")),
			box("moov", canon, track(large, mediaAt), track(losslessJPEG(), mediaAt+len(large))), preview,
			box("mdat", large, losslessJPEG()))
	}
	return build(len(build(0)) - len(large) - len(losslessJPEG()))
}

// goldenPreviews are a large preview, larger than the small one by pixels and smaller by bytes.
func goldenPreviews(t testing.TB) (large, small []byte) {
	t.Helper()
	return readFile(t, "testdata/golden/rgb-444-progressive.jpg"), readFile(t, "testdata/golden/grey.jpg")
}

// TestRAW takes the large preview of each kind, turned as the camera was held, and gives the pixels of that JPEG.
func TestRAW(t *testing.T) {
	t.Parallel()
	large, small := goldenPreviews(t)
	decoder := newDecoder(t, Default())
	plain, err := decoder.Decode(large)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Release()
	for name, raw := range rawFiles(large, small) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			picture, err := decoder.Decode(raw.file)
			if err != nil {
				t.Fatal(err)
			}
			defer picture.Release()
			if !bytes.Equal(picture.file, large) {
				t.Fatalf("the preview has %d bytes, want the %d of the large one", len(picture.file), len(large))
			}
			info := picture.Info()
			turned, at := orientation(6), shotAt
			if name == "fuji.raf" { // says neither itself
				turned, at = upright, time.Time{}
			}
			if info.Format != "raw" || picture.turn != turned || !info.TakenAt.Equal(at) {
				t.Errorf("%+v turned %d, want raw, turned %d, taken at %v", info, picture.turn, turned, at)
			}
			wantWidth, wantHeight := plain.width, plain.height
			if turned.swapsSides() {
				wantWidth, wantHeight = wantHeight, wantWidth
			}
			if info.Width != wantWidth || info.Height != wantHeight {
				t.Errorf("%d x %d, want %d x %d", info.Width, info.Height, wantWidth, wantHeight)
			}
			picture.turn = upright
			spec := Spec{Size: 20, Resize: model.ResizeSquash}
			want, err := newDecoder(t, Default()).Decode(large)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(squareOf(t, picture, spec), squareOf(t, want, spec)) {
				t.Error("the pixels are not those of the preview")
			}
		})
	}
}

// TestExiftool has another program read the same files: it must see the kind they are meant to be and find the same
// bytes behind the tag of the large preview.
func TestExiftool(t *testing.T) {
	t.Parallel()
	exiftool, err := exec.LookPath("exiftool")
	if err != nil {
		t.Skip("needs exiftool, which only development has")
	}
	large, small := goldenPreviews(t)
	dir := t.TempDir()
	for name, raw := range rawFiles(large, small) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw.file, 0o600); err != nil {
			t.Fatal(err)
		}
		kind, err := exec.CommandContext(t.Context(), exiftool, "-s3", "-FileType", path).Output()
		if err != nil || strings.TrimSpace(string(kind)) != raw.kind {
			t.Errorf("%s: exiftool takes it for %q (%v), want %s", name, kind, err, raw.kind)
		}
		preview, err := exec.CommandContext(t.Context(), exiftool, "-b", "-"+raw.tag, path).Output()
		if raw.tag != "" && (err != nil || !bytes.Equal(preview, large)) {
			t.Errorf("%s: exiftool finds %d bytes behind %s (%v), want %d", name, len(preview), raw.tag, err, len(large))
		}
		if name == "fuji.raf" {
			continue // its preview would hold both
		}
		shot, err := exec.CommandContext(t.Context(), exiftool, "-s3", "-n", "-Orientation", "-DateTimeOriginal", path).Output()
		if err != nil || string(shot) != "6\n2026:11:23 14:05:09\n" {
			t.Errorf("%s: exiftool reads orientation and date as %q (%v)", name, shot, err)
		}
	}
}

// TestRAWOrientation turns a preview once: as its own EXIF says, or else as the container does.
func TestRAWOrientation(t *testing.T) {
	t.Parallel()
	plain, turned := readFile(t, "testdata/golden/rgb-420.jpg"), readFile(t, "testdata/golden/turned-3.jpg")
	dated := time.Date(2024, 5, 17, 16, 30, 5, 0, time.UTC)
	build := func(preview []byte, entries ...entry) []byte {
		c := newContainer("II*\x00", "")
		dng := entry{rawTagDNGVersion, 1, 4, []byte{1, 4, 0, 0}}
		return c.chain(c.directory(slices.Concat(c.jpegAt(preview), entries, []entry{dng})...)).block
	}
	le := binary.LittleEndian
	eight := entry{tagOrientation, typeShort, 1, short(le, 8)}
	for name, tc := range map[string]struct {
		file []byte
		want orientation
		date time.Time
	}{
		"neither says":        {build(plain), 1, time.Time{}},
		"the container":       {build(plain, eight), 8, time.Time{}},
		"the preview":         {build(turned), 3, dated},
		"both":                {build(turned, eight), 3, dated},
		"no such orientation": {build(plain, entry{tagOrientation, typeShort, 1, short(le, 9)}), 1, time.Time{}},
		"date of TIFF/EP":     {build(turned, text(tagDateTimeOriginal, "2026:11:23 13:05:09")), 3, shotAt},
	} {
		h, err := readRAW(tc.file)
		if err != nil || h.meta.orientation != tc.want || !h.meta.takenAt.Equal(tc.date) {
			t.Errorf("%s: %d, %v (%v), want %d, %v", name, h.meta.orientation, h.meta.takenAt, err, tc.want, tc.date)
		}
	}
}

// TestRAWRefused says why a RAW file has no picture, and leaves what is none to others.
func TestRAWRefused(t *testing.T) {
	t.Parallel()
	large, small := goldenPreviews(t)
	cmyk := readFile(t, "testdata/golden/cmyk.jpg")
	files := rawFiles(large, small)
	dng := func(entries func(c *container) []entry) []byte {
		c := newContainer("II*\x00", "")
		return c.chain(c.directory(append(entries(c), entry{rawTagDNGVersion, 1, 4, []byte{1, 4, 0, 0}})...)).block
	}
	const none, early = "holds no JPEG preview", "ends early"
	for name, tc := range map[string]struct {
		file []byte
		says string
	}{
		"nothing but the sensor":  {dng(func(c *container) []entry { return c.strip(7, photometricCFA, losslessJPEG()) }), none},
		"an uncompressed preview": {dng(func(c *container) []entry { return c.strip(1, 2, make([]byte, 900)) }), none},
		"a lossy sensor":          {dng(func(c *container) []entry { return c.strip(34892, photometricLinearRaw, large) }), none},
		"a mask":                  {dng(func(c *container) []entry { return c.strip(7, 52527, large) }), none},
		"CMYK":                    {dng(func(c *container) []entry { return c.jpegAt(cmyk) }), none},
		"several strips": {dng(func(c *container) []entry {
			at := c.put(large)
			return []entry{c.long(tagStripOffsets, at, at+9), c.long(tagStripByteCounts, 9, 90)}
		}), none},
		"cut before the preview": {dng(func(c *container) []entry {
			return []entry{c.long(rawTagJPEGOffset, 1<<20), c.long(rawTagJPEGBytes, 1<<20)}
		}), early},
		"RAF cut in its header":    {files["fuji.raf"].file[:80], early},
		"RAF cut before its JPEG":  {files["fuji.raf"].file[:160], early},
		"CR3 cut in its first box": {files["canon.cr3"].file[:40], early},
		"a preview with no pixels": {dng(func(c *container) []entry { return c.jpegAt(large[:sofEnd(t, large)]) }), "preview in the camera RAW file: the JPEG file ends early"},
	} {
		_, err := newDecoder(t, Default()).Decode(tc.file)
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.says) {
			t.Errorf("%s: %v, want Invalid with %q", name, err, tc.says)
		}
	}
	plain := func(entries func(c *container) []entry) []byte {
		c := newContainer("II*\x00", "")
		return c.chain(c.directory(entries(c)...)).block
	}
	for name, file := range map[string][]byte{
		"uncompressed": plain(func(c *container) []entry { return c.strip(1, 2, make([]byte, 900)) }),
		"JPEG":         plain(func(c *container) []entry { return c.strip(7, 6, large) }),
		"old JPEG":     plain(func(c *container) []entry { return append(c.jpegAt(large), text(0x010f, "Canon")) }),
		"with EXIF": plain(func(c *container) []entry {
			return append(c.strip(1, 2, make([]byte, 900)), c.shot("NIKON", nikonNote(c, small))...)
		}),
		"packed by bits": plain(func(c *container) []entry { return c.strip(32773, 2, make([]byte, 900)) }),
	} {
		if isRAW(file) {
			t.Errorf("a TIFF (%s) was taken for a RAW file", name)
		}
	}
	decoder, whole := newDecoder(t, Default()), files["nikon.nef"].file
	for n := range whole { // cut anywhere it is refused or shows a smaller preview, and never fails otherwise
		picture, err := decoder.Decode(whole[:n])
		if err == nil {
			picture.Release()
		} else if fault.KindOf(err) != fault.KindInvalid {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

// sofEnd is the end of a progressive JPEG's frame header.
func sofEnd(t *testing.T, file []byte) int {
	t.Helper()
	at := bytes.Index(file, []byte{0xff, 0xc2, 0})
	if at < 0 {
		t.Fatal("the JPEG has no progressive frame")
	}
	return at + 2 + int(binary.BigEndian.Uint16(file[at+2:]))
}

// TestRAWLoops ends where directories point at each other, or at more than any camera writes.
func TestRAWLoops(t *testing.T) {
	t.Parallel()
	c := newContainer("II*\x00", strings.Repeat("\x00", 1000))
	dng := entry{rawTagDNGVersion, 1, 4, []byte{1, 4, 0, 0}}
	var many []uint32
	for at := uint32(8); at < 900; at += 2 {
		many = append(many, at)
	}
	first := c.directory(c.long(rawTagSubDirectories, many...), dng)
	c.chain(first, first)
	if _, err := newDecoder(t, Default()).Decode(c.block); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("%v, want Invalid", err)
	}
}
