package encoder_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/tokenizer"
)

// counting gives every text a vector of its own and notes which texts it was asked for.
type counting struct {
	slow
	asked []string
	err   error
}

func (c *counting) EncodeText(_ context.Context, texts []tokenizer.Tokens) ([]encoder.Vector, error) {
	var vectors []encoder.Vector
	for _, tokens := range texts {
		c.mu.Lock()
		c.asked = append(c.asked, fmt.Sprint(tokens))
		c.mu.Unlock()
		vectors = append(vectors, encoder.Vector{float32(len(tokens)), float32(tokens[0])})
	}
	return vectors, c.err
}

func TestRecent(t *testing.T) {
	t.Parallel()
	inner := &counting{}
	enc := encoder.Recent(inner, 2)
	a, b, c := tokenizer.Tokens{1, 2}, tokenizer.Tokens{1, 2, 3}, tokenizer.Tokens{258}
	for i, step := range []struct {
		texts []tokenizer.Tokens
		asked string // of inner
	}{
		{[]tokenizer.Tokens{a, b}, "[[1 2] [1 2 3]]"},
		{[]tokenizer.Tokens{b, a}, "[]"},
		{[]tokenizer.Tokens{c, a}, "[[258]]"}, // b was asked for longest ago, and goes
		{[]tokenizer.Tokens{a, c}, "[]"},
		{[]tokenizer.Tokens{b}, "[[1 2 3]]"},
		{[]tokenizer.Tokens{{2, 1}}, "[[2 1]]"},
		{nil, "[]"},
	} {
		inner.asked = []string{}
		vectors, err := enc.EncodeText(t.Context(), step.texts)
		if err != nil || len(vectors) != len(step.texts) {
			t.Fatalf("step %d: %d vectors, %v", i, len(vectors), err)
		}
		if got := fmt.Sprint(inner.asked); got != step.asked {
			t.Errorf("step %d: %s were encoded, want %s", i, got, step.asked)
		}
		for j, tokens := range step.texts {
			if vectors[j][0] != float32(len(tokens)) || vectors[j][1] != float32(tokens[0]) {
				t.Errorf("step %d: text %d has the vector %v", i, j, vectors[j])
			}
			clear(vectors[j]) // it is the caller's
		}
	}
}

func TestRecentForgetsFaults(t *testing.T) {
	t.Parallel()
	inner := &counting{err: errors.New("away")}
	enc := encoder.Recent(inner, 2)
	text := []tokenizer.Tokens{{7}}
	if _, err := enc.EncodeText(t.Context(), text); !errors.Is(err, inner.err) {
		t.Fatal(err)
	}
	inner.err = nil
	if vectors, err := enc.EncodeText(t.Context(), text); err != nil || len(vectors) != 1 || len(inner.asked) != 2 {
		t.Errorf("%v, %v after %d texts", vectors, err, len(inner.asked))
	}
	inner.err = errors.New("away again")
	if _, err := enc.EncodeText(t.Context(), text); err != nil {
		t.Errorf("what is remembered needs nobody: %v", err)
	}
	if enc := encoder.Recent(inner, 0); enc != encoder.Encoder(inner) {
		t.Error("nothing is to be remembered")
	}
}

func TestRecentAtOnce(t *testing.T) {
	t.Parallel()
	enc := encoder.Recent(&counting{}, 3)
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for i := range 200 {
				id := int32((caller + i) % 5)
				vectors, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{{id}})
				if err != nil || vectors[0][1] != float32(id) {
					t.Errorf("%d: %v, %v", id, vectors, err)
				}
			}
		})
	}
	all.Wait()
}
