package encoder

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// greatestProbeError bounds the difference of a prepared value to the reference's. One step of an 8-bit pixel is
// 1/255/0.26 = 0.015 after normalization; decoders of another version may differ by two.
const greatestProbeError = 0.03

// TextSource turns a text into the model's tokens; tokenizer.Tokenizer is one.
type TextSource interface {
	Encode(text string) (tokenizer.Tokens, error)
}

// ImageSource prepares the bytes of a picture file into dst, one picture of an imageprep.Batch.
type ImageSource func(file, dst []byte) error

// The steps of a model, in the order in which they are examined.
const (
	StepTokens = "tokens"
	StepText   = "text tower"
	StepPixels = "pixels"
	StepImage  = "image tower"
)

// Outcome is how a step came out.
type Outcome string

// The outcomes.
const (
	Agrees  Outcome = "ok"      // as the reference
	Drifted Outcome = "drifted" // not as the reference
	Ran     Outcome = "ran"     // there is no reference; made-up input gave what it should in shape and kind
	Skipped Outcome = "skipped" // its input has drifted, or there is none
	Absent  Outcome = "none"    // the model has no such step
)

// Check is the outcome of one step.
type Check struct {
	Step    string  `json:"step"`
	Outcome Outcome `json:"outcome"`
	Items   int     `json:"items"`            // texts or pictures that were looked at
	Cosine  float64 `json:"cosine,omitempty"` // towers: the least to a reference
	Item    string  `json:"item,omitempty"`   // the text or picture with that cosine, or the first that drifted
	Detail  string  `json:"detail,omitempty"` // what drifted, and by how much
}

// drifted notes the first item that drifted.
func (c *Check) drifted(item, format string, args ...any) {
	if c.Outcome != Drifted {
		c.Outcome, c.Item, c.Detail = Drifted, item, fmt.Sprintf(format, args...)
	}
}

// SelfTest is Examine with what drifted as its fault, Conflict, so that a wrong merge table, resize rule, tower or output
// is found on start and not by odd results.
func SelfTest(ctx context.Context, m *model.Model, text TextSource, image ImageSource, enc Encoder) error {
	checks, err := Examine(ctx, m, text, image, enc)
	if err != nil {
		return err
	}
	return Verdict(m, checks)
}

// Verdict is nil where no step drifted. Fault otherwise: Conflict, which names the steps and says what the first gave.
func Verdict(m *model.Model, checks []Check) error {
	var steps []string
	var first Check
	for _, c := range checks {
		if c.Outcome != Drifted {
			continue
		}
		if steps = append(steps, c.Step); len(steps) == 1 {
			first = c
		}
	}
	switch len(steps) {
	case 0:
		return nil
	case 1:
		return fault.Conflict("%s does not reproduce its own reference values; the step that drifted is: %s. %s. Correct the card or install the model again", m.Where(), first.Step, first.Detail)
	}
	return fault.Conflict("%s does not reproduce its own reference values; the steps that drifted are: %s. %s. Correct the card or install the model again", m.Where(), strings.Join(steps, ", "), first.Detail)
}

// Examine runs the model's reference texts and pictures through the whole path and compares every step on its own: the
// text tower is fed the reference's tokens. A model without reference values runs on made-up input. text may be nil where
// the model has no text tower. Faults: those of the model's files and of the encoder; what drifted is none.
func Examine(ctx context.Context, m *model.Model, text TextSource, image ImageSource, enc Encoder) ([]Check, error) {
	golden, err := m.Golden()
	if err != nil {
		return nil, err
	}
	if m.Card.Golden == "" {
		return tryOut(ctx, m, text, enc)
	}
	checks := []Check{{Step: StepTokens, Outcome: Absent}, {Step: StepText, Outcome: Absent}}
	if m.Card.HasText() {
		checks[0] = checkTokens(golden.Texts, text)
		if checks[1], err = checkTexts(ctx, m, golden.Texts, enc); err != nil {
			return nil, err
		}
	}
	pixels, batch, err := checkPixels(m, golden.Images, image)
	if err != nil {
		return nil, err
	}
	tower := Check{Step: StepImage, Outcome: Skipped}
	if pixels.Outcome == Agrees {
		tower, err = checkImages(ctx, m, golden.Images, batch, enc)
	}
	return append(checks, pixels, tower), err
}

func checkTokens(golden []model.GoldenText, text TextSource) Check {
	c := Check{Step: StepTokens, Outcome: Agrees, Items: len(golden)}
	for _, g := range golden {
		tokens, err := text.Encode(g.Text)
		switch {
		case err != nil:
			c.drifted(g.Text, "%q is refused: %s", g.Text, fault.Public(err))
		case !slices.Equal([]int32(tokens), g.Tokens):
			c.drifted(g.Text, "%q gives %v, the reference %v", g.Text, tokens, g.Tokens)
		}
	}
	return c
}

func checkTexts(ctx context.Context, m *model.Model, golden []model.GoldenText, enc Encoder) (Check, error) {
	c := Check{Step: StepText, Outcome: Agrees, Items: len(golden), Cosine: 1}
	batch := make([]tokenizer.Tokens, len(golden))
	for i, g := range golden {
		batch[i] = g.Tokens
	}
	vectors, err := enc.EncodeText(ctx, batch)
	if err != nil {
		return c, err
	}
	for i, g := range golden {
		if err := c.compare(m, g.Text, vectors[i], g.Embedding); err != nil {
			return c, err
		}
	}
	return c, nil
}

