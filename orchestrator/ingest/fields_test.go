package ingest_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
)

// shard writes a tar of one picture with a caption and other fields.
func shard(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"1.jpg", "1.txt", "1.json"} {
		content, ok := files[name]
		if !ok {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), ModTime: time.Unix(1_600_000_000, 0), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ingestAll(t *testing.T, core *app.Core, photos index.Index, args ...string) run {
	t.Helper()
	src, err := app.OpenSource(t.Context(), app.Default(), jobs.Spec{Sources: args}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	return doAll(t, core, photos, src)
}

// TestIngestStoresFields follows the fields of one picture from run to run.
func TestIngestStoresFields(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	path := filepath.Join(t.TempDir(), "s.tar")
	red := string(apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White)))
	own := func() map[string]any {
		fields := map[string]any{}
		for name, value := range record(t, photos, path+"!/1.jpg").Fields {
			if index.TypeOf(name) == index.TypeAny {
				fields[name] = value
			}
		}
		return fields
	}
	for _, step := range []struct {
		name               string
		files              map[string]string
		indexed, unchanged int
		want               map[string]any
	}{
		{"new", map[string]string{"1.jpg": red, "1.txt": "one"}, 1, 0, map[string]any{"caption": "one"}},
		{"the same", map[string]string{"1.jpg": red, "1.txt": "one"}, 0, 1, map[string]any{"caption": "one"}},
		{"caption changed", map[string]string{"1.jpg": red, "1.txt": "two"}, 0, 1, map[string]any{"caption": "two"}},
		{"caption gone", map[string]string{"1.jpg": red}, 0, 1, map[string]any{}},
		{"more fields", map[string]string{"1.jpg": red, "1.json": `{"score": 0.5, "tags": ["a", "b"], "none": [], "whole": 2.0, "width": "wrong", "sha256": 1, "path": "x", "id": 5, "taken_at": "no time", "a b": 1, "a-b": 2, "a_b": 3, "2nd": true, "for": "x", "ü": "u"}`}, 0, 1,
			map[string]any{"score": 0.5, "tags": []string{"a", "b"}, "none": []string{}, "whole": 2.0, "a_b": int64(3), "_2nd": true, "for_": "x", "_": "u"}},
		{"and again", map[string]string{"1.jpg": red, "1.json": `{"score": 0.5, "tags": ["a", "b"], "none": [], "whole": 2.0, "width": "wrong", "sha256": 1, "path": "x", "id": 5, "taken_at": "no time", "a b": 1, "a-b": 2, "a_b": 3, "2nd": true, "for": "x", "ü": "u"}`}, 0, 1,
			map[string]any{"score": 0.5, "tags": []string{"a", "b"}, "none": []string{}, "whole": 2.0, "a_b": int64(3), "_2nd": true, "for_": "x", "_": "u"}},
	} {
		shard(t, path, step.files)
		p := ingestAll(t, core, photos, path)
		check(t, p, 1, step.indexed, step.unchanged, 0)
		if got := own(); !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: fields %#v, want %#v", step.name, got, step.want)
		}
		if read := p.Bytes > 0; read != (step.name != "the same" && step.name != "and again") {
			t.Errorf("%s: %d bytes were read", step.name, p.Bytes)
		}
	}
	r := record(t, photos, path+"!/1.jpg")
	if r.Fields[index.FieldWidth] != int64(64) || r.Fields[index.FieldLabel] != "s" || r.Fields[index.FieldSource] != path {
		t.Errorf("standard fields %v", r.Fields)
	}
	for name, text := range map[string]string{"a name that is too long": `{"` + strings.Repeat("n", 300) + `": 1}`, "NUL": `{"a": "\u0000"}`} {
		shard(t, path, map[string]string{"1.jpg": red, "1.json": text})
		if p := ingestAll(t, core, photos, path); len(p.Failures) != 1 || p.Failures[0].Kind != fault.KindInvalid {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
