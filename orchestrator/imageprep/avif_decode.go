package imageprep

// #cgo LDFLAGS: -lavif
// #include "libavif.h"
// #cgo noescape clipseek_avif_read
// #cgo nocallback clipseek_avif_read
// #cgo noescape clipseek_avif_decode
// #cgo nocallback clipseek_avif_decode
import "C"

import "clipseek/orchestrator/fault"

// avifInfo is what the boxes of an AVIF file say.
type avifInfo struct {
	width, height  int
	alpha, grey    bool
	turned         orientation // by the file's own boxes, which EXIF does not overrule
	exif, xmp, icc []byte
}

// avifRead reads the boxes of a file and decodes nothing.
func avifRead(file []byte) (avifInfo, error) {
	var info C.struct_clipseek_avif
	if err := avifFault(C.clipseek_avif_read(bytesOf(file), C.size_t(len(file)), &info)); err != nil {
		return avifInfo{}, err
	}
	defer C.clipseek_avif_free(&info)
	return avifInfo{
		width: int(info.width), height: int(info.height),
		alpha: info.alpha != 0, grey: info.grey != 0,
		turned: turnedBy(int(info.turn), int(info.mirror)),
		exif:   copyBlock(info.exif), xmp: copyBlock(info.xmp), icc: copyBlock(info.icc),
	}, nil
}

// avifDecode decodes the first picture of a file into out: grey, RGB or RGBA. C borrows both buffers for the length of
// the call and keeps neither.
func avifDecode(file []byte, out plane) error {
	wanted := C.struct_clipseek_avif_pixels{width: C.uint32_t(out.w), height: C.uint32_t(out.h), channels: C.int(out.n)}
	return avifFault(C.clipseek_avif_decode(bytesOf(file), C.size_t(len(file)), &wanted, bytesOf(out.pix)))
}

// avifFault says what a status means for the file; nil for success.
func avifFault(status C.int) error {
	switch status {
	case C.CLIPSEEK_AVIF_OK:
		return nil
	case C.CLIPSEEK_AVIF_TRUNCATED:
		return endsEarly("AVIF")
	case C.CLIPSEEK_AVIF_EMPTY:
		return damaged("AVIF", "it holds no picture")
	case C.CLIPSEEK_AVIF_TOO_LARGE:
		return fault.TooLarge("the AVIF picture has more than the 268435456 pixels (16384 x 16384) that can be read; make it smaller")
	case C.CLIPSEEK_AVIF_KIND:
		return fault.Invalid("the AVIF file has colours that cannot be converted to RGB; save it again as 4:4:4 or as a JPEG")
	case C.CLIPSEEK_AVIF_NO_CODEC:
		return fault.Invalid("the AVIF file cannot be read because libavif was built without an AV1 decoder; install one with dav1d or convert the picture")
	case C.CLIPSEEK_AVIF_MEMORY:
		return noMemory()
	default:
		return damaged("AVIF", "its boxes or pixels cannot be decoded")
	}
}
