// Package export_test exports models with random weights, made by the packages that the real ones come from, and compares
// what clipseek makes of them, in process and through Triton, with what those packages make.
package export_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/tokenizer"
	"clipseek/triton_models/repository"
)

// pythonEnv names a Python with what requirements.txt and testdata/requirements.txt list. `make export-test` sets it.
const pythonEnv = "EXPORT_PYTHON"

// same is the cosine to the reference package from which an embedding is the same; tokens and the preparation of pictures
// are compared with it. With random weights another GELU makes 0.99995 of it.
const same = 0.99999

// slowest is how long the largest model may take for a handful of pictures on a busy CPU.
const slowest = 5 * time.Minute

func python(t *testing.T) string {
	t.Helper()
	name := os.Getenv(pythonEnv)
	if name == "" {
		t.Skipf("%s names no Python with PyTorch; `make export-test` makes one", pythonEnv)
	}
	return name
}

// run runs a script of this folder, fed with input, and gives its standard error.
func run(t *testing.T, input any, script string, args ...string) (string, error) {
	t.Helper()
	fed, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	script, err = filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python(t), append([]string{script}, args...)...)
	cmd.Dir = t.TempDir() // from any folder
	var told bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(fed), &told, &told
	err = cmd.Run()
	return told.String(), err
}

func must(t *testing.T, input any, script string, args ...string) string {
	t.Helper()
	told, err := run(t, input, script, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", script, strings.Join(args, " "), err, told)
	}
	return told
}

// sample is what is embedded by both sides.
type sample struct {
	Texts  []string `json:"texts"`
	Images []string `json:"images"`
}

var english = []string{"a red apple", "A photo of a BANANA!", "two dogs, running along the beach; it's late", "a car"}
var chinese = []string{"红苹果", "一张柠檬的照片", "两只狗在海边奔跑", "iPhone 15 手机壳"}

func pictures(t *testing.T) []string {
	t.Helper()
	samples := filepath.Join(apptest.Root(t), "triton_models", "samples")
	golden := filepath.Join(apptest.Root(t), "orchestrator", "model", "demo", "golden")
	return []string{
		filepath.Join(samples, "apple", "apple-red-01.jpg"), filepath.Join(samples, "mango", "mango-cut-03.jpg"),
		filepath.Join(golden, "banana.png"), filepath.Join(golden, "lemon.webp"), filepath.Join(golden, "grape-turned.jpg"),
	}
}

func TestExportedModelsAreThePackages(t *testing.T) {
	for _, tc := range []struct {
		kind  string // as testdata/reference.py reads it
		file  string
		args  []string
		texts []string
		least float64
	}{
		{"clip:RN50", "RN50.pt", nil, english, same},
		{"clip:ViT-B/32", "ViT-B-32.pt", []string{"--arch", "ViT-B/32"}, english, same},
		{"clip-archive:ViT-B/32", "archive.pt", []string{"--trust"}, english, same},
		{"clip:ViT-B/32", "fp16.pt", []string{"--precision", "fp16"}, english, 0.9995},
		{"clip:ViT-B/32", "int8.pt", []string{"--precision", "int8", "--calibration", filepath.Join(apptest.Root(t), "triton_models", "samples")}, english, 0.99},
		{"clip:ViT-L/14@336px", "ViT-L-14-336px.pt", nil, english, same},
		{"chinese:ViT-B-16", "clip_cn_vit-b-16.pt", []string{"--arch", "chinese-clip-vit-b-16"}, chinese, same},
		{"chinese:ViT-H-14:3", "clip_cn_vit-h-14.pt", nil, chinese, same},
		{"openclip-folder:ViT-H-14:3", "ViT-H-14", nil, english, same},
		{"openclip:ViT-B-32", "open_clip.pt", []string{"--arch", "ViT-B-32"}, english, same},
		{"openclip:MobileCLIP2-S0", "mobileclip.pt", []string{"--arch", "MobileCLIP2-S0"}, english, same},
		{"hf-clip", "hf-clip", nil, english, same},
		{"hf-chinese", "hf-chinese", nil, chinese, same},
		{"hf-siglip", "hf-siglip", nil, english, same},
		{"resnet50", "resnet50.pth", nil, nil, same},
	} {
		t.Run(strings.TrimSpace(tc.kind+" "+precisionOf(tc.args)), func(t *testing.T) {
			asked := sample{tc.texts, pictures(t)}
			folder := t.TempDir()
			weights, rows, out := filepath.Join(folder, tc.file), filepath.Join(folder, "rows.json"), filepath.Join(folder, "out")
			must(t, nil, "testdata/reference.py", "build", tc.kind, weights)
			must(t, asked, "testdata/reference.py", "embed", tc.kind, weights, rows)
			t.Log(must(t, nil, "export.py", append([]string{"--weights", weights, "--out", out}, tc.args...)...))
			if err := os.RemoveAll(weights); err != nil { // they are large
				t.Fatal(err)
			}
			want := readRows(t, rows)
			cfg := apptest.Config(t)
			cfg.Model = out
			t.Run("in process", func(t *testing.T) { compare(t, cfg, asked, want, tc.least) })
			t.Run("through Triton", func(t *testing.T) { compare(t, serve(t, cfg), asked, want, tc.least) })
		})
	}
}

