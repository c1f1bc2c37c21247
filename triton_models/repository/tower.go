package repository

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// tower is one of the two models: what of it the configurations need.
type tower struct {
	model         string // ImageModel or TextModel
	file          string // the ONNX file in the model directory
	input, output tensor
	context       int // most tokens of a text; 0 for pictures
}

// tensor is an input or output as Triton's configurations describe it.
type tensor struct {
	Name string
	Type string
	dims []int64 // without the batch's; open for one of any size
}

// Shape is the dimensions in a configuration.
func (t tensor) Shape() string { return join(t.dims, ", ") }

func join(dims []int64, by string) string {
	words := make([]string, len(dims))
	for i, d := range dims {
		words[i] = strconv.FormatInt(d, 10)
	}
	return strings.Join(words, by)
}

// open stands for a dimension of any size.
const open = -1

// towersOf describes the towers of a card, whose types are not known before inspect. A model of pictures alone has one.
func towersOf(card model.Card) []tower {
	size, width := int64(card.Image.Size), int64(card.Width)
	image := tower{
		model: ImageModel, file: card.Image.File,
		input:  tensor{Name: card.Image.Input, dims: []int64{3, size, size}},
		output: tensor{Name: card.Image.Output, dims: []int64{width}},
	}
	if !card.HasText() {
		return []tower{image}
	}
	length := int64(card.Text.Context)
	if card.Text.Causal {
		length = open
	}
	text := tower{
		model: TextModel, file: card.Text.File, context: card.Text.Context,
		input:  tensor{Name: card.Text.Input, dims: []int64{length}},
		output: tensor{Name: card.Text.Output, dims: []int64{width}},
	}
	return []tower{image, text}
}

// types are the ONNX types that towers may have, by Triton's name.
var types = map[int32]string{1: "TYPE_FP32", 6: "TYPE_INT32", 7: "TYPE_INT64", 10: "TYPE_FP16"}

// inspect reads the types from the ONNX files and holds their tensors against the card.
func inspect(m *model.Model) ([]tower, error) {
	towers := towersOf(m.Card)
	for i := range towers {
		t := &towers[i]
		item := m.Where() + ": " + t.file
		file, err := m.Files().Open(t.file)
		if err != nil {
			return nil, fault.Internal("open %s", item).Because(err) // it was there when the model was opened
		}
		graph, err := readGraph(file)
		_ = file.Close() // read only: nothing is lost
		if err != nil {
			return nil, fault.Invalid("%s is not an ONNX file; copy or export the model again", item).Because(err)
		}
		if err := t.fit(graph); err != nil {
			return nil, fault.At(item, err)
		}
	}
	return towers, nil
}

// fit takes the types from the graph and refuses one that Triton could not serve as the card says.
func (t *tower) fit(g graph) error {
	if g.external {
		return fault.Invalid("it keeps weights in another file; export the model again with everything in one")
	}
	if len(g.inputs) != 1 {
		return fault.Invalid("it wants the inputs %s; a tower has one, %q: export it again without the others", names(g.inputs), t.input.Name)
	}
	// Triton fills texts up for a tower that takes them at the context's length alone.
	if whole := int64(t.context); t.model == TextModel && t.input.dims[0] == open && declares(g.inputs, t.input.Name, whole) {
		t.input.dims = []int64{whole}
	}
	floats := []string{"TYPE_FP32", "TYPE_FP16"}
	inputs := floats
	if t.model == TextModel {
		inputs = []string{"TYPE_INT32", "TYPE_INT64"}
	}
	if err := t.input.fit("input", g.inputs, inputs); err != nil {
		return err
	}
	return t.output.fit("output", g.outputs, floats)
}

// nameForm is what TensorRT's profiles and a shell take as it is: the profiles part names and shapes by ':' and ','.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

func (t *tensor) fit(side string, values []value, allowed []string) error {
	i := slices.IndexFunc(values, func(v value) bool { return v.name == t.Name })
	if i < 0 {
		return fault.Invalid("it has no %s %q as the card says; it has %s: correct the card or export the model again", side, t.Name, names(values))
	}
	if !nameForm.MatchString(t.Name) {
		return fault.Invalid("the %s %q has a name that TensorRT's profiles cannot carry; export the model again with letters, digits and '_'", side, t.Name)
	}
	t.Type = types[values[i].elem]
	if !slices.Contains(allowed, t.Type) {
		return fault.Invalid("the %s %q has the ONNX type %d; %s is needed: export the model again", side, t.Name, values[i].elem, strings.Join(allowed, " or "))
	}
	want := append([]int64{open}, t.dims...)
	if dims := values[i].dims; len(dims) == len(want) && dims[0] != open {
		return fault.Invalid("the %s %q takes exactly %d at a time, by its shape [%s]; export it again with a dynamic batch, as `make export-model` does", side, t.Name, dims[0], join(dims, ", "))
	}
	if !takes(values[i].dims, want) {
		return fault.Invalid("the %s %q has the shape [%s]; the card needs [%s] (-1 is any size)", side, t.Name, join(values[i].dims, ", "), join(want, ", "))
	}
	return nil
}

// declares reports whether values have one of this name for items of so many numbers.
func declares(values []value, name string, n int64) bool {
	return slices.ContainsFunc(values, func(v value) bool { return v.name == name && len(v.dims) == 2 && v.dims[1] == n })
}

// takes reports whether a tensor described as got takes every shape that want stands for.
func takes(got, want []int64) bool {
	return slices.EqualFunc(got, want, func(g, w int64) bool { return g == open || g == w })
}

func names(values []value) string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprintf("%q", v.name))
	}
	return strings.Join(all, ", ")
}
