// Package encodertest is the suite that every encoder passes. It is for tests only.
package encodertest

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/tokenizer"
)

// sameCosine is how near two encodings of one item must be, whatever batch they came in: kernels may sum in another
// order for another batch size.
const sameCosine = 0.9999

// Run checks what encoder.Encoder promises. open gives an encoder of the built-in model, which Run closes; text makes
// its tokens. RunPictures is for models of pictures alone.
func Run(t *testing.T, open func(t *testing.T) encoder.Encoder, text func(string) tokenizer.Tokens) {
	t.Run("texts", func(t *testing.T) { testTexts(t, open(t), text) })
	run(t, open, text)
}

// RunPictures is Run for a model without a text tower.
func RunPictures(t *testing.T, open func(t *testing.T) encoder.Encoder) {
	t.Run("no texts", func(t *testing.T) { testNoTexts(t, open(t)) })
	run(t, open, nil)
}

func run(t *testing.T, open func(t *testing.T) encoder.Encoder, text func(string) tokenizer.Tokens) {
	t.Run("pictures", func(t *testing.T) { testPictures(t, open(t)) })
	t.Run("bad batches", func(t *testing.T) { testBadBatches(t, open(t)) })
	t.Run("concurrent use", func(t *testing.T) { testConcurrent(t, open(t), text) })
	t.Run("cancellation", func(t *testing.T) { testCancel(t, open(t), text) })
	t.Run("close", func(t *testing.T) { testClose(t, open(t), text) })
}

