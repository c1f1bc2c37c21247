package pull_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/pull"
)

func opens(_ context.Context, dir string) error {
	_, err := model.Open(dir)
	return err
}

func TestPull(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	models := filepath.Join(t.TempDir(), "models")
	p := puller(t, config(), models)
	watch := &pull.Watch{}
	report, err := p.Pull(t.Context(), m, pull.Request{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	if report.State != pull.Pulled || report.Downloaded != towerSize+5 || report.Model != "Tiny-1" || report.Kind != "onnx" || len(report.Files) != 2 {
		t.Errorf("report = %+v", report)
	}
	if got := [2]string{report.Files[0].VerifiedBy, report.Files[1].VerifiedBy}; got != [2]string{pull.Hub, pull.Catalogue} {
		t.Errorf("verified by %v", got)
	}
	if report.Files[0].SHA256 != hashOf(noise(1, towerSize)) || report.Files[0].Bytes != towerSize {
		t.Errorf("files = %+v", report.Files)
	}
	if now := watch.Now(); now.Done != towerSize+5 || now.Total != towerSize+5 {
		t.Errorf("progress = %+v", now)
	}
	before := len(h.asked)
	report, err = p.Pull(t.Context(), m, pull.Request{})
	if err != nil || report.State != pull.Here || len(h.asked) != before {
		t.Errorf("again: %+v, %v, %d requests", report, err, len(h.asked)-before)
	}
	report, err = p.Pull(t.Context(), m, pull.Request{Force: true})
	if err != nil || report.Downloaded != towerSize+5 {
		t.Errorf("forced: %+v, %v", report, err)
	}
	whole(t, models)
}

// TestHubAgainstCatalogue has the hub vouch for another file than the catalogue.
func TestHubAgainstCatalogue(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	h.set(notesPath, func(f *served) { f.content, f.silent = []byte("other"), false })
	models := t.TempDir()
	_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindConflict, "notes.txt", "another file than the catalogue")
	h.set(notesPath, func(f *served) { f.silent = true })
	_, err = puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindConflict, "notes.txt", "the catalogue says")
	nothing(t, models)
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	h.set(towerPath, func(f *served) { f.silent = true })
	models := t.TempDir()
	report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	if report.Files[0].VerifiedBy != pull.Nobody {
		t.Errorf("report = %+v", report)
	}
	whole(t, models)
}

// TestAtOnce starts a second pull while the first is in the middle.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	began, goOn := make(chan struct{}), make(chan struct{})
	h.set(towerPath, func(f *served) {
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodGet {
				close(began)
				<-goOn
			}
			return false
		}
	})
	models := t.TempDir()
	first := make(chan error, 1)
	go func() {
		_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
		first <- err
	}()
	<-began
	_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindConflict, "another `clipseek model pull`", "Tiny-1")
	nothing(t, models)
	close(goOn)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	whole(t, models)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	h.set(towerPath, func(f *served) {
		f.odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead || n > 1 {
				return false
			}
			f.head(w)
			w.Header().Set("Content-Length", fmt.Sprint(len(f.content)))
			_, _ = w.Write(f.content[:1000])
			w.(http.Flusher).Flush()
			cancel()
			<-r.Context().Done()
			return true
		}
	})
	models := t.TempDir()
	_, err := puller(t, config(), models).Pull(ctx, m, pull.Request{})
	fails(t, err, fault.KindCanceled)
	nothing(t, models)
	if _, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	whole(t, models)
}

// TestDoesNotWork keeps no model that cannot be run, and none that is damaged.
func TestDoesNotWork(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	models := t.TempDir()
	p, err := pull.New(config(), pull.Deps{Models: models, Prove: func(_ context.Context, dir string) error {
		return fault.Invalid("%s: image.onnx has no input %q", dir, "pixels")
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindConflict, "Tiny/1 was fetched and is not kept", `Tiny-1: image.onnx has no input "pixels"`)
	nothing(t, models)
	report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	if err != nil || report.Downloaded != 0 {
		t.Fatalf("files that are whole were fetched again: %+v, %v", report, err)
	}
	if err := os.WriteFile(filepath.Join(models, "Tiny-1", "image.onnx"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindConflict, "damaged", "--force")
	if _, err = puller(t, config(), models).Pull(t.Context(), m, pull.Request{Force: true}); err != nil {
		t.Fatal(err)
	}
	whole(t, models)
}

// TestReplaceCutShort finds the old model again after a kill between the two renames of a replacement.
func TestReplaceCutShort(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	models := t.TempDir()
	if _, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(models, ".Tiny-1.partial")
	if err := os.Mkdir(partial, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(models, "Tiny-1"), filepath.Join(partial, "previous")); err != nil {
		t.Fatal(err)
	}
	nothing(t, models)
	cfg := config()
	cfg.Offline = true
	report, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{})
	if err != nil || report.State != pull.Here {
		t.Errorf("%+v, %v", report, err)
	}
	whole(t, models)
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	none := m
	none.Origins, none.NotPulled = nil, "nobody has it"
	models := t.TempDir()
	p := puller(t, config(), models)
	for name, tc := range map[string]struct {
		request pull.Request
		want    string
	}{
		"another kind":         {pull.Request{Kind: "weights"}, "the catalogue has onnx"},
		"no such precision":    {pull.Request{Precision: "fp8"}, "fp32, fp16 or int8"},
		"precision of no file": {pull.Request{Precision: "fp16"}, `does not come as "weights"`},
		"precision of ONNX":    {pull.Request{Kind: "onnx", Precision: "fp16"}, "for an export only"},
	} {
		_, err := p.Pull(t.Context(), m, tc.request)
		t.Run(name, func(t *testing.T) { fails(t, err, fault.KindInvalid, tc.want) })
	}
	_, err := p.Pull(t.Context(), none, pull.Request{})
	fails(t, err, fault.KindInvalid, "cannot be pulled: nobody has it")
	file := filepath.Join(t.TempDir(), "models")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = puller(t, config(), file).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindInvalid, "a file is where a folder belongs")
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	good := config()
	good.Mirrors = []string{"https://a.example=http://b.example/hub/"}
	if _, err := pull.New(good, pull.Deps{}); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct {
		change func(*pull.Config)
		want   string
	}{
		"mirror without =":  {func(c *pull.Config) { c.Mirrors = []string{"https://a.example"} }, "must be FROM=TO"},
		"mirror, no scheme": {func(c *pull.Config) { c.Mirrors = []string{"a.example=https://b.example"} }, "must be FROM=TO"},
		"mirror, password":  {func(c *pull.Config) { c.Mirrors = []string{"https://a.example=https://me:pw@b.example"} }, `"...@b.example" must be`},
		"no python":         {func(c *pull.Config) { c.Python = "" }, "python must name"},
		"no time":           {func(c *pull.Config) { c.Stall = 0 }, "stall = 0s"},
		"no tries":          {func(c *pull.Config) { c.Retry.Tries = 0 }, "tries = 0"},
		"most below base":   {func(c *pull.Config) { c.Retry.Most = time.Nanosecond }, "most = 1ns"},
		"token of lines":    {func(c *pull.Config) { c.Token = "a\nb" }, "one line"},
	} {
		cfg := config()
		tc.change(&cfg)
		if _, err := pull.New(cfg, pull.Deps{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v lacks %q", name, err, tc.want)
		}
	}
}
