package onnx

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/half"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// tower is one ONNX file with one input and one output in use.
type tower struct {
	file          string
	input, output ort.InputOutputInfo
	anyLength     bool // texts may be shorter than the context
	single        bool // one item at a time
	bytes         int  // of the file
	session       *ort.DynamicAdvancedSession
}

// openTower loads the file of p and holds it against the card.
func openTower(m *model.Model, p port, cfg Config, log *slog.Logger) (*tower, error) {
	data, err := m.ReadFile(p.file)
	if err != nil {
		return nil, err
	}
	item := m.Where() + ": " + p.file
	inputs, outputs, err := ort.GetInputOutputInfoWithONNXData(data)
	if err != nil {
		return nil, fault.Invalid("%s is not an ONNX file that ONNX Runtime %s can load; copy or export the model again", item, ort.GetVersion()).Because(err)
	}
	t := &tower{file: p.file, bytes: len(data)}
	if t.input, t.output, err = p.find(inputs, outputs); err != nil {
		return nil, fault.At(item, err)
	}
	if err := p.check(t, log); err != nil {
		return nil, fault.At(item, err)
	}
	options, err := cfg.sessionOptions()
	if err != nil {
		return nil, fault.Internal("ONNX Runtime session options").Because(err)
	}
	defer func() { _ = options.Destroy() }() // frees memory only
	t.session, err = ort.NewDynamicAdvancedSessionWithONNXData(data, []string{p.input}, []string{p.output}, options)
	if err != nil {
		return nil, fault.Invalid("%s cannot be loaded by ONNX Runtime %s", item, ort.GetVersion()).Because(err)
	}
	return t, nil
}

// Where a picture costs little beside reading the weights, as in ViT-B/32, a few are encoded faster together. Smaller towers
// and those with more work for each picture are faster one by one, since activations then stay in the caches.
// docs/figures.md has the times.
const (
	togetherFrom = 64 << 20  // bytes of the file
	togetherTo   = 512 << 20 // from here on models are deep
	togetherSide = 256       // pixels
	together     = 4         // pictures; eight are no faster
)

// most is how many items one run may have; configured 0 is what is fast for pictures of side x side pixels.
func (t *tower) most(configured, side int) int {
	switch {
	case t.single:
		return 1
	case configured > 0:
		return configured
	case togetherFrom <= t.bytes && t.bytes < togetherTo && side <= togetherSide:
		return together
	}
	return 1
}

// runTokens embeds texts filled up with filler to length.
func (t *tower) runTokens(texts []tokenizer.Tokens, length int, filler int32, width int) ([]encoder.Vector, error) {
	shape := ort.NewShape(int64(len(texts)), int64(length))
	var input ort.Value
	var err error
	if t.input.DataType == ort.TensorElementDataTypeInt64 {
		input, err = ort.NewTensor(shape, pad[int64](texts, length, filler))
	} else {
		input, err = ort.NewTensor(shape, pad[int32](texts, length, filler))
	}
	return t.run(input, err, len(texts), width)
}

func pad[T int32 | int64](texts []tokenizer.Tokens, length int, filler int32) []T {
	ids := make([]T, len(texts)*length)
	for i, tokens := range texts {
		row := ids[i*length : (i+1)*length]
		for j := range row {
			row[j] = T(filler)
			if j < len(tokens) {
				row[j] = T(tokens[j])
			}
		}
	}
	return ids
}

// runPixels embeds pictures, normalized by table in the type that the tower takes. scratch holds as many values at least.
func (t *tower) runPixels(shape ort.Shape, table *imageprep.Normalizer, batch imageprep.Batch, scratch []float32, width int) ([]encoder.Vector, error) {
	var input ort.Value
	var err error
	n := int(shape.FlattenedSize())
	if t.input.DataType == ort.TensorElementDataTypeFloat16 {
		halves := make([]uint16, n)
		table.Float16(halves, batch)
		input, err = ort.NewCustomDataTensor(shape, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(halves))), 2*n), ort.TensorElementDataTypeFloat16)
	} else {
		table.Float32(scratch[:n], batch)
		input, err = ort.NewTensor(shape, scratch[:n])
	}
	return t.run(input, err, int(shape[0]), width)
}

// run feeds input, whose making may have come to err, and returns n vectors of L2 norm 1.
func (t *tower) run(input ort.Value, err error, n, width int) ([]encoder.Vector, error) {
	if err != nil {
		return nil, fmt.Errorf("input tensor: %w", err)
	}
	defer func() { _ = input.Destroy() }() // frees memory only
	flat := make([]float32, n*width)
	shape := ort.NewShape(int64(n), int64(width))
	var halves []byte
	var output ort.Value
	if t.output.DataType == ort.TensorElementDataTypeFloat16 {
		halves = make([]byte, 2*len(flat))
		output, err = ort.NewCustomDataTensor(shape, halves, ort.TensorElementDataTypeFloat16)
	} else {
		output, err = ort.NewTensor(shape, flat)
	}
	if err != nil {
		return nil, fmt.Errorf("output tensor: %w", err)
	}
	defer func() { _ = output.Destroy() }()
	if err := t.session.Run([]ort.Value{input}, []ort.Value{output}); err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	for i := range len(halves) / 2 {
		flat[i] = half.Float32(binary.NativeEndian.Uint16(halves[2*i:]))
	}
	vectors := make([]encoder.Vector, n)
	for i := range vectors {
		vectors[i] = flat[i*width : (i+1)*width : (i+1)*width]
		if !encoder.Normalize(vectors[i]) {
			return nil, fault.Internal("%s gave item %d an embedding without direction (zero or not finite)", t.file, i)
		}
	}
	return vectors, nil
}