func closing(t *testing.T, enc encoder.Encoder) {
	t.Helper()
	t.Cleanup(func() {
		if err := enc.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func checkUnit(t *testing.T, enc encoder.Encoder, vectors []encoder.Vector, n int) {
	t.Helper()
	if len(vectors) != n {
		t.Fatalf("%d vectors for %d items", len(vectors), n)
	}
	for i, v := range vectors {
		if len(v) != enc.Card().Width {
			t.Errorf("vector %d has width %d, the card says %d", i, len(v), enc.Card().Width)
		}
		if norm := math.Sqrt(encoder.Dot(v, v)); math.Abs(norm-1) > 1e-5 {
			t.Errorf("vector %d has norm %g", i, norm)
		}
	}
}

// testTexts encodes texts of different lengths together and alone: padding and neighbours must not matter.
func testTexts(t *testing.T, enc encoder.Encoder, text func(string) tokenizer.Tokens) {
	closing(t, enc)
	words := []string{"apple", "a photo of many ripe bananas on a wooden table in the evening", "", "红苹果", "Apple", "lemon"}
	batch := make([]tokenizer.Tokens, 0, 40)
	for i := range cap(batch) { // more than one run of any implementation's batch
		batch = append(batch, text(words[i%len(words)]))
	}
	together, err := enc.EncodeText(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	checkUnit(t, enc, together, len(batch))
	for i, tokens := range batch[:len(words)] {
		alone, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{tokens})
		if err != nil {
			t.Fatal(err)
		}
		if cosine := encoder.Dot(alone[0], together[i]); cosine < sameCosine {
			t.Errorf("%q alone and in a batch have cosine %f", words[i], cosine)
		}
	}
	if cosine := encoder.Dot(together[0], together[5]); cosine > sameCosine {
		t.Errorf("apple and lemon have cosine %f", cosine)
	}
	if none, err := enc.EncodeText(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("an empty batch gives %v, %v", none, err)
	}
}

// testNoTexts has texts refused, and pictures answered afterwards.
func testNoTexts(t *testing.T, enc encoder.Encoder) {
	closing(t, enc)
	_, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{{1, 2, 3}})
	if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), enc.Card().Name+" has no text tower") {
		t.Errorf("a text: %v", err)
	}
	if none, err := enc.EncodeText(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("an empty batch gives %v, %v", none, err)
	}
	batch := imageprep.NewBatch(2, enc.Card().Image.Size) // a black one and a white one
	for i := range batch.Image(1) {
		batch.Image(1)[i] = 255
	}
	vectors, err := enc.EncodeImages(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	checkUnit(t, enc, vectors, 2)
	if cosine := encoder.Dot(vectors[0], vectors[1]); cosine > sameCosine {
		t.Errorf("two pictures have cosine %f", cosine)
	}
}

// pictures makes n pictures of different colours in a gradient.
func pictures(enc encoder.Encoder, n int) imageprep.Batch {
	batch := imageprep.NewBatch(n, enc.Card().Image.Size)
	for i := range n {
		image := batch.Image(i)
		for j := range image {
			image[j] = byte(128 + 127*math.Sin(float64(j)/1000+float64(i)))
		}
	}
	return batch
}

func testPictures(t *testing.T, enc encoder.Encoder) {
	closing(t, enc)
	batch := pictures(enc, 11)
	together, err := enc.EncodeImages(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	checkUnit(t, enc, together, batch.N)
	for _, i := range []int{0, 7, 10} {
		alone, err := enc.EncodeImages(t.Context(), batch.Part(i, i+1))
		if err != nil {
			t.Fatal(err)
		}
		if cosine := encoder.Dot(alone[0], together[i]); cosine < sameCosine {
			t.Errorf("picture %d alone and in a batch have cosine %f", i, cosine)
		}
	}
	kept := append(encoder.Vector{}, together[3]...)
	clear(batch.Pixels) // the batch's memory is the caller's again
	if encoder.Dot(kept, together[3]) < sameCosine {
		t.Error("a vector changed with the batch's memory")
	}
	if none, err := enc.EncodeImages(t.Context(), imageprep.Batch{}); err != nil || len(none) != 0 {
		t.Errorf("an empty batch gives %v, %v", none, err)
	}
}

func testBadBatches(t *testing.T, enc encoder.Encoder) {
	closing(t, enc)
	size := enc.Card().Image.Size
	for name, batch := range map[string]imageprep.Batch{
		"another size":    imageprep.NewBatch(1, size+1),
		"too few bytes":   {Pixels: make([]byte, 10), N: 1, Size: size},
		"negative number": {N: -1, Size: size},
	} {
		if _, err := enc.EncodeImages(t.Context(), batch); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !enc.Card().HasText() {
		return
	}
	for name, tokens := range map[string]tokenizer.Tokens{"no tokens": {}, "too many": make(tokenizer.Tokens, enc.Card().Text.Context+1)} {
		if _, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{tokens}); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testConcurrent(t *testing.T, enc encoder.Encoder, text func(string) tokenizer.Tokens) {
	closing(t, enc)
	batch := pictures(enc, 2)
	want, err := enc.EncodeImages(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			got, err := enc.EncodeImages(t.Context(), batch)
			if err != nil || encoder.Dot(got[1], want[1]) < sameCosine {
				t.Errorf("caller %d: picture differs or %v", i, err)
			}
			if text == nil {
				return
			}
			if _, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{text("apple")}); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

func testCancel(t *testing.T, enc encoder.Encoder, text func(string) tokenizer.Tokens) {
	closing(t, enc)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if text != nil {
		if _, err := enc.EncodeText(ctx, []tokenizer.Tokens{text("apple")}); !errors.Is(err, context.Canceled) {
			t.Errorf("text: %v", err)
		}
	}
	if _, err := enc.EncodeImages(ctx, pictures(enc, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("picture: %v", err)
	}
}

func testClose(t *testing.T, enc encoder.Encoder, text func(string) tokenizer.Tokens) {
	for range 2 { // closing twice is no error
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := enc.EncodeImages(t.Context(), pictures(enc, 1)); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("a picture after Close gives %v", err)
	}
	if text == nil {
		return
	}
	if _, err := enc.EncodeText(t.Context(), []tokenizer.Tokens{text("apple")}); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("a text after Close gives %v", err)
	}
}