func checkPixels(m *model.Model, golden []model.GoldenImage, image ImageSource) (Check, imageprep.Batch, error) {
	c := Check{Step: StepPixels, Outcome: Agrees, Items: len(golden)}
	size := m.Card.Image.Size
	batch := imageprep.NewBatch(len(golden), size)
	table := imageprep.NewNormalizer(m.Card.Image.Mean, m.Card.Image.Std)
	for i, g := range golden {
		file, err := m.ReadFile(g.File)
		if err != nil {
			return c, batch, err
		}
		dst := batch.Image(i)
		if err := image(file, dst); err != nil {
			c.drifted(g.File, "%s is refused: %s", g.File, fault.Public(err))
			continue
		}
		for _, p := range g.Probe {
			channel, y, x := p.At[0], p.At[1], p.At[2]
			if channel < 0 || channel >= 3 || y < 0 || y >= size || x < 0 || x >= size {
				return c, batch, fault.Invalid("%s: %s: probe %v of %s is outside the tensor", m.Where(), m.Card.Golden, p.At, g.File)
			}
			if got := table.Value(channel, dst[3*(y*size+x)+channel]); !(math.Abs(float64(got-p.Value)) <= greatestProbeError) {
				c.drifted(g.File, "%s has %.4f at channel %d, row %d, column %d, the reference %.4f", g.File, got, channel, y, x, p.Value)
			}
		}
	}
	return c, batch, nil
}

func checkImages(ctx context.Context, m *model.Model, golden []model.GoldenImage, batch imageprep.Batch, enc Encoder) (Check, error) {
	c := Check{Step: StepImage, Outcome: Agrees, Items: len(golden), Cosine: 1}
	vectors, err := enc.EncodeImages(ctx, batch)
	if err != nil {
		return c, err
	}
	for i, g := range golden {
		if err := c.compare(m, g.File, vectors[i], g.Embedding); err != nil {
			return c, err
		}
	}
	return c, nil
}

// compare notes the cosine of an item's embedding to the reference's. Fault: Invalid for a reference that is none.
func (c *Check) compare(m *model.Model, item string, got, reference Vector) error {
	want := slices.Clone(reference)
	if len(got) != len(want) || !Normalize(want) {
		return fault.Invalid("%s: %s: the embedding of %q has %d values; %d are needed, not all zero", m.Where(), m.Card.Golden, item, len(want), m.Card.Width)
	}
	if cosine := Dot(got, want); cosine < c.Cosine || c.Item == "" {
		c.Cosine, c.Item = min(cosine, 1), item
	}
	if least := m.Card.LeastCosine(); c.Cosine < least {
		c.Outcome, c.Detail = Drifted, fmt.Sprintf("%q has cosine %.5f to the reference, at least %g is needed", c.Item, c.Cosine, least)
	}
	return nil
}

// madeUp is a text that every tokenizer takes.
const madeUp = "a red apple"

// tryOut runs both towers on made-up input, two items each, where there is nothing to compare with.
func tryOut(ctx context.Context, m *model.Model, text TextSource, enc Encoder) ([]Check, error) {
	checks := []Check{{Step: StepTokens, Outcome: Absent}, {Step: StepText, Outcome: Absent}, {Step: StepPixels, Outcome: Skipped}, {Step: StepImage, Outcome: Ran, Items: 2}}
	if m.Card.HasText() {
		tokens, err := text.Encode(madeUp)
		if err != nil {
			return nil, fault.At("the text "+madeUp, err)
		}
		vectors, err := enc.EncodeText(ctx, []tokenizer.Tokens{tokens, tokens})
		if err != nil {
			return nil, err
		}
		if err := sound(m, StepText, vectors); err != nil {
			return nil, err
		}
		checks[0], checks[1] = Check{Step: StepTokens, Outcome: Ran, Items: 1}, Check{Step: StepText, Outcome: Ran, Items: 2}
	}
	batch := imageprep.NewBatch(2, m.Card.Image.Size)
	for i := range batch.Pixels {
		batch.Pixels[i] = byte(i / 1000)
	}
	vectors, err := enc.EncodeImages(ctx, batch)
	if err != nil {
		return nil, err
	}
	return checks, sound(m, StepImage, vectors)
}

// sound refuses what no tower may give: another number or width, or no direction.
func sound(m *model.Model, step string, vectors []Vector) error {
	if len(vectors) != 2 {
		return fault.Conflict("%s: the %s gives %d embeddings for 2 items; export it again", m.Where(), step, len(vectors))
	}
	for _, v := range vectors {
		if norm := math.Sqrt(Dot(v, v)); len(v) != m.Card.Width || !(math.Abs(norm-1) < 1e-3) {
			return fault.Conflict("%s: the %s gives an embedding of width %d and length %g where %d and 1 are needed; export it again", m.Where(), step, len(v), norm, m.Card.Width)
		}
	}
	return nil
}
