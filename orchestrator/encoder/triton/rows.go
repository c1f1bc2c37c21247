package triton

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"clipseek/orchestrator/half"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/tokenizer"
)

// rows is what a caller wants encoded, or a part of it: the rows of one tensor.
type rows interface {
	side() side
	count() int
	part(from, to int) rows
	// shape is the tensor's for this tower, rows first.
	shape(t *tower) []int64
	// write fills dst, whose length is what shape and type say, with the values in row-major order, little-endian.
	write(t *tower, dst []byte)
}

// pictures are pixels; write normalizes them where the request is sent from.
type pictures struct {
	imageprep.Batch
	table *imageprep.Normalizer
}

func (pictures) side() side   { return images }
func (p pictures) count() int { return p.N }

func (p pictures) part(from, to int) rows { return pictures{p.Part(from, to), p.table} }

func (p pictures) shape(*tower) []int64 {
	return []int64{int64(p.N), 3, int64(p.Size), int64(p.Size)}
}

func (p pictures) write(t *tower, dst []byte) {
	n := p.N * 3 * p.Size * p.Size
	if t.inType == fp16 {
		p.table.Float16(unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(dst))), n), p.Batch)
	} else {
		p.table.Float32(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(dst))), n), p.Batch)
	}
	if !littleEndian {
		reverse(dst, sizes[t.inType])
	}
}

// littleEndian is whether this machine keeps numbers as Triton's wire does.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// reverse turns the bytes of each value of size bytes around.
func reverse(values []byte, size int) {
	for ; len(values) >= size; values = values[size:] {
		slices.Reverse(values[:size])
	}
}

// sentences are token sequences.
type sentences []tokenizer.Tokens

func (sentences) side() side   { return texts }
func (s sentences) count() int { return len(s) }

func (s sentences) part(from, to int) rows { return s[from:to] }

// lengthStep is what the length of texts is rounded up to where the tower takes any: the server batches only requests of
// one shape, so a few lengths let the queries of different callers meet. What is behind the end token does not matter to a
// causal tower.
const lengthStep = 8

func (s sentences) shape(t *tower) []int64 {
	context := t.shape[1]
	if !t.anyLength {
		return []int64{int64(len(s)), context}
	}
	longest := 0
	for _, tokens := range s {
		longest = max(longest, len(tokens))
	}
	rounded := (longest + lengthStep - 1) / lengthStep * lengthStep
	return []int64{int64(len(s)), min(int64(rounded), context)}
}

func (s sentences) write(t *tower, dst []byte) {
	size := sizes[t.inType]
	row := len(dst) / len(s)
	for i, tokens := range s {
		at := dst[i*row : (i+1)*row]
		for j := range row / size {
			id := t.pad
			if j < len(tokens) {
				id = tokens[j]
			}
			if t.inType == int64s {
				binary.LittleEndian.PutUint64(at[8*j:], uint64(id))
			} else {
				binary.LittleEndian.PutUint32(at[4*j:], uint32(id))
			}
		}
	}
}

// length is the bytes of a tensor of this shape.
func length(shape []int64, datatype string) int {
	n := sizes[datatype]
	for _, d := range shape {
		n *= int(d)
	}
	return n
}

// readVector fills dst from little-endian values.
func readVector(datatype string, src []byte, dst []float32) {
	for i := range dst {
		if datatype == fp16 {
			dst[i] = half.Float32(binary.LittleEndian.Uint16(src[2*i:]))
		} else {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	}
}
