package encoder

import (
	"context"
	"encoding/binary"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipseek/orchestrator/tokenizer"
)

// Recent is enc with a memory of the embeddings of the last texts, at most most of them: people page through results,
// change a filter, or ask what others have just asked. Texts that are the same to the tokenizer are one. What is
// remembered is answered even where enc could not. Below 1 nothing is remembered.
func Recent(enc Encoder, most int) Encoder {
	vectors, err := lru.New[string, Vector](most)
	if err != nil { // its one fault is the size
		return enc
	}
	return recent{enc, vectors}
}

type recent struct {
	Encoder
	vectors *lru.Cache[string, Vector] // by the text's ids
}

// EncodeText has those texts encoded that are not remembered, in one call.
func (r recent) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]Vector, error) {
	vectors := make([]Vector, len(texts))
	keys := make([]string, len(texts))
	var missing []tokenizer.Tokens
	var places []int
	for i, tokens := range texts {
		keys[i] = idKey(tokens)
		if known, ok := r.vectors.Get(keys[i]); ok {
			vectors[i] = slices.Clone(known) // the caller owns what it gets
			continue
		}
		missing, places = append(missing, tokens), append(places, i)
	}
	if len(missing) == 0 {
		return vectors, ctx.Err()
	}
	made, err := r.Encoder.EncodeText(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, vector := range made {
		vectors[places[i]] = vector
		r.vectors.Add(keys[places[i]], slices.Clone(vector))
	}
	return vectors, nil
}

// idKey is the ids as a string.
func idKey(tokens tokenizer.Tokens) string {
	key := make([]byte, 0, 4*len(tokens))
	for _, id := range tokens {
		key = binary.LittleEndian.AppendUint32(key, uint32(id))
	}
	return string(key)
}
