package encoder

import (
	"context"
	"math"
	"slices"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// LeastGoldenCosine is the cosine to a reference embedding below which an encoder is not the model it claims to be.
const LeastGoldenCosine = 0.999

// greatestProbeError bounds the difference of a prepared value to the reference's. One step of an 8-bit pixel is
// 1/255/0.26 = 0.015 after normalization; decoders of another version may differ by two.
const greatestProbeError = 0.03

// TextSource turns a text into the model's tokens; tokenizer.Tokenizer is one.
type TextSource interface {
	Encode(text string) (tokenizer.Tokens, error)
}

// ImageSource prepares the bytes of a picture file into dst, one picture of an imageprep.Batch.
type ImageSource func(file, dst []byte) error

// SelfTest runs the model's reference texts and pictures through the whole path and compares every step, so that a wrong
// merge table, resize rule, tower or output is found on start and not by odd results. The fault, Conflict, names the step
// that drifted: tokens, pixels, text tower or image tower.
func SelfTest(ctx context.Context, m *model.Model, text TextSource, image ImageSource, enc Encoder) error {
	golden, err := m.Golden()
	if err != nil {
		return err
	}
	if err := testTexts(ctx, m, golden.Texts, text, enc); err != nil {
		return err
	}
	return testImages(ctx, m, golden.Images, image, enc)
}

func testTexts(ctx context.Context, m *model.Model, golden []model.GoldenText, text TextSource, enc Encoder) error {
	batch := make([]tokenizer.Tokens, len(golden))
	for i, g := range golden {
		tokens, err := text.Encode(g.Text)
		if err != nil {
			return drift(m, "tokens", "%q is refused: %s", g.Text, fault.Public(err)).Because(err)
		}
		if !slices.Equal([]int32(tokens), g.Tokens) {
			return drift(m, "tokens", "%q gives %v, the reference %v", g.Text, tokens, g.Tokens)
		}
		batch[i] = tokens
	}
	vectors, err := enc.EncodeText(ctx, batch)
	if err != nil {
		return err
	}
	for i, g := range golden {
		if cosine, ok := agree(vectors[i], g.Embedding); !ok {
			return drift(m, "text tower", "%q has cosine %.5f to the reference, at least %g is needed", g.Text, cosine, LeastGoldenCosine)
		}
	}
	return nil
}

func testImages(ctx context.Context, m *model.Model, golden []model.GoldenImage, image ImageSource, enc Encoder) error {
	size := m.Card.Image.Size
	batch := imageprep.NewBatch(len(golden), size)
	table := imageprep.NewNormalizer(m.Card.Image.Mean, m.Card.Image.Std)
	for i, g := range golden {
		file, err := m.ReadFile(g.File)
		if err != nil {
			return err
		}
		dst := batch.Image(i)
		if err := image(file, dst); err != nil {
			return drift(m, "pixels", "%s is refused: %s", g.File, fault.Public(err)).Because(err)
		}
		for _, p := range g.Probe {
			c, y, x := p.At[0], p.At[1], p.At[2]
			if c < 0 || c >= 3 || y < 0 || y >= size || x < 0 || x >= size {
				return fault.Invalid("%s: %s: probe %v of %s is outside the tensor", m.Where(), m.Card.Golden, p.At, g.File)
			}
			if got := table.Value(c, dst[3*(y*size+x)+c]); math.Abs(float64(got-p.Value)) > greatestProbeError {
				return drift(m, "pixels", "%s has %.4f at channel %d, row %d, column %d, the reference %.4f", g.File, got, c, y, x, p.Value)
			}
		}
	}
	vectors, err := enc.EncodeImages(ctx, batch)
	if err != nil {
		return err
	}
	for i, g := range golden {
		if cosine, ok := agree(vectors[i], g.Embedding); !ok {
			return drift(m, "image tower", "%s has cosine %.5f to the reference, at least %g is needed", g.File, cosine, LeastGoldenCosine)
		}
	}
	return nil
}

func agree(got, want Vector) (cosine float64, ok bool) {
	want = slices.Clone(want)
	if len(got) != len(want) || !Normalize(want) {
		return 0, false
	}
	cosine = Dot(got, want)
	return cosine, cosine >= LeastGoldenCosine
}

func drift(m *model.Model, step, format string, args ...any) *fault.Error {
	f := fault.Conflict(format, args...)
	f.Message = m.Where() + " does not reproduce its own reference values; the step that drifted is: " + step + ". " + f.Message + ". Install the model again"
	return f
}
