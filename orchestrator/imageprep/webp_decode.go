package imageprep

// #cgo LDFLAGS: -lwebp
// #include "libwebp.h"
import "C"

import "unsafe"

type webpStatus int

const (
	webpOK        webpStatus = C.CLIPSEEK_WEBP_OK
	webpTruncated webpStatus = C.CLIPSEEK_WEBP_TRUNCATED
	webpNoMemory  webpStatus = C.CLIPSEEK_WEBP_MEMORY
)

type webpInfo struct {
	width, height int
	alpha         bool
}

// webpFeatures reads the size of a file or frame and whether it has alpha. It allocates nothing in C.
func webpFeatures(data []byte) (webpInfo, error) {
	var width, height, alpha C.int
	status := C.clipseek_webp_features((*C.uint8_t)(unsafe.SliceData(data)), C.size_t(len(data)), &width, &height, &alpha)
	switch webpStatus(status) {
	case webpOK:
		return webpInfo{int(width), int(height), alpha != 0}, nil
	case webpTruncated:
		return webpInfo{}, endsEarly("WebP")
	default:
		return webpInfo{}, damaged("WebP", "its header makes no sense")
	}
}

// webpDecode decodes data as RGB or RGBA into out, rows stride bytes apart. C borrows both buffers for the length of
// the call and keeps neither; it refuses an out that is too small.
func webpDecode(data, out []byte, stride int, alpha bool) webpStatus {
	withAlpha := C.int(0)
	if alpha {
		withAlpha = 1
	}
	return webpStatus(C.clipseek_webp_decode((*C.uint8_t)(unsafe.SliceData(data)), C.size_t(len(data)), withAlpha,
		(*C.uint8_t)(unsafe.SliceData(out)), C.size_t(len(out)), C.int(stride)))
}
