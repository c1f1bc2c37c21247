// Package apptest opens the real program on a folder of its own and makes pictures for it. It is for tests only.
package apptest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
)

// Root is the repository.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the test does not know where it was built")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Config is the default configuration on new data, listening on a free port.
func Config(t testing.TB) app.Config {
	t.Helper()
	cfg := app.Default()
	cfg.Data = t.TempDir()
	cfg.Server.Listen = "127.0.0.1:0"
	cfg.Encoder.ONNX.Library = filepath.Join(Root(t), "bin", "libonnxruntime.so")
	if _, err := os.Stat(cfg.Encoder.ONNX.Library); err != nil {
		t.Fatalf("run `make setup` first: %v", err)
	}
	return cfg
}

// OpenCore opens model and index, and closes them when the test ends.
func OpenCore(t testing.TB, cfg app.Config) *app.Core {
	t.Helper()
	core, err := app.OpenCore(t.Context(), cfg, Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	})
	return core
}

// Templated is a directory with the demo model whose card has these templates for short queries, as YAML.
func Templated(t testing.TB, prompts string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "templated")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(Root(t), "orchestrator", "model", "demo"))); err != nil {
		t.Fatal(err)
	}
	card := filepath.Join(dir, "card.yaml")
	text, err := os.ReadFile(card)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\n  context: 77\n", "\n  context: 77\n  prompts: "+prompts+"\n", 1)
	if changed == string(text) {
		t.Fatal("the demo model's card has changed: there is no place for templates")
	}
	if err := os.WriteFile(card, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Ingest brings what the sources name into the collection, and fails the test where an item fails.
func Ingest(t testing.TB, core *app.Core, photos index.Index, sources ...string) {
	t.Helper()
	src, err := app.OpenSource(t.Context(), app.Default(), jobs.Spec{Sources: sources}, nil)
	if err != nil {
		t.Fatal(err)
	}
	IngestFrom(t, core, photos, src)
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}

// IngestFrom is Ingest from any source.
func IngestFrom(t testing.TB, core *app.Core, photos index.Index, src source.Source) {
	t.Helper()
	var items []source.Item
	for item, err := range src.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	done, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: items})
	if err != nil || len(done.Failures) > 0 {
		t.Fatalf("ingest of %s: %+v, %v", src.Name(), done.Failures, err)
	}
}

// Log is a logger that shows only when a test fails.
func Log(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// Picture paints a disc of one colour on a background, so that pictures differ as a person would say.
func Picture(side int, disc, ground color.Color) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := x-side/2, y-side/2
			if dx*dx+dy*dy < side*side/9 {
				m.Set(x, y, disc)
			} else {
				m.Set(x, y, ground)
			}
		}
	}
	return m
}

// JPEG encodes a picture.
func JPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// PNG encodes a picture.
func PNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Colours of pictures that tests make.
var (
	Red    = color.RGBA{200, 30, 30, 255}
	Yellow = color.RGBA{230, 210, 40, 255}
	Green  = color.RGBA{60, 160, 60, 255}
	White  = color.RGBA{250, 250, 250, 255}
)

// Write puts files, by slash-separated name, below a new folder, which it returns.
func Write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
