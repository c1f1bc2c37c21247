package imageprep

// #cgo LDFLAGS: -ljpeg
// #include "libjpeg.h"
import "C"

import (
	"unsafe"

	"clipseek/orchestrator/fault"
)

// maxScans bounds the work that a small progressive file can ask for: each scan passes over the whole picture.
// Encoders write about ten.
const maxScans = 100

// decodeJPEG decodes into p.pixels. C borrows both buffers for the length of the call and keeps neither.
func decodeJPEG(file []byte, h header, p *Picture) error {
	var message [C.CLIPSEEK_JPEG_MESSAGE]C.char
	status := C.clipseek_jpeg_decode((*C.uint8_t)(unsafe.SliceData(file)), C.size_t(len(file)),
		C.uint(h.width), C.uint(h.height), C.int(h.mode.bytesPerPixel()), maxScans,
		(*C.uint8_t)(unsafe.SliceData(p.pixels.pix)), &message[0])
	switch status {
	case C.CLIPSEEK_JPEG_OK:
		return nil
	case C.CLIPSEEK_JPEG_TRUNCATED:
		return endsEarly("JPEG")
	case C.CLIPSEEK_JPEG_SCANS:
		return fault.Invalid("the JPEG file has more than %d scans, which no camera or program writes; save it anew", maxScans)
	case C.CLIPSEEK_JPEG_MISMATCH:
		return damaged("JPEG", "it has two frame headers that differ")
	default:
		return damaged("JPEG", C.GoString(&message[0]))
	}
}
