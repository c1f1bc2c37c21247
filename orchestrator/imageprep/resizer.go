package imageprep

// #include "resize.h"
// #cgo noescape clipseek_resizer_new
// #cgo nocallback clipseek_resizer_new
// #cgo noescape clipseek_set_filter
// #cgo nocallback clipseek_set_filter
// #cgo noescape clipseek_resize
// #cgo nocallback clipseek_resize
import "C"

import (
	"unsafe"

	"clipseek/orchestrator/fault"
)

// slack is how many bytes behind a picture's last pixel the filters may read.
const slack = C.CLIPSEEK_SLACK

// kernels names the implementations of the inner loops that this processor can run, fastest first.
func kernels() []string {
	var names []string
	for {
		k := C.clipseek_kernel(C.int(len(names)))
		if k == nil {
			return names
		}
		names = append(names, C.GoString(k.name))
	}
}

// resizer filters rows in C, with the widest vectors that the processor has. Its memory, the rows that one output is
// made of, is C's and stays until free.
type resizer struct {
	c    *C.struct_clipseek_resizer
	x, y weights
}

func newResizer(kernel int) resizer {
	r := resizer{c: C.clipseek_resizer_new(C.int(kernel))}
	if r.c == nil {
		panic(noMemory())
	}
	return r
}

func freeResizer(c *C.struct_clipseek_resizer) { C.clipseek_resizer_free(c) }

func noMemory() error {
	return fault.Unavailable("there is not enough memory to decode the picture; try again when less is running")
}

// job is a resize of a picture as it is stored: the axes are turned already.
type job struct {
	x, y             axis
	mirrorX, mirrorY bool
	verticalFirst    bool
}

// start prepares both filters and describes the job for a picture of width pixels a row, n bytes each.
func (r *resizer) start(j job, width, n int) (C.struct_clipseek_job, error) {
	if !r.set(&r.x, 0, j.x, j.mirrorX) || !r.set(&r.y, 1, j.y, j.mirrorY) {
		return C.struct_clipseek_job{}, noMemory()
	}
	return C.struct_clipseek_job{width: C.int(width), n: C.int(n), vertical_first: flag(j.verticalFirst), backwards: flag(j.mirrorY)}, nil
}

func (r *resizer) set(w *weights, vertical C.int, a axis, mirrored bool) bool {
	if !w.set(a, mirrored) {
		return true
	}
	windows := (*C.struct_clipseek_window)(unsafe.Pointer(unsafe.SliceData(w.windows)))
	ok := C.clipseek_set_filter(r.c, vertical, C.int(a.in), C.int(a.n), windows, (*C.int32_t)(unsafe.SliceData(w.fixed))) != 0
	if !ok {
		w.axis = axis{} // to be set anew
	}
	return ok
}

// resizePlane filters a picture in memory into out.
func (r *resizer) resizePlane(j job, src plane, out []byte) error {
	c, err := r.start(j, src.w, src.n)
	if err != nil {
		return err
	}
	if C.clipseek_resize(r.c, &c, bytesOf(src.pix), bytesOf(out)) == 0 {
		return noMemory()
	}
	return nil
}

// bytesOf is the memory of b, which C borrows for the length of a call.
func bytesOf(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
