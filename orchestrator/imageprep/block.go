package imageprep

// #include "block.h"
import "C"

import "unsafe"

// copyBlock copies a block of metadata out of C's memory; nil if there is none.
func copyBlock(block C.struct_clipseek_block) []byte {
	if block.data == nil {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(block.data), block.size)...)
}
