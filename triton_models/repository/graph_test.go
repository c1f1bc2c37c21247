package repository

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/modeltest"
)

func TestInspectDemo(t *testing.T) {
	towers, err := inspect(modeltest.Demo(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"TYPE_FP32 3, 336, 336 TYPE_FP32 768", "TYPE_INT32 -1 TYPE_FP32 768"} {
		w := towers[i]
		if got := strings.Join([]string{w.input.Type, w.input.Shape(), w.output.Type, w.output.Shape()}, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// nested is a field of bytes.
func nested(number protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
}

func varint(number protowire.Number, n int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(n))
}

// valueField is an input or output; a dimension of -1 has a name instead.
func valueField(number protowire.Number, name string, elem int64, dims ...int64) []byte {
	var shape []byte
	for _, d := range dims {
		dim := varint(dimValue, d)
		if d == open {
			dim = nested(2, []byte("batch"))
		}
		shape = append(shape, nested(shapeDim, dim)...)
	}
	return nested(number, nested(valueName, []byte(name)), nested(valueType, nested(typeTensor, varint(tensorElem, elem), nested(tensorShape, shape))))
}

func weight(name string, more ...byte) []byte {
	return nested(graphInitializer, varint(1, 4), nested(9, make([]byte, 1000)), nested(initializerName, []byte(name)), more)
}

func TestTowerFits(t *testing.T) {
	pixels := valueField(graphInput, "pixels", 1, open, 3, 336, 336)
	embedding := valueField(graphOutput, "embedding", 1, open, 768)
	for name, c := range map[string]struct {
		graph []byte
		says  string // empty: it fits
	}{
		"as exported":              {bytes.Join([][]byte{pixels, weight("w"), embedding}, nil), ""},
		"FP16":                     {append(valueField(graphInput, "pixels", 10, open, 3, 336, 336), embedding...), ""},
		"open sizes":               {append(valueField(graphInput, "pixels", 1, open, open, open, open), embedding...), ""},
		"weights among the inputs": {bytes.Join([][]byte{pixels, valueField(graphInput, "w", 1, 4), weight("w"), embedding}, nil), ""},
		"another name":             {append(valueField(graphInput, "image", 1, open, 3, 336, 336), embedding...), `no input "pixels" as the card says; it has "image"`},
		"two inputs":               {bytes.Join([][]byte{pixels, valueField(graphInput, "mask", 1, open), embedding}, nil), `wants the inputs "pixels", "mask"`},
		"another size":             {append(valueField(graphInput, "pixels", 1, open, 3, 224, 224), embedding...), "the shape [-1, 3, 224, 224]; the card needs [-1, 3, 336, 336]"},
		"batches of one":           {append(valueField(graphInput, "pixels", 1, 1, 3, 336, 336), embedding...), "takes exactly 1 at a time, by its shape [1, 3, 336, 336]; export it again with a dynamic batch"},
		"another width":            {append(bytes.Clone(pixels), valueField(graphOutput, "embedding", 1, open, 512)...), `the output "embedding" has the shape [-1, 512]`},
		"whole numbers":            {append(valueField(graphInput, "pixels", 6, open, 3, 336, 336), embedding...), "the ONNX type 6; TYPE_FP32 or TYPE_FP16 is needed"},
		"weights in another file":  {bytes.Join([][]byte{pixels, weight("w", varint(initializerPlace, placeExternal)...), embedding}, nil), "weights in another file"},
		"no output":                {pixels, `no output "embedding"`},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := readGraph(bytes.NewReader(append(varint(1, 8), nested(modelGraph, c.graph)...)))
			if err != nil {
				t.Fatal(err)
			}
			card, _ := vitL14()
			image := towersOf(card)[0]
			err = image.fit(g)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(fault.Public(err), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestTextTowerFits takes texts of any length, or of the context's alone.
func TestTextTowerFits(t *testing.T) {
	embedding := valueField(graphOutput, "embedding", 1, open, 768)
	for name, c := range map[string]struct {
		length int64
		shape  string // of the configuration
		says   string // empty: it fits
	}{
		"any length":     {open, "-1", ""},
		"the context's":  {77, "77", ""},
		"another length": {32, "", "the shape [-1, 32]; the card needs [-1, -1]"},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := valueField(graphInput, "tokens", 7, open, c.length)
			g, err := readGraph(bytes.NewReader(nested(modelGraph, tokens, embedding)))
			if err != nil {
				t.Fatal(err)
			}
			card, _ := vitL14()
			text := towersOf(card)[1]
			err = text.fit(g)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(fault.Public(err), c.says) {
				t.Errorf("%v", err)
			}
			if err == nil && text.input.Shape() != c.shape {
				t.Errorf("the shape is %s", text.input.Shape())
			}
		})
	}
}

func TestOddNamesAreRefused(t *testing.T) {
	for _, name := range []string{"pixels:0", "a,b", "two words", "$(reboot)", ""} {
		in := tensor{Name: name, dims: []int64{3}}
		if err := in.fit("input", []value{{name: name, elem: 1, dims: []int64{open, 3}}}, []string{"TYPE_FP32"}); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestReadGraphRefuses(t *testing.T) {
	whole := nested(modelGraph, valueField(graphInput, "pixels", 1, open, 3), weight("w"))
	for name, file := range map[string][]byte{
		"nothing":          {},
		"no graph":         varint(1, 8),
		"a cut file":       whole[:len(whole)-1],
		"a length too big": {modelGraph<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"text":             []byte("version https://git-lfs.github.com/spec/v1\n"),
		"a long name":      nested(modelGraph, nested(graphInput, nested(valueName, make([]byte, greatestNameBytes+1)))),
		"many dimensions":  nested(modelGraph, valueField(graphInput, "x", 1, make([]int64, greatestRank+1)...)),
	} {
		t.Run(name, func(t *testing.T) {
			if g, err := readGraph(bytes.NewReader(file)); err == nil {
				t.Errorf("%+v", g)
			}
		})
	}
}

func FuzzReadGraph(f *testing.F) {
	f.Add(nested(modelGraph, valueField(graphInput, "pixels", 1, open, 3, 336, 336), weight("w", varint(initializerPlace, 1)...), valueField(graphOutput, "embedding", 10, open, 768)))
	f.Add([]byte{modelGraph<<3 | 2, 0x80})
	f.Fuzz(func(t *testing.T, file []byte) {
		g, err := readGraph(bytes.NewReader(file))
		if err != nil {
			return
		}
		card, _ := vitL14()
		for _, tower := range towersOf(card) {
			if err := tower.fit(g); err != nil && fault.KindOf(err) != fault.KindInvalid {
				t.Error(err)
			}
		}
	})
}
