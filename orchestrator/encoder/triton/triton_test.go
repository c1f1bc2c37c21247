package triton_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/encodertest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/orchestrator/tokenizer"
)

// same is how near two encodings of one item must be, whatever way they went.
const same = 0.9999

func near(t *testing.T, got, want encoder.Vector) {
	t.Helper()
	if cosine := encoder.Dot(got, want); cosine < same {
		t.Errorf("cosine %f", cosine)
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	server := sharedTriton(t)
	tokens := func(s string) tokenizer.Tokens { return text(t, s)[0] }
	t.Run("searches by shared memory", func(t *testing.T) {
		t.Parallel()
		cfg := withServers(server.GRPC)
		cfg.SharedMemory = "on"
		encodertest.Run(t, func(t *testing.T) encoder.Encoder { return open(t, cfg) }, tokens)
	})
	t.Run("bulk by the connection", func(t *testing.T) {
		t.Parallel()
		cfg := withServers(server.GRPC)
		cfg.SharedMemory = "off"
		encodertest.Run(t, func(t *testing.T) encoder.Encoder { return open(t, cfg).Bulk() }, tokens)
	})
}

// TestTypes has models of other types, lengths and batch sizes give what the plain ones give.
func TestTypes(t *testing.T) {
	t.Parallel()
	server := sharedTriton(t)
	plain := open(t, withServers(server.GRPC))
	batch, words := pictures(t, 10), text(t, "apple", "a photo of many ripe bananas on a wooden table", "")
	wantImages, err := plain.EncodeImages(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	wantTexts, err := plain.EncodeText(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	for _, memory := range []string{"on", "off"} {
		cfg := withServers(server.GRPC)
		cfg.ImageModel, cfg.TextModel, cfg.Load, cfg.SharedMemory = "half_image", "fixed_text", true, memory
		enc := open(t, cfg)
		images, err := enc.EncodeImages(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range images {
			if cosine := encoder.Dot(images[i], wantImages[i]); cosine < same {
				t.Errorf("picture %d in half precision has cosine %f", i, cosine)
			}
		}
		texts, err := enc.EncodeText(t.Context(), words)
		if err != nil {
			t.Fatal(err)
		}
		for i := range texts {
			if cosine := encoder.Dot(texts[i], wantTexts[i]); cosine < same {
				t.Errorf("text %d of fixed length has cosine %f", i, cosine)
			}
		}
	}
}

// TestEveryAddress follows a name.
func TestEveryAddress(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(sharedTriton(t).GRPC)
	if err != nil {
		t.Fatal(err)
	}
	enc := open(t, withServers("dns:///localhost:"+port))
	for range 5 {
		if _, err := enc.EncodeText(t.Context(), text(t, "apple")); err != nil {
			t.Error(err)
		}
	}
}

// TestSearchesOvertake sends a search when the server's queue is full of bulk work.
func TestSearchesOvertake(t *testing.T) {
	t.Parallel()
	cfg := withServers(sharedTriton(t).GRPC)
	cfg.ImageModel, cfg.Load, cfg.ImageBatch, cfg.InFlight = "urgent_image", true, 1, 10
	enc := open(t, cfg)
	if _, err := enc.EncodeImages(t.Context(), pictures(t, 1)); err != nil {
		t.Fatal(err)
	}
	const many = 10
	done := make(chan struct{}, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			if _, err := enc.Bulk().EncodeImages(t.Context(), pictures(t, 1)); err != nil {
				t.Error(err)
			}
			done <- struct{}{}
		})
	}
	<-done // by now the others have arrived
	if _, err := enc.EncodeImages(t.Context(), pictures(t, 1)); err != nil {
		t.Error(err)
	}
	if left := many - 1 - len(done); left < 4 {
		t.Errorf("only %d bulk requests were left when a search sent behind them was done", left)
	}
	all.Wait()
}

// TestRefusesWhatDoesNotFit changes the card of a good model.
func TestRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	server := sharedTriton(t)
	for name, tc := range map[string]struct {
		change func(*model.Card)
		want   []string
	}{
		"input name":  {func(c *model.Card) { c.Image.Input = "image" }, []string{"clip_image", `no input "image"`, `"pixels"`}},
		"output name": {func(c *model.Card) { c.Image.Output = "features" }, []string{"clip_image", `no output "features"`, `"embedding"`}},
		"size":        {func(c *model.Card) { c.Image.Size = 224 }, []string{"clip_image", "[-1 3 336 336]", "[-1 3 224 224]"}},
		"width":       {func(c *model.Card) { c.Width = 512 }, []string{"clip_image", "[-1 768]", "[-1 512]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := modeltest.Demo(t)
			tc.change(&m.Card)
			enc := openModel(t, m, withServers(server.GRPC))
			batch := pictures(t, 1)
			batch.Size = m.Card.Image.Size
			_, err := enc.EncodeImages(t.Context(), batch)
			if fault.KindOf(err) != fault.KindConflict {
				t.Fatalf("err = %v", err)
			}
			for _, want := range append(tc.want, server.GRPC, "clipseek model install --triton") {
				if !strings.Contains(fault.Public(err), want) {
					t.Errorf("%q lacks %q", fault.Public(err), want)
				}
			}
			if ready := enc.Ready(t.Context()); fault.KindOf(ready) != fault.KindConflict {
				t.Errorf("Ready says %v", ready)
			}
		})
	}
	t.Run("towers mixed up", func(t *testing.T) {
		t.Parallel()
		cfg := withServers(server.GRPC)
		cfg.ImageModel, cfg.TextModel = cfg.TextModel, cfg.ImageModel
		if _, err := open(t, cfg).EncodeText(t.Context(), text(t, "apple")); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("err = %v", err)
		}
	})
}