// precisionOf is the argument behind --precision, "" where there is none.
func precisionOf(args []string) string {
	if i := slices.Index(args, "--precision"); i >= 0 {
		return args[i+1]
	}
	return ""
}

// embedded is one row an item.
type embedded struct{ Texts, Images []encoder.Vector }

func readRows(t *testing.T, file string) embedded {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows embedded
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// compare opens the encoder, which proves the directory's own reference values, and embeds what the package embedded.
func compare(t *testing.T, cfg app.Config, asked sample, want embedded, least float64) {
	t.Helper()
	m, err := app.OpenModel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := app.OpenEncoder(t.Context(), cfg, m, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	if len(asked.Texts) > 0 {
		tokens := make([]tokenizer.Tokens, len(asked.Texts))
		for i, text := range asked.Texts {
			if tokens[i], err = m.Tokenizer.Encode(text); err != nil {
				t.Fatal(err)
			}
		}
		got, err := enc.EncodeText(t.Context(), tokens)
		near(t, "texts", got, want.Texts, least, err)
	}
	batch := imageprep.NewBatch(len(asked.Images), m.Spec.Size)
	for i, name := range asked.Images {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Pixels(file, batch.Image(i)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := enc.EncodeImages(t.Context(), batch)
	near(t, "pictures", got, want.Images, least, err)
}

func near(t *testing.T, what string, got, want []encoder.Vector, least float64, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d %s, the package has %d", len(got), what, len(want))
	}
	lowest := 1.0
	for i := range got {
		if !encoder.Normalize(want[i]) {
			t.Fatalf("%s: the package's row %d has no direction", what, i)
		}
		lowest = min(lowest, encoder.Dot(got[i], want[i]))
	}
	t.Logf("%s: least cosine to the package %.7f", what, lowest)
	if lowest < least {
		t.Errorf("%s: cosine %.6f to the package, at least %g is needed", what, lowest, least)
	}
}

// serve starts a Triton that serves the model.
func serve(t *testing.T, cfg app.Config) app.Config {
	t.Helper()
	m, err := app.OpenModel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := repository.Install(m.Model, dir, repository.Default()); err != nil {
		t.Fatal(err)
	}
	withoutWarmup(t, dir)
	args := []string{"--model-control-mode=explicit", "--load-model=" + repository.ImageModel}
	if m.Card.HasText() {
		args = append(args, "--load-model="+repository.TextModel)
	}
	server := serverstest.Triton(t, servers.TritonConfig{Repository: dir, Variant: "python", Args: args})
	cfg.Encoder.Kind, cfg.Encoder.Triton.Endpoints = app.EncoderTriton, []string{server.GRPC}
	cfg.Encoder.Triton.Timeout = slowest
	return cfg
}

// withoutWarmup takes out the runs before a model counts as ready: full batches of large models take minutes on a CPU.
func withoutWarmup(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "configs", "python.pbtxt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("configurations: %v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.HasPrefix(line, "model_warmup ") })
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
