package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/config"
	"clipseek/orchestrator/fault"
)

// TestShippedConfigs loads every file of configs.
func TestShippedConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(apptest.Root(t), "configs", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no configurations", err)
	}
	for _, file := range files {
		if _, err := config.Load(app.Default(), config.Sources{File: file}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

// TestConfigsForEveryMix looks for a file that ships for each encoder with each index.
func TestConfigsForEveryMix(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][2]string{
		"embedded":     {app.EncoderONNX, app.IndexLocal},
		"cluster":      {app.EncoderTriton, app.IndexMilvus},
		"triton-local": {app.EncoderTriton, app.IndexLocal},
		"onnx-milvus":  {app.EncoderONNX, app.IndexMilvus},
	} {
		cfg, err := config.Load(app.Default(), config.Sources{File: filepath.Join(apptest.Root(t), "configs", file+".yaml")})
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{cfg.Encoder.Kind, cfg.Index.Kind}; got != want {
			t.Errorf("%s.yaml is for %v, want %v", file, got, want)
		}
	}
}

// TestEmbeddedConfigIsTheDefault keeps the reference that people read true.
func TestEmbeddedConfigIsTheDefault(t *testing.T) {
	t.Parallel()
	want := app.Default()
	got, err := config.Load(app.Default(), config.Sources{File: filepath.Join(apptest.Root(t), "configs", "embedded.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	want.Server.Hosts, want.Ingest.Roots, want.Hub.Mirrors = []string{}, []string{}, []string{} // as YAML says none
	want.Web.Allow, want.Follow.Folders, want.Ingest.Buckets = []string{}, []string{}, []string{}
	want.Index.Milvus.Index.Params, want.Index.Milvus.Index.Search = []string{}, []string{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("configs/embedded.yaml gives\n%+v\nthe defaults are\n%+v", got, want)
	}
	text, err := os.ReadFile(filepath.Join(apptest.Root(t), "configs", "embedded.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	printed, err := config.Print(app.Default())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(printed) { // every key there is stands in the file
		key := strings.TrimSpace(strings.SplitN(line, ":", 2)[0])
		if !strings.HasPrefix(key, "-") && !strings.Contains(string(text), key+":") { // items of lists are no keys
			t.Errorf("configs/embedded.yaml lacks %s", key)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags map[string]any
		want  string
	}{
		"encoder kind": {map[string]any{"encoder.kind": "abacus"}, `encoder.kind = "abacus" must be onnx or triton`},
		"index kind":   {map[string]any{"index.kind": "paper"}, `index.kind = "paper" must be local or milvus`},
		"collection":   {map[string]any{"collection": "a b"}, "collection: "},
		"data":         {map[string]any{"data": ""}, "data must be a folder"},
		"lanes":        {map[string]any{"encoder.lanes.bulk": 0}, "encoder.lanes.bulk = 0 must be"},
		"wait":         {map[string]any{"index.local.wait": "0s"}, "index.local.wait"},
		"log":          {map[string]any{"log.level": "loud"}, `log.level = "loud" must be`},
		"thumbnail":    {map[string]any{"thumbnail.side": 1}, "thumbnail.side = 1 must be"},
		"jobs":         {map[string]any{"jobs.waiting": 0}, "jobs.waiting = 0 must be"},
		"follow":       {map[string]any{"follow.quiet": "1ms"}, "follow.quiet = 1ms must be"},
		"image":        {map[string]any{"image.max_bytes": 0}, "image.max_bytes = 0 must be"},
	} {
		_, err := config.Load(app.Default(), config.Sources{Flags: tc.flags})
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.want) {
			t.Errorf("%s: %v lacks %q", name, err, tc.want)
		}
	}
}
