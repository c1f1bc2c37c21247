package triton_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/encoder/encodertest"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/orchestrator/tokenizer"
)

// TestMain ends the server that the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	shared.end()
	os.Exit(code)
}

// shared is one server for the tests that leave it as it is. It loads the demo model's two towers; the other models of
// the repository are loaded by the tests that use them.
var shared sharedServer

type sharedServer struct {
	once   sync.Once
	folder string
	server *servers.Triton
	err    error
}

func (s *sharedServer) end() {
	if s.server != nil {
		s.server.Kill()
	}
	if s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
	// What servers that hang might still read is left behind on purpose; here all of them are gone.
	left, _ := filepath.Glob(fmt.Sprintf("/dev/shm/clipseek-%d-*", os.Getpid())) // the pattern is a good one
	for _, file := range left {
		_ = os.Remove(file)
	}
}

func sharedTriton(t testing.TB) *servers.Triton {
	t.Helper()
	home := serverstest.Home(t)
	shared.once.Do(func() {
		if shared.folder, shared.err = os.MkdirTemp("", "triton-test-"); shared.err != nil {
			return
		}
		if shared.err = render(shared.folder); shared.err != nil {
			return
		}
		shared.server, shared.err = servers.StartTriton(context.Background(), servers.TritonConfig{
			Home: home, Repository: shared.folder, Folder: shared.folder, Args: explicit,
		})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

var explicit = []string{"--model-control-mode=explicit", "--load-model=clip_image", "--load-model=clip_text"}

// ownTriton starts a server that the test may harm.
func ownTriton(t testing.TB, args ...string) *servers.Triton {
	t.Helper()
	server, _ := ownRepository(t, args...)
	return server
}

// ownRepository is ownTriton with its repository's folder.
func ownRepository(t testing.TB, args ...string) (server *servers.Triton, folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := render(folder); err != nil {
		t.Fatal(err)
	}
	return serverstest.Triton(t, servers.TritonConfig{Repository: folder, Args: append(args, explicit...)}), folder
}

// variant is one model of the test's repository.
type variant struct {
	name, file      string // file of the demo model; empty answers with made-up vectors
	input, output   string // tensor name, type and dimensions
	batch, delay    int    // most rows; milliseconds
	dynamicBatching string
}

const (
	pixels    = `name: "pixels" data_type: TYPE_FP32 dims: [3, 336, 336]`
	tokens    = `name: "tokens" data_type: TYPE_INT32 dims: [-1]`
	embedding = `name: "embedding" data_type: TYPE_FP32 dims: [768]`
)

var variants = []variant{
	{name: "clip_image", file: "image.onnx", input: pixels, output: embedding, batch: 16, dynamicBatching: "priority_levels: 2 default_priority_level: 2"},
	{name: "clip_text", file: "text.onnx", input: tokens, output: embedding, batch: 32},
	// Half precision, and fewer rows than a request of ours has.
	{name: "half_image", file: "image.onnx", input: strings.Replace(pixels, "FP32", "FP16", 1), output: strings.Replace(embedding, "FP32", "FP16", 1), batch: 3},
	// Wide tokens, one length, no batches.
	{name: "fixed_text", file: "text.onnx", input: `name: "tokens" data_type: TYPE_INT64 dims: [-1, 77]`, output: strings.Replace(embedding, "[768]", "[-1, 768]", 1)},
	// Too slow for their queues: of one request, and of one millisecond.
	{name: "full_image", input: pixels, output: embedding, batch: 1, delay: 300, dynamicBatching: "default_queue_policy { max_queue_size: 1 }"},
	{name: "late_text", input: tokens, output: embedding, batch: 1, delay: 300, dynamicBatching: "default_queue_policy { default_timeout_microseconds: 1000 }"},
	// A queue whose limit the client may shorten.
	{name: "patient_text", input: tokens, output: embedding, batch: 1, delay: 300, dynamicBatching: "default_queue_policy { default_timeout_microseconds: 60000000 allow_timeout_override: true }"},
	{name: "slow_image", input: pixels, output: embedding, batch: 8, delay: 300},
	{name: "urgent_image", input: pixels, output: embedding, batch: 1, delay: 200, dynamicBatching: "priority_levels: 2 default_priority_level: 2"},
}

func render(folder string) error {
	m, err := model.OpenDemo()
	if err != nil {
		return err
	}
	code, err := os.ReadFile(filepath.Join("testdata", "model.py"))
	if err != nil {
		return err
	}
	for _, v := range variants {
		version := filepath.Join(folder, v.name, "1")
		if err := os.MkdirAll(version, 0o755); err != nil {
			return err
		}
		files := map[string][]byte{filepath.Join(version, "model.py"): code, filepath.Join(folder, v.name, "config.pbtxt"): []byte(v.config())}
		if v.file != "" {
			if files[filepath.Join(version, "model.onnx")], err = m.ReadFile(v.file); err != nil {
				return err
			}
		}
		for name, content := range files {
			if err := os.WriteFile(name, content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v variant) config() string {
	text := fmt.Sprintf("backend: \"python\"\nmax_batch_size: %d\ninput [ { %s } ]\noutput [ { %s } ]\ninstance_group [ { kind: KIND_CPU count: 1 } ]\n"+
		"parameters { key: \"delay_ms\" value: { string_value: \"%d\" } }\n", v.batch, v.input, v.output, v.delay)
	if v.batch > 0 {
		text += "dynamic_batching { " + v.dynamicBatching + " }\n"
	}
	return text
}

// withServers is the default configuration with these servers.
func withServers(servers ...string) triton.Config {
	cfg := triton.Default()
	cfg.Endpoints = servers
	return cfg
}

// open opens an encoder of the demo model that ends with the test.
func open(t testing.TB, cfg triton.Config) *triton.Encoder {
	t.Helper()
	return openModel(t, modeltest.Demo(t), cfg)
}

func openModel(t testing.TB, m *model.Model, cfg triton.Config) *triton.Encoder {
	t.Helper()
	enc, err := triton.Open(m, cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
	})
	return enc
}

// text makes the demo model's tokens.
func text(t testing.TB, texts ...string) []tokenizer.Tokens {
	t.Helper()
	tok := encodertest.CLIP(t, modeltest.Demo(t))
	all := make([]tokenizer.Tokens, len(texts))
	for i, one := range texts {
		var err error
		if all[i], err = tok.Encode(one); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// pictures makes n tensors that differ.
func pictures(t testing.TB, n int) imageprep.Batch {
	t.Helper()
	batch := imageprep.NewBatch(n, modeltest.Demo(t).Card.Image.Size)
	for i := range batch.Pixels {
		batch.Pixels[i] = byte(i%251 + 4*(i/len(batch.Image(0))))
	}
	return batch
}
