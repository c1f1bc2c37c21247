package imageprep

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"clipseek/orchestrator/fault"
)

func isJPEG(file []byte) bool { return bytes.HasPrefix(file, []byte("\xff\xd8\xff")) }

// JPEG marker codes (ITU-T T.81, table B.1).
const (
	markerSOF0 = 0xc0 // start of frame; 0xc0 to 0xcf but for the next three
	markerDHT  = 0xc4
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerRST0 = 0xd0 // restart; 0xd0 to 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP1 = 0xe1
	markerAPP2 = 0xe2
	markerTEM  = 0x01
)

// readJPEG walks the segments up to the first scan.
func readJPEG(file []byte) (header, error) {
	var (
		h     header
		found metadataSource
	)
	rest := file[2:]
	for {
		marker, segment, next, ok := nextSegment(rest)
		if !ok {
			return h, endsEarly("JPEG")
		}
		rest = next
		switch {
		case marker == markerSOS:
			if h.width == 0 {
				return h, damaged("JPEG", "it has no frame header before its pixels")
			}
			h.meta = found.read()
			h.whole = h.whole || len(segment) > 0 && int(segment[0]) < h.mode.bytesPerPixel()
			return h, nil
		case isFrame(marker):
			if err := h.readFrame(marker, segment); err != nil {
				return h, err
			}
		case marker == markerAPP1:
			found.addAPP1(segment)
		case marker == markerAPP2:
			found.icc.addAPP2(segment)
		}
	}
}

// nextSegment returns the marker code at or after the start of data, the segment's content and what follows. Bytes
// between segments that belong to none are skipped, as decoders do.
func nextSegment(data []byte) (marker byte, segment, rest []byte, ok bool) {
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 {
			return 0, nil, nil, false
		}
		for data = data[i:]; len(data) > 0 && data[0] == 0xff; {
			data = data[1:] // any number of 0xff may stand before a code
		}
		if len(data) == 0 {
			return 0, nil, nil, false
		}
		marker, data = data[0], data[1:]
		if marker == 0 || marker == markerTEM || marker >= markerRST0 && marker <= markerEOI {
			continue // stuffed zero, or a marker that stands alone
		}
		if len(data) < 2 {
			return 0, nil, nil, false
		}
		n := int(binary.BigEndian.Uint16(data))
		if n < 2 || n > len(data) {
			return 0, nil, nil, false
		}
		return marker, data[2:n], data[n:], true
	}
}

func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker <= 0xcf && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

func (h *header) readFrame(marker byte, segment []byte) error {
	if len(segment) < 6 {
		return damaged("JPEG", "its frame header is too short")
	}
	if bits := segment[0]; bits != 8 {
		return fault.Invalid("the JPEG file has %d bits per channel; only 8 can be read, so convert it first", bits)
	}
	if marker&3 == 3 {
		return fault.Invalid("the JPEG file is lossless (process %d), which cannot be read; save it as ordinary JPEG or as PNG", marker-markerSOF0)
	}
	h.whole = marker&3 == 2 // progressive
	h.height = int(binary.BigEndian.Uint16(segment[1:]))
	h.width = int(binary.BigEndian.Uint16(segment[3:]))
	if h.width == 0 || h.height == 0 {
		return damaged("JPEG", fmt.Sprintf("its size is %d x %d pixels", h.width, h.height))
	}
	switch channels := segment[5]; channels {
	case 1:
		h.mode = modeGray
	case 3:
		h.mode = modeRGB
	case 4:
		h.mode = modeCMYK
	default:
		return fault.Invalid("the JPEG file has %d channels; 1 (grey), 3 (colour) and 4 (CMYK) can be read", channels)
	}
	return nil
}
