package onnx

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// any64 stands for a dimension of any size in a shape, as in ONNX Runtime's own descriptions.
const any64 = -1

// port is what the card says of a tower's tensors.
type port struct {
	file, input, output string
	types               []ort.TensorElementDataType // that the input may hold
	shape               ort.Shape                   // of the input, items first
	names               []string                    // of its dimensions, for messages
	causal              bool                        // texts: the tower may take any length up to the context
	width               int
}

func imagePort(card model.Card) port {
	size := int64(card.Image.Size)
	return port{
		file: card.Image.File, input: card.Image.Input, output: card.Image.Output,
		types: []ort.TensorElementDataType{ort.TensorElementDataTypeFloat, ort.TensorElementDataTypeFloat16},
		shape: ort.NewShape(any64, 3, size, size), names: []string{"batch", "colours", "height", "width"}, width: card.Width,
	}
}

func textPort(card model.Card) port {
	return port{
		file: card.Text.File, input: card.Text.Input, output: card.Text.Output,
		types: []ort.TensorElementDataType{ort.TensorElementDataTypeInt32, ort.TensorElementDataTypeInt64},
		shape: ort.NewShape(any64, int64(card.Text.Context)), names: []string{"batch", "tokens"}, causal: card.Text.Causal, width: card.Width,
	}
}

// find takes the tower's tensors from those that the file has.
func (p port) find(inputs, outputs []ort.InputOutputInfo) (input, output ort.InputOutputInfo, err error) {
	if input, err = named("input", p.input, inputs); err != nil {
		return input, output, err
	}
	if len(inputs) > 1 {
		return input, output, fault.Invalid("it wants the inputs %s; a tower has one, %q: export it again without the others", names(inputs), p.input)
	}
	output, err = named("output", p.output, outputs)
	return input, output, err
}

func named(side, name string, infos []ort.InputOutputInfo) (ort.InputOutputInfo, error) {
	i := slices.IndexFunc(infos, func(info ort.InputOutputInfo) bool { return info.Name == name })
	if i < 0 {
		return ort.InputOutputInfo{}, fault.Invalid("it has no %s %q as the card says; it has %s: correct the card or export the model again", side, name, names(infos))
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

// typeNames are those that people use; ONNX Runtime's own words are for what is not among them.
var typeNames = map[ort.TensorElementDataType]string{
	ort.TensorElementDataTypeFloat: "float32", ort.TensorElementDataTypeFloat16: "float16", ort.TensorElementDataTypeDouble: "float64",
	ort.TensorElementDataTypeBFloat16: "bfloat16", ort.TensorElementDataTypeUint8: "uint8", ort.TensorElementDataTypeInt8: "int8",
	ort.TensorElementDataTypeInt32: "int32", ort.TensorElementDataTypeInt64: "int64", ort.TensorElementDataTypeString: "strings",
}

func typeName(t ort.TensorElementDataType) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return t.String()
}

// dynamic is how a file is exported that takes any number of items; it ends messages.
const dynamic = "export it again with a dynamic batch, as `make export-model` does"

// check compares types and sizes with the card. What the tower can be used with, but slower than need be, is logged.
func (p port) check(t *tower, log *slog.Logger) error {
	in, out := t.input, t.output
	if !slices.Contains(p.types, in.DataType) {
		return fault.Invalid("its input %q holds %s and this program feeds %s or %s: export it again with one of these", in.Name, typeName(in.DataType), typeName(p.types[0]), typeName(p.types[1]))
	}
	if out.DataType != ort.TensorElementDataTypeFloat && out.DataType != ort.TensorElementDataTypeFloat16 {
		return fault.Invalid("its output %q holds %s and float32 or float16 is needed: export it again with one of these", out.Name, typeName(out.DataType))
	}
	if len(in.Dimensions) != len(p.shape) {
		return fault.Invalid("its input %q has %d dimensions, %s, and %d are needed, %s (%s): export it again so", in.Name, len(in.Dimensions), in.Dimensions, len(p.shape), p.shape, strings.Join(p.names, ", "))
	}
	if len(out.Dimensions) != 2 {
		return fault.Invalid("its output %q has %d dimensions, %s, and 2 are needed, [-1 %d]: export it again with one vector for each item, pooled", out.Name, len(out.Dimensions), out.Dimensions, p.width)
	}
	if got := out.Dimensions[1]; got != any64 && got != int64(p.width) {
		return fault.Invalid("its output %q is %d wide and the card says %d: correct the card's width or export the right tower", out.Name, got, p.width)
	}
	if err := p.checkSizes(t, log); err != nil {
		return err
	}
	return p.checkBatch(t, log)
}

// checkSizes compares all dimensions of the input but the first.
func (p port) checkSizes(t *tower, log *slog.Logger) error {
	t.anyLength = p.causal && t.input.Dimensions[1] == any64
	for i, want := range p.shape[1:] {
		got := t.input.Dimensions[i+1]
		if got == any64 || got == want {
			continue
		}
		if len(p.shape) == 2 {
			return fault.Invalid("its input %q takes texts of exactly %d tokens and the card's text.context is %d: correct the card, or export it again with any length or that one", t.input.Name, got, want)
		}
		return fault.Invalid("its input %q has the shape %s and the card's image.size makes it %s (%s): correct the card or export it again", t.input.Name, t.input.Dimensions, p.shape, strings.Join(p.names, ", "))
	}
	if p.causal && !t.anyLength {
		log.Warn("the text tower takes texts of one length alone, so short ones cost as much as long ones; export it again with any length", "file", t.file, "tokens", t.input.Dimensions[1])
	}
	return nil
}

// checkBatch finds how many items the tower takes at a time.
func (p port) checkBatch(t *tower, log *slog.Logger) error {
	for _, tensor := range []ort.InputOutputInfo{t.input, t.output} {
		switch n := tensor.Dimensions[0]; n {
		case any64:
		case 1:
			t.single = true
		default:
			return fault.Invalid("it takes exactly %d at a time, by %q of the shape %s: %s", n, tensor.Name, tensor.Dimensions, dynamic)
		}
	}
	if t.single {
		log.Warn("the tower takes one item at a time, so batches are run one by one; "+dynamic, "file", t.file)
	}
	return nil
}
