package imageprep

// #cgo LDFLAGS: -lwebp
// #include "libwebp.h"
// #cgo noescape clipseek_webp_features
// #cgo nocallback clipseek_webp_features
// #cgo noescape clipseek_webp_decode
// #cgo nocallback clipseek_webp_decode
import "C"

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
	status := C.clipseek_webp_features(bytesOf(data), C.size_t(len(data)), &width, &height, &alpha)
	switch webpStatus(status) {
	case webpOK:
		return webpInfo{int(width), int(height), alpha != 0}, nil
	case webpTruncated:
		return webpInfo{}, endsEarly("WebP")
	default:
		return webpInfo{}, damaged("WebP", "its header makes no sense")
	}
}

// webpDecode decodes data as RGB or RGBA into out, rows stride bytes apart, and shrinks it to out's size where that is
// asked for. C borrows both buffers for the length of the call and keeps neither; it refuses an out that is too small.
func webpDecode(data []byte, out plane, stride int, shrink bool) webpStatus {
	wanted := C.struct_clipseek_webp{alpha: flag(out.n == 4), stride: C.int(stride)}
	if shrink {
		wanted.width, wanted.height = C.int(out.w), C.int(out.h)
	}
	return webpStatus(C.clipseek_webp_decode(bytesOf(data), C.size_t(len(data)), &wanted, bytesOf(out.pix), C.size_t(len(out.pix))))
}
