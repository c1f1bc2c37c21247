package imageprep

// #cgo LDFLAGS: -lheif
// #include "libheif.h"
// #cgo noescape clipseek_heic_read
// #cgo nocallback clipseek_heic_read
// #cgo noescape clipseek_heic_decode
// #cgo nocallback clipseek_heic_decode
import "C"

import "clipseek/orchestrator/fault"

// heicInfo is what the boxes of a HEIC file say of its primary picture.
type heicInfo struct {
	width, height        int // as shown: libheif turns and crops as the boxes say
	alpha, premultiplied bool
	exif, icc            []byte
}

// heicRead reads the boxes of a file and decodes nothing.
func heicRead(file []byte) (heicInfo, error) {
	var info C.struct_clipseek_heic
	if err := heicFault(C.clipseek_heic_read(bytesOf(file), C.size_t(len(file)), &info)); err != nil {
		return heicInfo{}, err
	}
	defer C.clipseek_heic_free(&info)
	return heicInfo{
		width: int(info.width), height: int(info.height),
		alpha: info.alpha != 0, premultiplied: info.premultiplied != 0,
		exif: copyBlock(info.exif), icc: copyBlock(info.icc),
	}, nil
}

// heicDecode decodes the primary picture of a file into out: RGB or RGBA. C borrows both buffers for the length of the
// call and keeps neither.
func heicDecode(file []byte, out plane) error {
	wanted := C.struct_clipseek_heic_pixels{width: C.int(out.w), height: C.int(out.h), channels: C.int(out.n)}
	return heicFault(C.clipseek_heic_decode(bytesOf(file), C.size_t(len(file)), &wanted, bytesOf(out.pix)))
}

// heicFault says what a status means for the file; nil for success.
func heicFault(status C.int) error {
	switch status {
	case C.CLIPSEEK_HEIC_OK:
		return nil
	case C.CLIPSEEK_HEIC_TRUNCATED:
		return endsEarly("HEIC")
	case C.CLIPSEEK_HEIC_EMPTY:
		return damaged("HEIC", "it holds no picture")
	case C.CLIPSEEK_HEIC_TOO_LARGE:
		return fault.TooLarge("the HEIC file holds more than libheif reads, which is 32768 pixels on a side; make the picture smaller")
	case C.CLIPSEEK_HEIC_KIND:
		return fault.Invalid("the HEIC file uses a feature that libheif cannot read; convert it to JPEG or AVIF")
	case C.CLIPSEEK_HEIC_NO_CODEC:
		return fault.Invalid("the HEIC file cannot be read because libheif has no decoder for it; install the one for HEVC (libde265) or convert the picture")
	case C.CLIPSEEK_HEIC_MEMORY:
		return noMemory()
	default:
		return damaged("HEIC", "its boxes or pixels cannot be decoded")
	}
}
