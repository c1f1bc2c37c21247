package pull_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/pull"
)

// TestRedirects follows a redirect to another host as hubs have them, which is what vouches for the file.
func TestRedirects(t *testing.T) {
	t.Parallel()
	h, bytes := newHub(t), newHub(t)
	m := tiny(t, h)
	bytes.files["/blob"] = &served{content: noise(1, towerSize), etag: `"blob"`, silent: true, odd: func(_ int, w http.ResponseWriter, r *http.Request, _ *served) bool {
		if r.Method == http.MethodHead { // its signature is for GET
			w.WriteHeader(http.StatusForbidden)
		}
		return r.Method == http.MethodHead
	}}
	h.set(towerPath, func(f *served) {
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.head(w)
			http.Redirect(w, r, bytes.URL+"/blob", http.StatusFound)
			return true
		}
	})
	models := t.TempDir()
	report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	if report.Files[0].VerifiedBy != pull.Hub {
		t.Errorf("report = %+v", report)
	}
}

// TestRedirectOffTLS refuses to go on in the clear.
func TestRedirectOffTLS(t *testing.T) {
	t.Parallel()
	clear, h := newHub(t), unstarted()
	h.StartTLS()
	t.Cleanup(h.Close)
	m := tiny(t, h)
	p := puller(t, config(), t.TempDir())
	_, err := p.Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "certificate that this machine does not trust", "SSL_CERT_FILE")
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	p.Trust(roots)
	clear.files["/blob"] = &served{content: noise(1, towerSize)}
	h.set(towerPath, func(f *served) {
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, _ *served) bool {
			http.Redirect(w, r, clear.URL+"/blob", http.StatusFound)
			return true
		}
	})
	_, err = p.Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindForbidden, "redirects from https to http", "not followed")
	h.set(towerPath, func(f *served) { f.odd = nil })
	if _, err = p.Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Error(err)
	}
}

func TestNoNetwork(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	h.Close()
	models := t.TempDir()
	_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, h.URL, "refuses connections", "check the network", "hub.mirrors")
	nothing(t, models)
	m.Origins[0].Files[0].URL = "https://no-such-host.invalid/image.onnx"
	_, err = puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "no-such-host.invalid", "check the network")
}

// TestSilentServer takes connections and says nothing.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h := newHub(t)
	m := tiny(t, h)
	m.Origins[0].Files[0].URL = "http://" + listener.Addr().String() + towerPath
	cfg := config()
	cfg.Connect = 100 * time.Millisecond
	_, err = puller(t, cfg, t.TempDir()).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "no answer within 100ms")
}

func TestOffline(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	models := t.TempDir()
	cfg := config()
	cfg.Offline = true
	_, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{})
	fails(t, err, fault.KindUnavailable, "hub.offline", "image.onnx", "copy the folder to "+filepath.Join(models, "Tiny-1"))
	if len(h.asked) != 0 {
		t.Errorf("asked %+v", h.asked)
	}
	// What is whole already needs no network: here a pull whose proof was interrupted.
	broken, err := pull.New(config(), pull.Deps{Models: models, Prove: func(context.Context, string) error { return context.Canceled }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.Pull(t.Context(), m, pull.Request{}); err == nil {
		t.Fatal("the proof was passed")
	}
	nothing(t, models)
	before := len(h.asked)
	report, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{})
	if err != nil || report.Downloaded != 0 || len(h.asked) != before || report.Files[0].VerifiedBy != pull.Hub {
		t.Errorf("offline: %+v, %v", report, err)
	}
	whole(t, models)
}

// TestMirror fetches from another place, and gives the token to Hugging Face's mirror alone.
func TestMirror(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	m.Origins[0].Files[0].URL = "https://huggingface.co" + towerPath
	m.Origins[0].Files[1].URL = "https://elsewhere.invalid/files" + notesPath
	cfg := config()
	cfg.Token = "hf_secret"
	cfg.Mirrors = []string{"https://huggingface.co=" + h.URL, "https://elsewhere.invalid/files/=" + h.URL + "/"}
	models := t.TempDir()
	if _, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	if got := h.requests(http.MethodGet, towerPath)[0].token; got != "Bearer hf_secret" {
		t.Errorf("the mirror got %q", got)
	}
	if got := h.requests(http.MethodGet, notesPath)[0].token; got != "" {
		t.Errorf("another host got %q", got)
	}
}

// TestTokenStays does not follow a redirect to another host.
func TestTokenStays(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	m.Origins[0].Files[0].URL = "https://huggingface.co" + towerPath
	stranger := ""
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stranger += r.Header.Get("Authorization")
		f := served{content: noise(1, towerSize), silent: true}
		f.serve(w, r, towerSize)
	}))
	defer other.Close()
	h.set(towerPath, func(f *served) {
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.head(w)
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/blob", http.StatusFound)
			return true
		}
	})
	cfg := config()
	cfg.Token, cfg.Mirrors = "hf_secret", []string{"https://huggingface.co=" + h.URL}
	if _, err := puller(t, cfg, t.TempDir()).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	if stranger != "" {
		t.Errorf("the stranger got %q", stranger)
	}
}
