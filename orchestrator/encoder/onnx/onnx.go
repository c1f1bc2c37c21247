// Package onnx runs a model's towers in process with ONNX Runtime.
//
// It needs libonnxruntime at run time (Config.Library says where it is looked for) and no server. It is not for the
// choice of the model or for the order of work: encoder.Lanes stands in front of it.
package onnx

import (
	"context"
	"errors"
	"fmt"
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
	card  model.Card
	image *tower
	text  *tower
	table *imageprep.Normalizer
	cfg   Config

	mu     sync.RWMutex // held for reading by running calls, so that Close waits for them
	closed bool
}

var _ encoder.Encoder = (*Encoder)(nil)

// Open loads both towers of m and checks that their tensors are what the card says.
// Faults: Unavailable (no libonnxruntime, or one that is too old), Invalid (a tower that does not load or does not fit
// the card; says which tensor and how).
func Open(m *model.Model, cfg Config) (*Encoder, error) {
	if err := start(cfg.Library); err != nil {
		return nil, err
	}
	e := &Encoder{card: m.Card, cfg: cfg, table: imageprep.NewNormalizer(m.Card.Image.Mean, m.Card.Image.Std)}
	var err error
	image := m.Card.Image
	if e.image, err = openTower(m, image.File, image.Input, image.Output, cfg); err != nil {
		return nil, err
	}
	size := int64(image.Size)
	err = e.image.expect(m, []ort.TensorElementDataType{ort.TensorElementDataTypeFloat}, ort.NewShape(any64, 3, size, size))
	if err == nil {
		text := m.Card.Text
		if e.text, err = openTower(m, text.File, text.Input, text.Output, cfg); err == nil {
			length := int64(any64)
			if !text.Causal { // every text is padded to the context, so the tower may be made for that alone
				length = int64(text.Context)
			}
			err = e.text.expect(m, []ort.TensorElementDataType{ort.TensorElementDataTypeInt32, ort.TensorElementDataTypeInt64}, ort.NewShape(any64, length))
		}
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
// causal towers and as long as the context for others, filled up with the card's pad.
func (e *Encoder) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]encoder.Vector, error) {
	if err := encoder.CheckText(e.card, texts); err != nil {
		return nil, err
	}
	vectors := make([]encoder.Vector, 0, len(texts))
	err := e.inBatches(ctx, len(texts), e.cfg.TextBatch, func(from, to int) error {
		batch := texts[from:to]
		length := e.card.Text.Context
		if e.card.Text.Causal {
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

// EncodeImages embeds pictures in batches of at most Config.ImageBatch.
func (e *Encoder) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	if err := encoder.CheckImages(e.card, batch); err != nil {
		return nil, err
	}
	size := batch.Size
	tensor := make([]float32, min(batch.N, e.cfg.ImageBatch)*3*size*size)
	vectors := make([]encoder.Vector, 0, batch.N)
	err := e.inBatches(ctx, batch.N, e.cfg.ImageBatch, func(from, to int) error {
		shape := ort.NewShape(int64(to-from), 3, int64(size), int64(size))
		values := tensor[:shape.FlattenedSize()]
		e.table.Float32(values, batch.Part(from, to))
		out, err := run(e.image, shape, values, e.card.Width)
		vectors = append(vectors, out...)
		return err
	})
	return vectors, err
}

// inBatches calls f for ranges of at most most of n items, while ctx lives and the encoder is open.
func (e *Encoder) inBatches(ctx context.Context, n, most int, f func(from, to int) error) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return fault.Unavailable("the model %s is closed", e.card.Name)
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

// Close frees both towers.
func (e *Encoder) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var all []error
	for _, t := range []*tower{e.image, e.text} {
		if t != nil {
			all = append(all, t.session.Destroy())
		}
	}
	return errors.Join(all...)
}
