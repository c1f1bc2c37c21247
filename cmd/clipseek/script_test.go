package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/model/modeltest"
)

// TestMain lets the scripts run this binary as the command.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"clipseek": main, "nats-server": natsServer})
}

// TestScripts runs testdata/*.txtar, each in a folder of its own with pictures in photos/ and data in data/. A server at
// $WEB, which files NAME.tmpl become NAME with, serves photos/, a page at /page and, at /busy/, 503 to the first request and photos/ to the others.
func TestScripts(t *testing.T) {
	library := filepath.Join(apptest.Root(t), "bin", "libonnxruntime.so")
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("run `make setup` first: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CLIPSEEK_ENCODER__ONNX__LIBRARY", library)
			env.Setenv("CLIPSEEK_DATA", filepath.Join(env.WorkDir, "data"))
			env.Setenv("HUB", startHub(t, env))
			env.Setenv("MODEL", filepath.Join(apptest.Root(t), "orchestrator", "model", "demo"))
			writeModels(t, env.WorkDir)
			photos := filepath.Join(env.WorkDir, "photos")
			server := httptest.NewServer(servePhotos(photos))
			env.Defer(server.Close)
			env.Setenv("WEB", server.URL)
			return errors.Join(writePhotos(t, photos), fillIn(env.WorkDir, "$WEB", server.URL))
		},
	})
}

// writeModels makes a model of pictures alone with and without reference values, and towers that fit the built-in model's
// card and are others.
func writeModels(t *testing.T, dir string) {
	modeltest.Pictures{Golden: true}.Write(t, filepath.Join(dir, "colours"))
	modeltest.Pictures{}.Write(t, filepath.Join(dir, "unproven"))
	embedding := modeltest.Value{Name: "embedding", Elem: modeltest.Float32, Dims: []int64{modeltest.Open, 768}}
	for name, content := range map[string][]byte{
		"other_image.onnx": modeltest.Colours(modeltest.Value{Name: "pixels", Elem: modeltest.Float32, Dims: []int64{modeltest.Open, 3, 336, 336}}, embedding, 336),
		"other_text.onnx":  modeltest.Plain(modeltest.Value{Name: "tokens", Elem: modeltest.Int32, Dims: []int64{modeltest.Open, modeltest.Open}}, embedding),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// fillIn writes each NAME.tmpl of a folder as NAME with a word replaced.
func fillIn(dir, word, by string) error {
	templates, err := filepath.Glob(filepath.Join(dir, "*.tmpl"))
	for _, template := range templates {
		text, readErr := os.ReadFile(template)
		filled := strings.ReplaceAll(string(text), word, by)
		err = errors.Join(err, readErr, os.WriteFile(strings.TrimSuffix(template, ".tmpl"), []byte(filled), 0o600))
	}
	return err
}

func servePhotos(dir string) http.Handler {
	mux := http.NewServeMux()
	files := http.FileServer(http.Dir(dir))
	mux.Handle("/", files)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>no picture") })
	var asked atomic.Int32
	mux.Handle("/busy/", http.StripPrefix("/busy", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(w, r)
	})))
	return mux
}

func writePhotos(t *testing.T, dir string) error {
	for name, content := range map[string][]byte{
		"apple/red.jpg":    apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White)),
		"lemon/yellow.png": apptest.PNG(t, apptest.Picture(100, apptest.Yellow, apptest.White)),
		"leaf/green.jpg":   apptest.JPEG(t, apptest.Picture(140, apptest.Green, apptest.White)),
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startHub serves the built-in model's files for as long as a script runs: below files/ with their SHA-256, as Hugging
// Face does, and below unvouched/ without. It serves them as a proxy too, whatever host is asked for.
func startHub(t *testing.T, env *testscript.Env) string {
	dir := filepath.Join(apptest.Root(t), "orchestrator", "model", "demo")
	files := http.FileServer(http.Dir(dir))
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		folder, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		content, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if folder == "files" {
			w.Header().Set("X-Linked-Etag", fmt.Sprintf("\"%x\"", sha256.Sum256(content)))
		}
		http.StripPrefix("/"+folder, files).ServeHTTP(w, r)
	}))
	env.Defer(hub.Close)
	return hub.URL
}
