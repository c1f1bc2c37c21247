package imageprep

// #cgo LDFLAGS: -ljpeg
// #include "libjpeg.h"
// #cgo noescape clipseek_jpeg_decode
// #cgo nocallback clipseek_jpeg_decode
// #cgo noescape clipseek_jpeg_resize
// #cgo nocallback clipseek_jpeg_resize
// #cgo noescape clipseek_jpeg_resize_twice
// #cgo nocallback clipseek_jpeg_resize_twice
import "C"

import (
	"time"

	"clipseek/orchestrator/fault"
)

// maxScans bounds the work that a small progressive file can ask for: each scan passes over the whole picture.
// Encoders write about ten.
const maxScans = 100

// jpegMessage is room for libjpeg's words. It belongs to the picture, so that passing it to C allocates nothing.
type jpegMessage [C.CLIPSEEK_JPEG_MESSAGE]C.char

func jpegFile(h header, eighths int) C.struct_clipseek_jpeg {
	return C.struct_clipseek_jpeg{width: C.uint(h.width), height: C.uint(h.height), channels: C.int(h.mode.bytesPerPixel()),
		eighths: C.int(eighths), max_scans: maxScans}
}

// decodeJPEG decodes the whole picture.
func decodeJPEG(p *Picture, eighths int) error {
	c := jpegFile(p.header, eighths)
	return jpegPixels(p.file, &c, p.pixels.pix, &p.message)
}

// jpegPixels decodes a whole file. C borrows both buffers for the length of the call and keeps neither.
func jpegPixels(file []byte, c *C.struct_clipseek_jpeg, pix []byte, message *jpegMessage) error {
	return jpegFault(C.clipseek_jpeg_decode(bytesOf(file), C.size_t(len(file)), c, bytesOf(pix), &message[0]), message)
}

// resizeJPEG decodes no more than the part that x and y reach and filters it row by row, so that the picture is never
// in memory as a whole. The result is as that of resampler.resize. Where a thumbnail is wanted too, all rows are decoded,
// and go to its filters as well.
func (p *Picture) resizeJPEG(eighths int, x, y axis) (plane, error) {
	n := p.mode.bytesPerPixel()
	j, out := p.work.plan(n, p.turn, x, y)
	work, err := p.work.start(j, scaled(p.width, eighths), n)
	if err != nil {
		return plane{}, err
	}
	work.timed = flag(p.timed)
	c := jpegFile(p.header, eighths)
	size, w, h := C.size_t(len(p.file)), scaled(p.width, eighths), scaled(p.height, eighths)
	var status C.int
	t := p.wanted
	if t != nil && t.fits(w, h, p.turn) {
		whole, err := p.aside.start(t.start(p, w, h), w, n)
		if err != nil {
			return plane{}, err
		}
		whole.timed = work.timed
		status = C.clipseek_jpeg_resize_twice(bytesOf(p.file), size, &c, p.work.c, &work, bytesOf(out.pix), p.aside.c, &whole, bytesOf(t.stored.pix), &p.message[0])
		t.filtered = true
	} else {
		status = C.clipseek_jpeg_resize(bytesOf(p.file), size, &c, p.work.c, &work, bytesOf(out.pix), &p.message[0])
	}
	if err := jpegFault(status, &p.message); err != nil {
		return plane{}, err
	}
	p.lap(&p.times.Decode)
	if t != nil && t.filtered {
		aside := time.Duration(p.aside.c.nanoseconds)
		p.times.Decode -= aside
		p.times.Thumbnail += aside
	}
	resize := time.Duration(p.work.c.nanoseconds)
	p.times.Decode -= resize
	p.times.Resize += resize
	return p.work.turned(out, p.turn), nil
}

func jpegFault(status C.int, message *jpegMessage) error {
	switch status {
	case C.CLIPSEEK_JPEG_OK:
		return nil
	case C.CLIPSEEK_JPEG_TRUNCATED:
		return endsEarly("JPEG")
	case C.CLIPSEEK_JPEG_SCANS:
		return fault.Invalid("the JPEG file has more than %d scans, which no camera or program writes; save it anew", maxScans)
	case C.CLIPSEEK_JPEG_MISMATCH:
		return damaged("JPEG", "it has two frame headers that differ")
	case C.CLIPSEEK_JPEG_MEMORY:
		return noMemory()
	default:
		return damaged("JPEG", C.GoString(&message[0]))
	}
}
