package pull_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
)

// asPuller has the test binary pull the catalogue's first model, as a process of its own.
const asPuller = "PULL_TEST_CATALOGUE"

func TestMain(m *testing.M) {
	file := os.Getenv(asPuller)
	if file == "" {
		os.Exit(m.Run())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	models, err := catalogue.Read(text)
	if err != nil {
		panic(err)
	}
	p, err := pull.New(config(), deps(filepath.Join(filepath.Dir(file), "models")))
	if err != nil {
		panic(err)
	}
	if _, err := p.Pull(context.Background(), models[0], pull.Request{}); err != nil {
		panic(err)
	}
}

// TestKilled ends a pulling process the hard way, in the middle of a file, and goes on with what it left.
func TestKilled(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	sent := make(chan struct{})
	h.set(towerPath, func(f *served) {
		f.odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead || n > 1 {
				return false
			}
			f.head(w)
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(f.content[:70_000])
			w.(http.Flusher).Flush()
			close(sent)
			<-r.Context().Done()
			return true
		}
	})
	dir := t.TempDir()
	models, file := filepath.Join(dir, "models"), filepath.Join(dir, "catalogue.yaml")
	if err := os.WriteFile(file, []byte(tinyText(h)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asPuller+"="+file)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-sent
	part := filepath.Join(models, ".Tiny-1.partial", "parts", "image.onnx")
	for size := int64(0); size < 70_000; { // until what was sent is written
		if info, err := os.Stat(part); err == nil {
			size = info.Size()
		}
		runtime.Gosched()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended well")
	}
	nothing(t, models)
	report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	gets := h.requests(http.MethodGet, towerPath)
	if len(gets) != 2 || gets[1].rangeOf != "bytes=70000-" || report.Downloaded != 30_000+5 {
		t.Errorf("requests = %+v, report = %+v", gets, report)
	}
}

// TestNoRoom pulls onto a disk of its own that is too small, and then larger.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	models := t.TempDir()
	if err := syscall.Mount("tmpfs", models, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a disk of its own cannot be made (not root?): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(models, 0); err != nil {
			t.Error(err)
		}
	})
	h := newHub(t)
	m := tiny(t, h)
	_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "no room for Tiny/1", "which has", "free")
	if got := len(h.requests(http.MethodGet, towerPath)); got != 0 {
		t.Errorf("%d downloads began", got)
	}
	h.set(towerPath, func(f *served) { // of a length that nobody knows
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			w.Header().Set("X-Linked-Etag", hashOf(f.content))
			w.Header().Set("ETag", f.etag)
			if r.Method == http.MethodGet && r.Header.Get("Range") == "" {
				w.(http.Flusher).Flush()
				_, _ = w.Write(f.content)
				return true
			}
			f.silent = true
			if r.Method == http.MethodGet {
				f.serve(w, r, towerSize)
			}
			return true
		}
	})
	m.Origins[0].Files = m.Origins[0].Files[:1]
	_, err = puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "no room left for", "what is here already is kept")
	nothing(t, models)
	if err := syscall.Mount("tmpfs", models, "tmpfs", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	if err != nil || report.Downloaded >= towerSize {
		t.Fatalf("%+v, %v", report, err)
	}
	if !strings.HasPrefix(h.requests(http.MethodGet, towerPath)[1].rangeOf, "bytes=") {
		t.Errorf("requests = %+v", h.requests(http.MethodGet, towerPath))
	}
}
