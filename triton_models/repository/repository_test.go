package repository

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
)

var update = flag.Bool("update", false, "write the committed repository again")

// vitL14 is the card of ViT-L/14@336px as far as the repository needs it, and its towers as its export has them.
func vitL14() (model.Card, []tower) {
	card := model.Card{
		Name: "ViT-L-14-336px", Width: 768,
		Image: model.ImageTower{File: "image.onnx", Size: 336, Input: "pixels", Output: "embedding"},
		Text:  model.TextTower{File: "text.onnx", Context: 77, Causal: true, Input: "tokens", Output: "embedding"},
	}
	towers := towersOf(card)
	for i := range towers {
		towers[i].input.Type, towers[i].output.Type = "TYPE_FP32", "TYPE_FP32"
	}
	towers[1].input.Type = "TYPE_INT32"
	return card, towers
}

// TestCommitted compares triton_models/clip_image and clip_text with what Install would write for ViT-L/14@336px, the
// ONNX files and plans that somebody may have put there excepted.
func TestCommitted(t *testing.T) {
	card, towers := vitL14()
	files, err := render(card, towers, Default())
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string][]byte{}
	for _, f := range files {
		at := filepath.Join("..", filepath.FromSlash(f.path))
		wanted[at] = f.content
		if *update {
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, f.content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if there, err := os.ReadFile(at); err != nil || !bytes.Equal(there, f.content) {
			t.Errorf("%s is not what `clipseek model install` writes; run go test ./triton_models/repository -run TestCommitted -update (%v)", at, err)
		}
	}
	for _, name := range []string{ImageModel, TextModel} {
		err := filepath.WalkDir(filepath.Join("..", name), func(at string, entry fs.DirEntry, err error) error {
			if ext := filepath.Ext(at); err != nil || entry.IsDir() || ext == ".onnx" || ext == ".plan" {
				return err
			}
			if _, ok := wanted[at]; !ok {
				t.Errorf("%s is not part of the repository", at)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func install(t *testing.T, dir string, opts Options) Report {
	t.Helper()
	report, err := Install(modeltest.Demo(t), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestInstallWritesOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "models")
	report := install(t, dir, Default())
	if len(report.Files) != 2*(3+len(variants)) {
		t.Errorf("%d files", len(report.Files))
	}
	for _, f := range report.Files {
		info, err := os.Stat(f.Path)
		if err != nil || info.Size() != f.Bytes || !f.Changed || info.Mode().Perm()&0o444 != 0o444 {
			t.Errorf("%+v: %v, %v", f, info, err)
		}
	}
	spoilt := filepath.Join(dir, ImageModel, version, "model.onnx")
	if err := os.WriteFile(spoilt, make([]byte, report.Files[0].Bytes), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range install(t, dir, Default()).Files {
		if f.Changed != (f.Path == spoilt) {
			t.Errorf("%+v", f)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"+part))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInstallKeepsOthersThings(t *testing.T) {
	for name, c := range map[string]struct {
		file, says string
	}{
		"a folder of other things":         {"holiday.jpg", "holds other things (holiday.jpg)"},
		"a model of the same name":         {"clip_image/config.pbtxt", "clip_image was not written by"},
		"the same without a configuration": {"clip_text/1/model.onnx", "clip_text was not written by"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			at := filepath.Join(dir, filepath.FromSlash(c.file))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Install(modeltest.Demo(t), dir, Default())
			if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), c.says) {
				t.Errorf("%v", err)
			}
			if there, err := os.ReadFile(at); err != nil || string(there) != "mine" {
				t.Errorf("%q, %v", there, err)
			}
			opts := Default()
			opts.Force = true
			install(t, dir, opts)
			install(t, dir, Default()) // it is ours now
		})
	}
}

// TestInstallGoesOn finishes what an Install left that was killed before it wrote a configuration.
func TestInstallGoesOn(t *testing.T) {
	dir := t.TempDir()
	p, err := openPlace(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Install(modeltest.Demo(t), dir, Default()); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("a second install at the same time: %v", err)
	}
	at := filepath.Join(dir, ImageModel, version, "model.onnx")
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at+part, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	_ = p.abandon(nil) // as the system does for a killed process
	install(t, dir, Default())
	if _, err := os.Stat(at + part); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the half file is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, unfinished)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the mark of an unfinished install is still there")
	}
}

func TestReplaceLeavesNothingHalf(t *testing.T) {
	at := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(at, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := replace(at, func(out io.Writer) error {
		if _, err := out.Write([]byte("new, but n")); err != nil {
			return err
		}
		return &fs.PathError{Op: "write", Path: at, Err: syscall.ENOSPC}
	})
	if fault.KindOf(err) != fault.KindUnavailable || !strings.Contains(fault.Public(err), "there is no room for "+at) {
		t.Errorf("%v", err)
	}
	if there, err := os.ReadFile(at); err != nil || string(there) != "old" {
		t.Errorf("%q, %v", there, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(at)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestInstallSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir   string
		cache string
		kind  fault.Kind
		says  string
	}{
		"a file":             {file, "/cache", fault.KindInvalid, file + " cannot be written: a file is where a folder belongs"},
		"below a file":       {filepath.Join(file, "models"), "/cache", fault.KindInvalid, "a file is where a folder belongs"},
		"not to be written":  {"/proc/models", "/cache", fault.KindUnavailable, "/proc/models cannot be written"},
		"a relative cache":   {t.TempDir(), "cache", fault.KindInvalid, `engine cache = "cache" must be an absolute path`},
		"a cache in a quote": {t.TempDir(), `/a"b`, fault.KindInvalid, "without quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Install(modeltest.Demo(t), c.dir, Options{EngineCache: c.cache})
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Public(err), c.says) {
				t.Errorf("%s: %v", fault.KindOf(err), err)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"/srv/models": "/srv/models", "/my models": "'/my models'", "it's": `'it'\''s'`, "": "''"} {
		if got := quote(word); got != want {
			t.Errorf("%q: %s", word, got)
		}
	}
}
