// Package onnx runs a model's towers in process with ONNX Runtime.
//
// It needs libonnxruntime at run time (Config.Library says where it is looked for) and no server. It is not for the
// choice of the model or for the order of work: encoder.Lanes stands in front of it.
package onnx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// Encoder runs both towers of one model. See encoder.Encoder for what it promises.
type Encoder struct {
	model *model.Model
	card  model.Card
	image *tower
	text  *tower
	table *imageprep.Normalizer
	cfg   Config
	log   *slog.Logger

	loading sync.Mutex
	side    *side // for Bulk; nil until it is needed

	mu     sync.RWMutex // held for reading by running calls, so that Close waits for them
	closed bool
}

var _ encoder.Encoder = (*Encoder)(nil)

// Open loads the towers of m and checks that their tensors are what the card says. What it can run but only slower than
// need be is logged.
// Faults: Unavailable (no libonnxruntime, or one that is too old), Invalid (a tower that does not load or does not fit
// the card; says which tensor and how).
func Open(m *model.Model, cfg Config, log *slog.Logger) (*Encoder, error) {
	if err := start(cfg.Library); err != nil {
		return nil, err
	}
	e := &Encoder{model: m, card: m.Card, cfg: cfg, log: log, table: imageprep.NewNormalizer(m.Card.Image.Mean, m.Card.Image.Std)}
	var err error
	if e.image, err = openTower(m, imagePort(m.Card), cfg, log); err == nil && m.Card.HasText() {
		e.text, err = openTower(m, textPort(m.Card), cfg, log)
	}
	if err != nil {
		_ = e.Close() // the first error is the one to tell
		return nil, err
	}
	return e, nil
}

// Card describes the model.
func (e *Encoder) Card() model.Card { return e.card }

// EncodeText embeds texts, grouped in batches of at most Config.TextBatch. Each batch is as long as its longest text for
// causal towers that take any length and as long as the context for others, filled up with the card's pad.
func (e *Encoder) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]encoder.Vector, error) {
	if err := encoder.CheckText(e.card, texts); err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, nil
	}
	vectors := make([]encoder.Vector, 0, len(texts))
	err := e.inBatches(ctx, len(texts), e.text.most(e.cfg.TextBatch, 0), func(from, to int) error {
		batch := texts[from:to]
		length := e.card.Text.Context
		if e.text.anyLength {
			length = 0
			for _, tokens := range batch {
				length = max(length, len(tokens))
			}
		}
		out, err := e.text.runTokens(batch, length, e.card.Text.Pad, e.card.Width)
		vectors = append(vectors, out...)
		return err
	})
	return vectors, err
}

// imageBatch is how many pictures run together.
func (e *Encoder) imageBatch() int { return e.image.most(e.cfg.ImageBatch, e.card.Image.Size) }

// EncodeImages embeds pictures in batches as Config.ImageBatch has them, each with all threads.
func (e *Encoder) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	if err := encoder.CheckImages(e.card, batch); err != nil {
		return nil, err
	}
	vectors := make([]encoder.Vector, batch.N)
	most := e.imageBatch()
	tensor := e.tensor(min(batch.N, most))
	err := e.inBatches(ctx, batch.N, most, func(from, to int) error {
		return e.embed(e.image, batch.Part(from, to), tensor, vectors[from:to])
	})
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

// tensor is memory for n pictures.
func (e *Encoder) tensor(n int) []float32 {
	return make([]float32, n*3*e.card.Image.Size*e.card.Image.Size)
}

// embed runs pictures through t in one run.
func (e *Encoder) embed(t *tower, batch imageprep.Batch, tensor []float32, vectors []encoder.Vector) error {
	shape := ort.NewShape(int64(batch.N), 3, int64(batch.Size), int64(batch.Size))
	out, err := t.runPixels(shape, e.table, batch, tensor, e.card.Width)
	copy(vectors, out)
	return err
}

// inBatches calls f for ranges of at most most of n items, while ctx lives and the encoder is open.
func (e *Encoder) inBatches(ctx context.Context, n, most int, f func(from, to int) error) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.checkOpen(); err != nil {
		return err
	}
	for from := 0; from < n; from += most {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(from, min(n, from+most)); err != nil {
			return fmt.Errorf("run %s: %w", e.card.Name, err)
		}
	}
	return nil
}

// checkOpen refuses calls after Close. The caller holds mu.
func (e *Encoder) checkOpen() error {
	if e.closed {
		return fault.Unavailable("the model %s is closed", e.card.Name)
	}
	return nil
}

// Close frees the towers.
func (e *Encoder) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var all []error
	if e.side != nil {
		all = append(all, e.side.close())
	}
	for _, t := range []*tower{e.image, e.text} {
		if t != nil {
			all = append(all, t.session.Destroy())
		}
	}
	return errors.Join(all...)
}
