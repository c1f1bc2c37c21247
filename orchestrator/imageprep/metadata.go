package imageprep

import (
	"bytes"
	"regexp"
	"time"
)

// metadata is what a file says about its picture beside the pixels.
type metadata struct {
	orientation orientation
	oriented    bool // the file says that orientation; upright is assumed where it says none
	takenAt     time.Time
	icc         iccProfile
}

// metadataSource collects the blocks of a file that hold metadata, in any order, for read.
type metadataSource struct {
	exif       []byte // an EXIF block, with or without its marker
	exifIsText bool   // it came from a text, which an EXIF chunk overrules
	xmp        []byte // an XMP packet: XML
	icc        iccProfile
}

var (
	exifMarker = []byte("Exif\x00\x00")
	xmpMarker  = []byte("http://ns.adobe.com/xap/1.0/\x00")
)

// addAPP1 takes a JPEG segment. EXIF too long for one segment goes on in the next.
func (s *metadataSource) addAPP1(segment []byte) {
	switch {
	case bytes.HasPrefix(segment, exifMarker) && s.exif == nil:
		s.exif = segment[:len(segment):len(segment)] // so that the next append copies
	case bytes.HasPrefix(segment, exifMarker):
		s.exif = append(s.exif, segment[len(exifMarker):]...)
	case bytes.HasPrefix(segment, xmpMarker):
		s.xmp = segment[len(xmpMarker):]
	}
}

// addTIFF takes the content of WebP's EXIF chunk; the first counts.
func (s *metadataSource) addTIFF(block []byte) {
	if s.exif == nil {
		s.exif = block
	}
}

// addXMP takes the content of WebP's XMP chunk; the first counts.
func (s *metadataSource) addXMP(packet []byte) {
	if s.xmp == nil {
		s.xmp = packet
	}
}

// orientationInXMP finds an orientation in an XMP packet by the same pattern as Pillow.
var orientationInXMP = regexp.MustCompile(`tiff:Orientation(?:="|>)([0-9])`)

// read interprets what was collected. The orientation is EXIF's or, where EXIF has none, XMP's, as in Pillow; damaged
// metadata count as none, because a picture can be shown without them.
func (s metadataSource) read() metadata {
	m := metadata{orientation: upright, icc: s.icc}
	if len(s.exif) > 0 {
		t, ok := openTIFF(s.exif)
		if !ok {
			return m
		}
		var root [2]field
		t.directory(t.first, root[:], tagOrientation, tagExifDirectory)
		m.takenAt = t.takenAt(root[1])
		if f := root[0]; len(f.data) > 0 {
			if o := t.orientation(f); o != 0 {
				m.orientation, m.oriented = o, true
			}
			return m
		}
	}
	if match := orientationInXMP.FindSubmatch(s.xmp); match != nil {
		if v := orientation(match[1][0] - '0'); v >= 1 && v <= 8 {
			m.orientation, m.oriented = v, true
		}
	}
	return m
}
