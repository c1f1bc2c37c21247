package encoder

import (
	"context"

	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// Free is an encoder that takes no time and gives every text and picture the same vector, for measuring what else costs
// some.
func Free(card model.Card) Encoder { return free{card} }

type free struct{ card model.Card }

func (f free) Card() model.Card { return f.card }
func (free) Close() error       { return nil }

func (f free) EncodeText(_ context.Context, texts []tokenizer.Tokens) ([]Vector, error) {
	return f.vectors(len(texts)), CheckText(f.card, texts)
}

func (f free) EncodeImages(_ context.Context, batch imageprep.Batch) ([]Vector, error) {
	return f.vectors(batch.N), CheckImages(f.card, batch)
}

func (f free) vectors(n int) []Vector {
	all := make([]Vector, n)
	for i := range all {
		all[i] = make(Vector, f.card.Width)
		all[i][0] = 1
	}
	return all
}
