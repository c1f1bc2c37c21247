// Package encoder is the contract for running a model's two towers.
//
// Implementations live below it (onnx in process; triton over gRPC) and pass the suite of encodertest. Lanes puts
// searches before bulk work on one encoder; Examine and SelfTest compare an encoder with its model's reference values, and
// Proof keeps one from use until it has passed.
//
// The package is not for turning text into tokens (tokenizer) or pictures into tensors (imageprep).
package encoder

import (
	"context"
	"math"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// Vector is an embedding: Card().Width components with L2 norm 1.
type Vector = []float32

// Encoder runs the towers of one model.
//
// All methods are safe for concurrent use. A call answers for its whole batch in the order given, or fails as a whole:
// nothing is partly encoded. The caller owns the vectors that come back, and may reuse the batch's memory once the call
// has returned. An empty batch gives no vectors and no error.
//
// Faults: Invalid (a batch of another picture size, a text longer than the context, tokens that are not the model's, any
// text where the model has no text tower),
// Overloaded and Unavailable (remote implementations, Lanes), Internal. A cancelled call returns the context's error,
// possibly after the batch that was running; it leaves nothing behind.
type Encoder interface {
	// Card describes the model that is run.
	Card() model.Card
	// EncodeText embeds token sequences, each from its start to its end token.
	EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]Vector, error)
	// EncodeImages normalizes pictures as the card says and embeds them.
	EncodeImages(ctx context.Context, batch imageprep.Batch) ([]Vector, error)
	// Close frees the model. It waits for running calls; calls after it fail with Unavailable.
	Close() error
}

// CheckText reports texts that a model with this card cannot take. Implementations call it first.
func CheckText(card model.Card, texts []tokenizer.Tokens) error {
	if len(texts) == 0 {
		return nil
	}
	if err := card.NeedText(); err != nil {
		return err
	}
	for i, tokens := range texts {
		if len(tokens) == 0 || len(tokens) > card.Text.Context {
			return fault.Invalid("text %d of %d has %d tokens; %s takes 1 to %d", i+1, len(texts), len(tokens), card.Name, card.Text.Context)
		}
	}
	return nil
}

// CheckImages reports a batch that a model with this card cannot take. Implementations call it first.
func CheckImages(card model.Card, batch imageprep.Batch) error {
	size := card.Image.Size
	if batch.N == 0 {
		return nil
	}
	if batch.Size != size {
		return fault.Invalid("the pictures are prepared at %d x %d pixels; %s takes %d x %d", batch.Size, batch.Size, card.Name, size, size)
	}
	if want := batch.N * 3 * size * size; batch.N < 0 || len(batch.Pixels) < want {
		return fault.Invalid("a batch of %d pictures needs %d bytes and holds %d", batch.N, want, len(batch.Pixels))
	}
	return nil
}

// Normalize scales v to L2 norm 1 in place, summing in float64 as the reference does in its own width. It reports false,
// leaving v as it is, where v has no direction (all zero, or not finite).
func Normalize(v Vector) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return false
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return true
}

// Dot is the inner product of two vectors of one width: the cosine of embeddings.
func Dot(a, b Vector) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
