package imageprep

import (
	"bytes"
	"encoding/binary"

	"clipseek/orchestrator/fault"
)

// rawPicture is what a camera RAW file is to this package: the largest of its previews, each a JPEG file inside it, and
// what the container says about the shot. Sensor data are never developed; a lossless JPEG is sensor data.
type rawPicture struct {
	file    []byte
	meta    metadata // of the container; the orientation is 0 where it says none
	preview []byte   // part of file; nil if none was found
	pixels  int64    // of preview
	isThumb bool     // preview is one of the small pictures for the camera's screen, which any other replaces
	cut     bool     // a preview lies beyond the end of the file
}

// openRAW finds the preview of a camera RAW file, and tells whether file is one. Its time depends on the number of
// directories and not on the number of pixels.
func openRAW(file []byte) (rawPicture, bool) {
	r := rawPicture{file: file}
	switch {
	case isRAF(file):
		r.readRAF()
	case isCR3(file):
		r.readCR3()
	default:
		return r, r.readDirectories()
	}
	return r, true
}

func isRAW(file []byte) bool {
	_, is := openRAW(file)
	return is
}

// readRAW gives the header of the preview, which is decoded as the JPEG file it is.
//
// Cameras store previews as the sensor was read, and say how to turn them in the container's first directory. Some
// previews carry an EXIF block of their own that says the same again, so the preview's orientation counts where it has
// one and the container's where it has none; never both. This is also what LibRaw does when it writes a preview to a
// file. The date is the container's, or else the preview's.
func readRAW(file []byte) (header, error) {
	r, _ := openRAW(file)
	switch {
	case r.preview == nil && r.cut:
		return header{}, endsEarly("camera RAW")
	case r.preview == nil:
		return header{}, fault.Invalid("the camera RAW file holds no JPEG preview that can be shown; convert it to JPEG, or to DNG with a preview")
	}
	h, err := readJPEG(r.preview)
	if err != nil {
		return h, fault.At("the preview in the camera RAW file", err)
	}
	h.jpeg = r.preview
	if !h.meta.oriented && r.meta.orientation != 0 {
		h.meta.orientation = r.meta.orientation
	}
	if !r.meta.takenAt.IsZero() {
		h.meta.takenAt = r.meta.takenAt
	}
	return h, nil
}

// offer takes the bytes of file at offset as the preview if they are a JPEG of more pixels than the one before; of two
// as large, the one of more bytes is the better. A length that reaches beyond the file is cut, for the decoder to see
// whether anything is missing.
func (r *rawPicture) offer(offset, length int64) {
	size := int64(len(r.file))
	if offset <= 0 || length <= 0 {
		return
	}
	if offset >= size {
		r.cut = true
		return
	}
	r.offerBytes(r.file[offset:min(offset+length, size)], false)
}

func (r *rawPicture) offerBytes(data []byte, isThumb bool) {
	pixels, ok := previewPixels(data)
	if !ok || r.preview != nil && isThumb && !r.isThumb {
		return
	}
	if better := pixels > r.pixels || pixels == r.pixels && len(data) > len(r.preview); better || r.isThumb && !isThumb {
		r.preview, r.pixels, r.isThumb = data, pixels, isThumb
	}
}

// previewHeader is how far into a preview its frame header is looked for: behind some metadata, of 64 KiB each.
const previewHeader = 1 << 20

// previewPixels is the number of pixels that a JPEG's own header gives; ok is false for what is no JPEG or no preview:
// lossless, of other than 8 bits, or CMYK.
func previewPixels(data []byte) (pixels int64, ok bool) {
	if !isJPEG(data) {
		return 0, false
	}
	for rest := data[2:min(len(data), previewHeader)]; ; {
		marker, segment, next, ok := nextSegment(rest)
		if !ok || marker == markerSOS {
			return 0, false
		}
		if isFrame(marker) {
			var h header
			err := h.readFrame(marker, segment)
			return int64(h.width) * int64(h.height), err == nil && h.mode != modeCMYK
		}
		rest = next
	}
}

// rafMagic begins Fujifilm's RAF file, whose header says where its one preview is: a JPEG with EXIF of its own, which
// holds the orientation and the date of the shot.
const rafMagic = "FUJIFILMCCD-RAW "

func isRAF(file []byte) bool { return bytes.HasPrefix(file, []byte(rafMagic)) }

func (r *rawPicture) readRAF() {
	const previewAt = 84 // offset and length, behind the camera's name and versions
	if len(r.file) < previewAt+8 {
		r.cut = true
		return
	}
	r.offer(int64(binary.BigEndian.Uint32(r.file[previewAt:])), int64(binary.BigEndian.Uint32(r.file[previewAt+4:])))
}
