package onnx_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
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

// config finds the library where `make setup` puts it.
func config(t testing.TB) onnx.Config {
	t.Helper()
	library, err := filepath.Abs("../../../bin/libonnxruntime.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("run `make setup` first: %v", err)
	}
	cfg := onnx.Default()
	cfg.Library = library
	return cfg
}

func open(t testing.TB, m *model.Model) *onnx.Encoder {
	t.Helper()
	enc, err := onnx.Open(m, config(t), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func TestSuite(t *testing.T) {
	m := modeltest.Demo(t)
	tok := encodertest.CLIP(t, m)
	text := func(text string) tokenizer.Tokens {
		tokens, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		return tokens
	}
	t.Run("one by one", func(t *testing.T) {
		encodertest.Run(t, func(t *testing.T) encoder.Encoder { return open(t, m) }, text)
	})
	t.Run("side by side", func(t *testing.T) {
		encodertest.Run(t, func(t *testing.T) encoder.Encoder {
			cfg := config(t)
			cfg.Threads = 3
			enc, err := onnx.Open(m, cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
			if err != nil {
				t.Fatal(err)
			}
			return enc.Bulk()
		}, text)
	})
}

// TestSelfTest breaks one step at a time and expects it to be named.
func TestSelfTest(t *testing.T) {
	m := modeltest.Demo(t)
	tok := encodertest.CLIP(t, m)
	enc := open(t, m)
	defer func() {
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
	}()
	decoder, err := imageprep.New(imageprep.Default())
	if err != nil {
		t.Fatal(err)
	}
	card := m.Card.Image
	spec := imageprep.Spec{Size: card.Size, Resize: card.Resize, Mean: card.Mean, Std: card.Std}
	prepareAs := func(spec imageprep.Spec) encoder.ImageSource {
		return func(file, dst []byte) error {
			picture, err := decoder.Decode(file)
			if err != nil {
				return err
			}
			defer picture.Release()
			return picture.Pixels(spec, dst)
		}
	}
	squashed := spec
	squashed.Resize = model.ResizeSquash
	swapped := *m
	swapped.Card.Image.Mean[0], swapped.Card.Image.Mean[2] = card.Mean[2], card.Mean[0]
	for name, tc := range map[string]struct {
		model *model.Model
		text  encoder.TextSource
		image encoder.ImageSource
		enc   encoder.Encoder
		step  string
	}{
		"all well":           {m, tok, prepareAs(spec), enc, ""},
		"another tokenizer":  {m, upper{tok}, prepareAs(spec), enc, "tokens"},
		"another resize":     {m, tok, prepareAs(squashed), enc, "pixels"},
		"means swapped":      {&swapped, tok, prepareAs(spec), enc, "pixels"},
		"another text tower": {m, tok, prepareAs(spec), wrong{Encoder: enc, text: true}, "text tower"},
		"another eye":        {m, tok, prepareAs(spec), wrong{Encoder: enc, image: true}, "image tower"},
	} {
		t.Run(name, func(t *testing.T) {
			err := encoder.SelfTest(t.Context(), tc.model, tc.text, tc.image, tc.enc)
			if tc.step == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), "drifted is: "+tc.step) {
				t.Errorf("err = %v, want one that names %s", err, tc.step)
			}
		})
	}
}

// upper gives other tokens than the reference.
type upper struct{ *tokenizer.CLIP }

func (u upper) Encode(text string) (tokenizer.Tokens, error) { return u.CLIP.Encode(text + "!") }

// wrong turns the vectors of one tower around.
type wrong struct {
	encoder.Encoder
	text, image bool
}

func (w wrong) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]encoder.Vector, error) {
	vectors, err := w.Encoder.EncodeText(ctx, texts)
	return reverse(vectors, w.text), err
}

func (w wrong) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	vectors, err := w.Encoder.EncodeImages(ctx, batch)
	return reverse(vectors, w.image), err
}

func reverse(vectors []encoder.Vector, really bool) []encoder.Vector {
	for _, v := range vectors {
		for i := range v {
			if really {
				v[i] = -v[i]
			}
		}
	}
	return vectors
}

// TestOpenRefusesWhatDoesNotFit changes the card of a good model.
func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*model.Card)
		want   []string
	}{
		"input name":   {func(c *model.Card) { c.Image.Input = "image" }, []string{"image.onnx", `no input "image"`, `"pixels"`}},
		"output name":  {func(c *model.Card) { c.Text.Output = "features" }, []string{"text.onnx", `no output "features"`, `"embedding"`}},
		"size":         {func(c *model.Card) { c.Image.Size = 224 }, []string{"image.onnx", "336", "224"}},
		"width":        {func(c *model.Card) { c.Width = 512 }, []string{"image.onnx", "768", "512"}},
		"towers mixed": {func(c *model.Card) { c.Image.File, c.Image.Input = c.Text.File, c.Text.Input }, []string{"text.onnx", "tokens"}},
		"not ONNX":     {func(c *model.Card) { c.Image.File = "merges.txt" }, []string{"merges.txt", "not an ONNX file"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := modeltest.Demo(t)
			tc.change(&m.Card)
			_, err := onnx.Open(m, config(t), slog.New(slog.NewTextHandler(t.Output(), nil)))
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatalf("err = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(fault.Public(err), want) {
					t.Errorf("%q lacks %q", fault.Public(err), want)
				}
			}
		})
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	err := onnx.Config{Threads: -1, ImageBatch: -1}.Validate()
	for _, want := range []string{"threads", "image_batch", "text_batch"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func BenchmarkEncodeText(b *testing.B) {
	m := modeltest.Demo(b)
	enc := open(b, m)
	defer closeIt(b, enc)
	tokens, err := encodertest.CLIP(b, m).Encode("a red apple")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := enc.EncodeText(b.Context(), []tokenizer.Tokens{tokens}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeImages(b *testing.B) {
	m := modeltest.Demo(b)
	enc := open(b, m)
	defer closeIt(b, enc)
	batch := imageprep.NewBatch(8, m.Card.Image.Size)
	for b.Loop() {
		if _, err := enc.EncodeImages(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(8*b.N)/b.Elapsed().Seconds(), "pictures/s")
}

func closeIt(b *testing.B, c io.Closer) {
	if err := c.Close(); err != nil {
		b.Error(err)
	}
}
