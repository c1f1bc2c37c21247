package duplicates

// #include "bound.h"
// #cgo noescape clipseek_bound
// #cgo nocallback clipseek_bound
import "C"

import "unsafe"

const (
	depth = C.CLIPSEEK_DEPTH // numbers of a sketch
	lanes = C.CLIPSEEK_LANES // sketches of a panel
	step  = C.CLIPSEEK_STEP  // rows come in multiples of it
)

// kernels names the kernels that this processor can run, fastest first.
func kernels() []string {
	var names []string
	for {
		name := C.clipseek_bound_name(C.int(len(names)))
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}

// pairs finds the products of rows and the lanes of a panel that are at least bound, as row*lanes + lane. found has room
// for all of them, and the result is its beginning.
func pairs(kernel int, rows, panel []float32, bound float32, found []uint32) []uint32 {
	n := C.clipseek_bound(C.int(kernel),
		(*C.float)(unsafe.Pointer(unsafe.SliceData(rows))), C.size_t(len(rows)/depth),
		(*C.float)(unsafe.Pointer(unsafe.SliceData(panel))), C.float(bound),
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(found))))
	return found[:n]
}
