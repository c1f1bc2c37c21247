package imageprep

import "encoding/binary"

// Canon's CR3 is an ISO base media file (ISO/IEC 14496-12) of brand "crx ". Its boxes of type uuid hold EXIF blocks
// (CMT1 and CMT2) and small previews (THMB and PRVW); the first sample of a track is the full preview or sensor data.
const (
	uuidCanon   = "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"
	uuidPreview = "\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16"
)

func isCR3(file []byte) bool { return len(file) >= 12 && string(file[4:12]) == "ftypcrx " }

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// cr3Box is one box: its type and its content.
type cr3Box struct {
	kind string
	data []byte
}

// nextBox splits off a box. One whose size is 0 goes to the end; one that claims more than there is does not count.
func nextBox(data []byte) (b cr3Box, rest []byte, ok bool) {
	if len(data) < 8 {
		return b, nil, false
	}
	size, head := uint64(be32(data)), uint64(8)
	switch size {
	case 0:
		size = uint64(len(data))
	case 1:
		if len(data) < 16 {
			return b, nil, false
		}
		size, head = binary.BigEndian.Uint64(data[8:]), 16
	}
	if size < head || size > uint64(len(data)) {
		return b, nil, false
	}
	return cr3Box{string(data[4:8]), data[head:size]}, data[size:], true
}

// readCR3 goes through the boxes of the file once; the depth is that of the format.
func (r *rawPicture) readCR3() {
	rest := r.file
	for {
		b, next, ok := nextBox(rest)
		if !ok {
			r.cut = r.cut || len(rest) > 0
			return
		}
		rest = next
		switch {
		case b.kind == "moov":
			r.readMovie(b.data)
		case b.kind == "uuid" && hasPrefix(b.data, uuidPreview) && len(b.data) > 24:
			r.readCanon(b.data[24:]) // behind the identifier come a version and a count
		}
	}
}

func hasPrefix(data []byte, prefix string) bool {
	return len(data) >= len(prefix) && string(data[:len(prefix)]) == prefix
}

func (r *rawPicture) readMovie(data []byte) {
	for {
		b, next, ok := nextBox(data)
		if !ok {
			return
		}
		data = next
		switch {
		case b.kind == "uuid" && hasPrefix(b.data, uuidCanon):
			r.readCanon(b.data[len(uuidCanon):])
		case b.kind == "trak":
			r.readTrack(b.data)
		}
	}
}

// readCanon reads the boxes of Canon's own.
func (r *rawPicture) readCanon(data []byte) {
	const jpegAt = 16 // behind version, sides and size, in both THMB and PRVW
	for {
		b, next, ok := nextBox(data)
		if !ok {
			return
		}
		data = next
		switch {
		case b.kind == "CMT1":
			if t, ok := openTIFF(b.data); ok {
				var found [1]field
				t.directory(t.first, found[:], tagOrientation)
				r.meta.orientation = t.orientation(found[0])
			}
		case b.kind == "CMT2":
			if t, ok := openTIFF(b.data); ok {
				r.meta.takenAt = t.takenIn(t.first)
			}
		case (b.kind == "THMB" || b.kind == "PRVW") && len(b.data) > jpegAt:
			r.offerBytes(b.data[jpegAt:], b.kind == "THMB")
		}
	}
}

// readTrack offers the first sample of a track.
func (r *rawPicture) readTrack(data []byte) {
	for _, kind := range [...]string{"mdia", "minf", "stbl"} {
		if data = boxWithin(data, kind); data == nil {
			return
		}
	}
	length, offset := boxWithin(data, "stsz"), boxWithin(data, "co64")
	if len(length) < 12 {
		return
	}
	size := be32(length[4:]) // of every sample, or 0 where each has its own
	if size == 0 && len(length) >= 16 {
		size = be32(length[12:])
	}
	if len(offset) >= 16 {
		if at := binary.BigEndian.Uint64(offset[8:]); at < 1<<62 {
			r.offer(int64(at), int64(size))
		}
		return
	}
	if offset = boxWithin(data, "stco"); len(offset) >= 12 {
		r.offer(int64(be32(offset[8:])), int64(size))
	}
}

// boxWithin is the content of the first box of a kind, or nil.
func boxWithin(data []byte, kind string) []byte {
	for {
		b, next, ok := nextBox(data)
		if !ok || b.kind == kind {
			return b.data
		}
		data = next
	}
}
