package onnx

import (
	"fmt"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// any64 stands for a dimension of any size in a shape, as in ONNX Runtime's own descriptions.
const any64 = -1

// tower is one ONNX file with one input and one output in use.
type tower struct {
	file          string
	input, output ort.InputOutputInfo
	session       *ort.DynamicAdvancedSession
}

// openTower loads file, whose tensors are named in the card as input and output.
func openTower(m *model.Model, file, input, output string, cfg Config) (*tower, error) {
	data, err := m.ReadFile(file)
	if err != nil {
		return nil, err
	}
	item := m.Where() + ": " + file
	inputs, outputs, err := ort.GetInputOutputInfoWithONNXData(data)
	if err != nil {
		return nil, fault.Invalid("%s is not an ONNX file that ONNX Runtime %s can load; copy or export the model again", item, ort.GetVersion()).Because(err)
	}
	t := &tower{file: file}
	if t.input, err = named(item, "input", input, inputs); err != nil {
		return nil, err
	}
	if len(inputs) > 1 {
		return nil, fault.Invalid("%s wants the inputs %s; a tower has one, %q: export it again without the others", item, names(inputs), input)
	}
	if t.output, err = named(item, "output", output, outputs); err != nil {
		return nil, err
	}
	options, err := cfg.sessionOptions()
	if err != nil {
		return nil, fault.Internal("ONNX Runtime session options").Because(err)
	}
	defer func() { _ = options.Destroy() }() // frees memory only
	t.session, err = ort.NewDynamicAdvancedSessionWithONNXData(data, []string{input}, []string{output}, options)
	if err != nil {
		return nil, fault.Invalid("%s cannot be loaded by ONNX Runtime %s", item, ort.GetVersion()).Because(err)
	}
	return t, nil
}

func named(item, side, name string, infos []ort.InputOutputInfo) (ort.InputOutputInfo, error) {
	i := slices.IndexFunc(infos, func(info ort.InputOutputInfo) bool { return info.Name == name })
	if i < 0 {
		return ort.InputOutputInfo{}, fault.Invalid("%s has no %s %q as the card says; it has %s: correct the card or export the model again", item, side, name, names(infos))
	}
	return infos[i], nil
}

func names(infos []ort.InputOutputInfo) string {
	var all []string
	for _, info := range infos {
		all = append(all, fmt.Sprintf("%q", info.Name))
	}
	return strings.Join(all, ", ")
}

// expect checks the input's type and shape, and that the output is float32 [batch, width].
func (t *tower) expect(m *model.Model, types []ort.TensorElementDataType, shape ort.Shape) error {
	item := m.Where() + ": " + t.file
	if !slices.Contains(types, t.input.DataType) {
		return fault.Invalid("%s: the input %q holds %s; this program feeds %s: export the model again", item, t.input.Name, t.input.DataType, types[0])
	}
	if !fits(t.input.Dimensions, shape) {
		return fault.Invalid("%s: the input %q has the shape %s; the card needs %s (-1 is any size)", item, t.input.Name, t.input.Dimensions, shape)
	}
	if t.output.DataType != ort.TensorElementDataTypeFloat {
		return fault.Invalid("%s: the output %q holds %s; float32 is needed: export the model again", item, t.output.Name, t.output.DataType)
	}
	if want := ort.NewShape(any64, int64(m.Card.Width)); !fits(t.output.Dimensions, want) {
		return fault.Invalid("%s: the output %q has the shape %s; the card needs %s (-1 is any size)", item, t.output.Name, t.output.Dimensions, want)
	}
	return nil
}

// fits reports whether a tensor described as got takes every shape that want stands for. A dimension that want leaves
// open must be open in got; one that want fixes may be open or equal.
func fits(got, want ort.Shape) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != any64 && got[i] != want[i] {
			return false
		}
	}
	return true
}

// runTokens embeds texts filled up with filler to length.
func (t *tower) runTokens(texts []tokenizer.Tokens, length int, filler int32, width int) ([]encoder.Vector, error) {
	shape := ort.NewShape(int64(len(texts)), int64(length))
	if t.input.DataType == ort.TensorElementDataTypeInt64 {
		return run(t, shape, pad[int64](texts, length, filler), width)
	}
	return run(t, shape, pad[int32](texts, length, filler), width)
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

// run feeds data of the given shape and returns one vector of L2 norm 1 for each item.
func run[T ort.TensorData](t *tower, shape ort.Shape, data []T, width int) ([]encoder.Vector, error) {
	input, err := ort.NewTensor(shape, data)
	if err != nil {
		return nil, fmt.Errorf("input tensor: %w", err)
	}
	defer func() { _ = input.Destroy() }() // frees memory only
	n := int(shape[0])
	flat := make([]float32, n*width)
	output, err := ort.NewTensor(ort.NewShape(shape[0], int64(width)), flat)
	if err != nil {
		return nil, fmt.Errorf("output tensor: %w", err)
	}
	defer func() { _ = output.Destroy() }()
	if err := t.session.Run([]ort.Value{input}, []ort.Value{output}); err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
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
