package imageprep

import (
	"bytes"
	"encoding/binary"
)

// Canon's CR3 is an ISO base media file (ISO/IEC 14496-12) of brand "crx ". Its boxes of type uuid hold EXIF blocks
// (CMT1 and CMT2) and small previews (THMB and PRVW); the first sample of a track is the full preview or sensor data.
const (
	uuidCanon   = "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"
	uuidPreview = "\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16"
)

func isCR3(file []byte) bool { return len(file) >= 12 && string(file[4:12]) == "ftypcrx " }

// readCR3 goes through the boxes of the file once; the depth is that of the format.
func (r *rawPicture) readCR3() {
	rest := r.file
	for {
		kind, content, next, ok := nextBox(rest)
		if !ok {
			r.cut = r.cut || len(rest) > 0
			return
		}
		rest = next
		switch {
		case kind == "moov":
			r.readMovie(content)
		case kind == "uuid" && bytes.HasPrefix(content, []byte(uuidPreview)) && len(content) > 24:
			r.readCanon(content[24:]) // behind the identifier come a version and a count
		}
	}
}

func (r *rawPicture) readMovie(data []byte) {
	for kind, content := range boxes(data) {
		switch {
		case kind == "uuid" && bytes.HasPrefix(content, []byte(uuidCanon)):
			r.readCanon(content[len(uuidCanon):])
		case kind == "trak":
			r.readTrack(content)
		}
	}
}

// readCanon reads the boxes of Canon's own.
func (r *rawPicture) readCanon(data []byte) {
	const jpegAt = 16 // behind version, sides and size, in both THMB and PRVW
	for kind, content := range boxes(data) {
		switch {
		case kind == "CMT1":
			if t, ok := openTIFF(content); ok {
				var found [1]field
				t.directory(t.first, found[:], tagOrientation)
				r.meta.orientation = t.orientation(found[0])
			}
		case kind == "CMT2":
			if t, ok := openTIFF(content); ok {
				r.meta.takenAt = t.takenIn(t.first)
			}
		case (kind == "THMB" || kind == "PRVW") && len(content) > jpegAt:
			r.offerBytes(content[jpegAt:], kind == "THMB")
		}
	}
}

// readTrack offers the first sample of a track.
func (r *rawPicture) readTrack(data []byte) {
	for _, kind := range [...]string{"mdia", "minf", "stbl"} {
		var ok bool
		if data, ok = boxIn(data, kind); !ok {
			return
		}
	}
	length, _ := boxIn(data, "stsz")
	offset, _ := boxIn(data, "co64")
	if len(length) < 12 {
		return
	}
	size := binary.BigEndian.Uint32(length[4:]) // of every sample, or 0 where each has its own
	if size == 0 && len(length) >= 16 {
		size = binary.BigEndian.Uint32(length[12:])
	}
	if len(offset) >= 16 {
		if at := binary.BigEndian.Uint64(offset[8:]); at < 1<<62 {
			r.offer(int64(at), int64(size))
		}
		return
	}
	if offset, _ = boxIn(data, "stco"); len(offset) >= 12 {
		r.offer(int64(binary.BigEndian.Uint32(offset[8:])), int64(size))
	}
}
