package onnx_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/encodertest"
	"clipseek/orchestrator/encoder/onnx"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/orchestrator/tokenizer"
)

func pictureModel(t *testing.T, p modeltest.Pictures) *model.Model {
	t.Helper()
	m, err := model.Open(p.Write(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSuitePictures runs a model without a text tower.
func TestSuitePictures(t *testing.T) {
	m := pictureModel(t, modeltest.Pictures{})
	encodertest.RunPictures(t, func(t *testing.T) encoder.Encoder { return open(t, m) })
}

// files are towers of 8 numbers for pictures of 32 pixels and texts of 6 tokens.
type files struct {
	imageIn, imageOut, textIn, textOut modeltest.Value
	causal                             bool
}

func fitting() files {
	return files{
		imageIn:  modeltest.Value{Name: "pixels", Elem: modeltest.Float32, Dims: []int64{modeltest.Open, 3, 32, 32}},
		imageOut: modeltest.Value{Name: "features", Elem: modeltest.Float32, Dims: []int64{modeltest.Open, 8}},
		textIn:   modeltest.Value{Name: "tokens", Elem: modeltest.Int64, Dims: []int64{modeltest.Open, modeltest.Open}},
		textOut:  modeltest.Value{Name: "features", Elem: modeltest.Float32, Dims: []int64{modeltest.Open, 8}},
		causal:   true,
	}
}

func (f files) open(t *testing.T, log *bytes.Buffer) (*onnx.Encoder, error) {
	t.Helper()
	dir := t.TempDir()
	modeltest.WriteDir(t, dir, fmt.Sprintf(`format: 1
name: tiny
width: 8
image: {file: image.onnx, size: 32, resize: squash, std: [1, 1, 1], input: pixels, output: features}
text: {file: text.onnx, context: 6, causal: %t, input: tokens, output: features, tokenizer: {kind: bert-wordpiece, vocabulary: vocab.txt}}
`, f.causal), map[string][]byte{
		"image.onnx": modeltest.Plain(f.imageIn, f.imageOut), "text.onnx": modeltest.Plain(f.textIn, f.textOut), "vocab.txt": []byte("[PAD]\n"),
	})
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := onnx.Open(m, config(t), slog.New(slog.NewTextHandler(log, nil)))
	if err == nil {
		t.Cleanup(func() {
			if err := enc.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return enc, err
}

// TestFiles opens towers that fit the card, some only with a warning, and towers that do not.
func TestFiles(t *testing.T) {
	const free = modeltest.Open
	for name, tc := range map[string]struct {
		change func(*files)
		want   []string // in the fault; none fits
		warns  string
	}{
		"as they should be":         {func(*files) {}, nil, ""},
		"int32 tokens":              {func(f *files) { f.textIn.Elem = modeltest.Int32 }, nil, ""},
		"float16 in and out":        {func(f *files) { f.imageIn.Elem, f.imageOut.Elem = modeltest.Float16, modeltest.Float16 }, nil, ""},
		"any size":                  {func(f *files) { f.imageIn.Dims, f.imageOut.Dims = []int64{free, 3, free, free}, []int64{free, 8} }, nil, ""},
		"one at a time":             {func(f *files) { f.imageIn.Dims[0], f.imageOut.Dims[0] = 1, 1 }, nil, "one by one"},
		"one text at a time":        {func(f *files) { f.textIn.Dims[0], f.textOut.Dims[0] = 1, 1 }, nil, "one by one"},
		"one length of texts":       {func(f *files) { f.textIn.Dims[1] = 6 }, nil, "short ones cost as much as long ones"},
		"one length, not causal":    {func(f *files) { f.textIn.Dims[1], f.causal = 6, false }, nil, ""},
		"another input":             {func(f *files) { f.imageIn.Name = "image" }, []string{"image.onnx", `no input "pixels"`, `it has "image"`}, ""},
		"another output":            {func(f *files) { f.textOut.Name = "pooled" }, []string{"text.onnx", `no output "features"`, `it has "pooled"`}, ""},
		"float64 pixels":            {func(f *files) { f.imageIn.Elem = modeltest.Float64 }, []string{"image.onnx", `"pixels" holds float64`, "feeds float32 or float16"}, ""},
		"bytes":                     {func(f *files) { f.imageIn.Elem = modeltest.Uint8 }, []string{"holds uint8"}, ""},
		"float tokens":              {func(f *files) { f.textIn.Elem = modeltest.Float32 }, []string{"text.onnx", "holds float32", "feeds int32 or int64"}, ""},
		"a float64 output":          {func(f *files) { f.imageOut.Elem = modeltest.Float64 }, []string{`output "features" holds float64`, "float32 or float16 is needed"}, ""},
		"another size":              {func(f *files) { f.imageIn.Dims[2], f.imageIn.Dims[3] = 64, 64 }, []string{"[-1 3 64 64]", "image.size", "[-1 3 32 32]"}, ""},
		"channels last":             {func(f *files) { f.imageIn.Dims = []int64{free, 32, 32, 3} }, []string{"[-1 32 32 3]", "batch, colours, height, width"}, ""},
		"another width":             {func(f *files) { f.imageOut.Dims[1] = 16 }, []string{"is 16 wide and the card says 8"}, ""},
		"too few dimensions":        {func(f *files) { f.imageIn.Dims = []int64{3, 32, 32} }, []string{"has 3 dimensions, [3 32 32], and 4 are needed"}, ""},
		"four at a time":            {func(f *files) { f.imageIn.Dims[0], f.imageOut.Dims[0] = 4, 4 }, []string{"takes exactly 4 at a time", "dynamic batch", "make export-model"}, ""},
		"texts of another length":   {func(f *files) { f.textIn.Dims[1] = 5 }, []string{"exactly 5 tokens", "text.context is 6"}, ""},
		"the same, not causal":      {func(f *files) { f.textIn.Dims[1], f.causal = 5, false }, []string{"exactly 5 tokens", "text.context is 6"}, ""},
		"texts of three dimensions": {func(f *files) { f.textIn.Dims = []int64{free, free, 1} }, []string{"has 3 dimensions", "batch, tokens"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := fitting()
			tc.change(&f)
			var log bytes.Buffer
			enc, err := f.open(t, &log)
			if len(tc.want) > 0 {
				if fault.KindOf(err) != fault.KindInvalid {
					t.Fatalf("err = %v", err)
				}
				for _, want := range tc.want {
					if !strings.Contains(fault.Public(err), want) {
						t.Errorf("%q lacks %q", fault.Public(err), want)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), tc.warns) || (tc.warns == "") != (log.Len() == 0) {
				t.Errorf("the log says %q, want %q", log.String(), tc.warns)
			}
			checkRuns(t, enc)
		})
	}
}

// checkRuns encodes more items than one run has, of different lengths.
func checkRuns(t *testing.T, enc encoder.Encoder) {
	t.Helper()
	batch := imageprep.NewBatch(3, 32)
	for i := range batch.Pixels {
		batch.Pixels[i] = 128
	}
	vectors, err := enc.EncodeImages(t.Context(), batch)
	if err != nil || len(vectors) != 3 {
		t.Fatalf("%d pictures, %v", len(vectors), err)
	}
	vectors2, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{{1, 2, 3, 4, 5, 6}, {1, 2}, {3}})
	if err != nil || len(vectors2) != 3 {
		t.Fatalf("%d texts, %v", len(vectors2), err)
	}
	for _, v := range append(vectors, vectors2...) {
		if norm := encoder.Dot(v, v); len(v) != 8 || math.Abs(norm-1) > 1e-5 {
			t.Errorf("%v has the norm %g", v, norm)
		}
	}
}

// TestHalfAgrees runs one tower in float32 and with its tensors in float16.
func TestHalfAgrees(t *testing.T) {
	const size = 224
	whole := pictureModel(t, modeltest.Pictures{})
	halved := pictureModel(t, modeltest.Pictures{
		In:  modeltest.Value{Name: modeltest.PicturesInput, Elem: modeltest.Float16, Dims: []int64{modeltest.Open, 3, size, size}},
		Out: modeltest.Value{Name: modeltest.PicturesOutput, Elem: modeltest.Float16, Dims: []int64{modeltest.Open, 2048}}, Width: 2048, Size: size,
	})
	batch := imageprep.NewBatch(3, size)
	for i := range batch.Pixels {
		batch.Pixels[i] = byte(128 + 120*math.Sin(float64(i)/3000))
	}
	var got [2][]encoder.Vector
	for i, m := range []*model.Model{whole, halved} {
		enc := open(t, m)
		var err error
		if got[i], err = enc.EncodeImages(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
	}
	for i := range got[0] {
		if cosine := encoder.Dot(got[0][i], got[1][i]); cosine < 0.99999 {
			t.Errorf("picture %d: cosine %f", i, cosine)
		}
	}
}

// TestSelfTestPictures proves models without a text tower and without reference values.
func TestSelfTestPictures(t *testing.T) {
	decoder, err := imageprep.New(imageprep.Default())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		model    modeltest.Pictures
		mistaken bool // the tower answers with something else
		noise    float64
		want     string // outcomes of tokens, text tower, pixels, image tower
		fault    string
	}{
		"proven":              {model: modeltest.Pictures{Golden: true}, want: "none none ok ok"},
		"without references":  {model: modeltest.Pictures{}, want: "none none skipped ran"},
		"another mean":        {model: modeltest.Pictures{Golden: true, Mean: 0.5}, want: "none none drifted skipped", fault: "drifted is: pixels"},
		"another tower":       {model: modeltest.Pictures{Golden: true}, mistaken: true, want: "none none ok drifted", fault: "drifted is: image tower"},
		"noise":               {model: modeltest.Pictures{Golden: true}, noise: 0.08, want: "none none ok drifted", fault: "at least 0.999 is needed"},
		"noise that may be":   {model: modeltest.Pictures{Golden: true, GoldenCosine: 0.99}, noise: 0.08, want: "none none ok ok"},
		"more than it may be": {model: modeltest.Pictures{Golden: true, GoldenCosine: 0.99}, noise: 0.2, want: "none none ok drifted", fault: "at least 0.99 is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			m := pictureModel(t, tc.model)
			card := m.Card.Image
			spec := imageprep.Spec{Size: card.Size, Resize: card.Resize, Mean: card.Mean, Std: card.Std}
			prepare := func(file, dst []byte) error {
				picture, err := decoder.Decode(file)
				if err != nil {
					return err
				}
				defer picture.Release()
				return picture.Pixels(spec, dst)
			}
			enc := open(t, m)
			defer func() {
				if err := enc.Close(); err != nil {
					t.Error(err)
				}
			}()
			var under encoder.Encoder = noisy{enc, tc.noise}
			if tc.mistaken {
				under = wrong{Encoder: enc, image: true}
			}
			checks, err := encoder.Examine(t.Context(), m, nil, prepare, under)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range checks {
				got = append(got, string(c.Outcome))
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("outcomes %v, want %s: %+v", got, tc.want, checks)
			}
			err = encoder.SelfTest(t.Context(), m, nil, prepare, under)
			if (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(fault.Public(err), tc.fault) {
				t.Errorf("err = %v, want %q", err, tc.fault)
			}
		})
	}
}

// noisy turns vectors by an angle of this tangent.
type noisy struct {
	encoder.Encoder
	by float64
}

func (n noisy) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	vectors, err := n.Encoder.EncodeImages(ctx, batch)
	for _, v := range vectors {
		aside := make(encoder.Vector, len(v))
		for i := range v { // at a right angle to v
			aside[i] = v[i^1]
			if i%2 == 0 {
				aside[i] = -aside[i]
			}
		}
		for i := range v {
			v[i] += float32(n.by) * aside[i]
		}
		encoder.Normalize(v)
	}
	return vectors, err
}
