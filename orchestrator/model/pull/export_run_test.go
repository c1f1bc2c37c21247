package pull_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
)

// exporterText is run by a real Python; it copies a model directory, and says what it was asked for.
const exporterText = `
import argparse, pathlib, shutil, sys
p = argparse.ArgumentParser()
for name in ("weights", "arch", "out", "precision"):
    p.add_argument("--" + name)
a = p.parse_args()
print("exporting", a.arch, a.precision, flush=True)
weights = pathlib.Path(a.weights)
what = weights.read_text() + " of " + ",".join(sorted(f.name for f in weights.parent.iterdir()))
if what.startswith("fail"):
    print("Traceback (most recent call last):", file=sys.stderr)
    sys.exit("export: the weights are of another architecture")
if what.startswith("half"):
    pathlib.Path(a.out).mkdir()
    sys.exit(0)
source = next(l for l in pathlib.Path(__file__).with_name("where.txt").read_text().splitlines())
shutil.copytree(source, a.out)
card = pathlib.Path(a.out, "card.yaml")
text = card.read_text().replace("description: ", "description: " + what + " ")
card.write_text(text.replace("size: 336", "size: 224") if what.startswith("stranger") else text)
`

// exported is a model whose weights are published, and a puller that exports them.
func exported(t *testing.T, h *hub, models, requirements string, files ...string) (catalogue.Model, *pull.Puller) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("the tests need Python: %v", err)
	}
	cfg := config()
	cfg.Python = python
	return withPython(t, cfg, h, models, requirements, files...)
}

func withPython(t *testing.T, cfg pull.Config, h *hub, models, requirements string, files ...string) (catalogue.Model, *pull.Puller) {
	t.Helper()
	demo, err := filepath.Abs("../demo")
	if err != nil {
		t.Fatal(err)
	}
	d := deps(models)
	d.Exporter = pull.Exporter{Program: "export.py", Requirements: "requirements.txt", Files: fstest.MapFS{
		"export.py":        {Data: []byte(exporterText)},
		"where.txt":        {Data: []byte(demo + "\n")},
		"requirements.txt": {Data: []byte(requirements)},
	}}
	p, err := pull.New(cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	text := "- {name: Big/1, title: Big, width: 768, pixels: 336, licence: MIT, origins: [{kind: weights, from: here, files: ["
	for _, name := range files {
		content := []byte(strings.TrimSuffix(name, ".pt") + " weights")
		h.files["/"+name] = &served{content: content, etag: `"1"`}
		text += fmt.Sprintf(`{name: %s, url: "%s/%[1]s", sha256: %[3]s, bytes: %d},`, name, h.URL, hashOf(content), len(content))
	}
	return read(t, text+"]}]}"), p
}

func TestExport(t *testing.T) {
	t.Parallel()
	h, models := newHub(t), t.TempDir()
	m, p := exported(t, h, models, "# none\n\n", "good.pt")
	var notes []string
	report, err := p.Pull(t.Context(), m, pull.Request{Precision: pull.FP32, Watch: &pull.Watch{Note: func(line string) { notes = append(notes, line) }}})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := model.Open(filepath.Join(models, "Big-1"))
	if err != nil || opened.Card.Name != "Big-1" || !strings.HasPrefix(opened.Card.Description, "good weights of good.pt ") || opened.Card.Title != "Big" || opened.Card.Licence != "MIT" {
		t.Errorf("%+v, %v", opened, err)
	}
	if report.Kind != catalogue.Weights || report.Files[0].VerifiedBy != pull.Catalogue || !strings.Contains(strings.Join(notes, "\n"), "exporting Big/1 fp32") {
		t.Errorf("report = %+v, notes = %q", report, notes)
	}
	if entries, err := os.ReadDir(models); err != nil || len(entries) != 1 {
		t.Errorf("beside the model there is %v, %v", entries, err)
	}
	report, err = p.Pull(t.Context(), m, pull.Request{Precision: pull.FP16})
	if err != nil || report.Directory != filepath.Join(models, "Big-1-fp16") {
		t.Errorf("fp16: %+v, %v", report, err)
	}
}

// TestExportOfSeveral lays further files beside the one that is exported.
func TestExportOfSeveral(t *testing.T) {
	t.Parallel()
	h, models := newHub(t), t.TempDir()
	m, p := exported(t, h, models, "", "a.pt", "b.txt")
	if _, err := p.Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	if opened, err := model.Open(filepath.Join(models, "Big-1")); err != nil || !strings.HasPrefix(opened.Card.Description, "a weights of a.pt,b.txt ") {
		t.Errorf("%+v, %v", opened, err)
	}
}

// TestExportFails keeps verified weights, and nothing else, for the next pull.
func TestExportFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, requirements, python string
		kind                       fault.Kind
		words                      []string
	}{
		"program":  {"fail.pt", "", "", fault.KindUnavailable, []string{"Big/1 cannot be exported: the weights are of another architecture", "verified"}},
		"half":     {"half.pt", "", "", fault.KindUnavailable, []string{"wrote no card"}},
		"stranger": {"stranger.pt", "", "", fault.KindConflict, []string{"it is 768 wide and takes 224 pixels", "768 and 336"}},
		"packages": {"good.pt", "# these\nno-such-package-at-all >= 1\npip\nanother_missing_one[extra]==2 ; python_version > '3'\n", "", fault.KindUnavailable,
			[]string{"no-such-package-at-all, another_missing_one", "-m pip install -r ", "requirements.txt", "clipseek model pull Big/1"}},
		"no Python":     {"good.pt", "", "/nowhere/python3", fault.KindUnavailable, []string{"/nowhere/python3 cannot be run", "--python"}},
		"not a program": {"good.pt", "", "false", fault.KindUnavailable, []string{"false is not a Python"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, models := newHub(t), t.TempDir()
			m, p := exported(t, h, models, tc.requirements, tc.file)
			if tc.python != "" {
				cfg := config()
				cfg.Python = tc.python
				m, p = withPython(t, cfg, h, models, tc.requirements, tc.file)
			}
			for range 2 { // the second finds the weights
				_, err := p.Pull(t.Context(), m, pull.Request{})
				fails(t, err, tc.kind, tc.words...)
			}
			if got := len(h.requests("GET", "/"+tc.file)); got != 1 {
				t.Errorf("the weights were fetched %d times", got)
			}
			if cards, broken := model.List(models); len(cards) != 1 || len(broken) != 0 {
				t.Errorf("models = %v, broken = %v", cards, broken)
			}
			weights, err := os.ReadFile(filepath.Join(models, ".Big-1.partial", "weights", tc.file))
			if err != nil || !strings.HasSuffix(string(weights), " weights") {
				t.Errorf("weights = %q, %v", weights, err)
			}
			if _, err := os.Stat(filepath.Join(models, ".Big-1.partial", "model")); err == nil {
				t.Error("half a model is kept")
			}
		})
	}
}
