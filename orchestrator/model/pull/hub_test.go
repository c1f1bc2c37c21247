package pull_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
)

// hub is a real HTTP server that hands out files, and misbehaves where a test says how.
type hub struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]*served // by path
	asked []asked
}

// served is one file, and how it is served.
type served struct {
	content []byte
	etag    string
	silent  bool // says no SHA-256
	// odd may answer the nth request (GET alone, from 1) for the file in its own way; false leaves it to the hub.
	odd func(n int, w http.ResponseWriter, r *http.Request, f *served) bool
	n   int
}

type asked struct {
	method, path, rangeOf, ifRange, token string
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := unstarted()
	h.Start()
	t.Cleanup(h.Close)
	return h
}

func unstarted() *hub {
	h := &hub{files: map[string]*served{}}
	h.Server = httptest.NewUnstartedServer(h)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, asked{r.Method, r.URL.Path, r.Header.Get("Range"), r.Header.Get("If-Range"), r.Header.Get("Authorization")})
	f := h.files[r.URL.Path]
	if f == nil {
		h.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodGet {
		f.n++
	}
	now := *f
	h.mu.Unlock()
	if now.odd != nil && now.odd(now.n, w, r, &now) {
		return
	}
	now.serve(w, r, len(now.content))
}

// serve sends the file, or what is asked for of it, and breaks off after most bytes.
func (f *served) serve(w http.ResponseWriter, r *http.Request, most int) {
	body, status := f.content, http.StatusOK
	from := 0
	if ranged := r.Header.Get("Range"); ranged != "" && (r.Header.Get("If-Range") == "" || r.Header.Get("If-Range") == f.etag) {
		from, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(ranged, "bytes="), "-"))
		if from >= len(body) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(body)))
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	}
	body = body[from:]
	f.head(w)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if most < len(body) {
		_, _ = w.Write(body[:most])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
	_, _ = w.Write(body)
}

// head says what a hub says of a file.
func (f *served) head(w http.ResponseWriter) {
	if f.etag != "" {
		w.Header().Set("ETag", f.etag)
	}
	if !f.silent {
		w.Header().Set("X-Linked-Etag", fmt.Sprintf("%q", hashOf(f.content)))
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(f.content)))
	}
}

// set changes a file between requests.
func (h *hub) set(path string, change func(*served)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h.files[path])
}

// requests are those for a path, in their order.
func (h *hub) requests(method, path string) []asked {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.asked), func(a asked) bool { return a.method != method || a.path != path })
}

func hashOf(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// noise is content that does not repeat.
func noise(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	return content
}

const (
	towerPath = "/tiny/resolve/main/image.onnx"
	notesPath = "/tiny/resolve/main/notes.txt"
	towerSize = 100_000
)

// tiny is a model of pictures in two files: a hub vouches for one, the catalogue for the other.
func tiny(t *testing.T, h *hub) catalogue.Model {
	t.Helper()
	h.files[towerPath] = &served{content: noise(1, towerSize), etag: `"tower-1"`}
	h.files[notesPath] = &served{content: []byte("notes"), etag: `"notes-1"`, silent: true}
	return read(t, tinyText(h))
}

func tinyText(h *hub) string {
	return fmt.Sprintf(`
- name: Tiny/1
  title: A model of two files
  width: 8
  pixels: 32
  languages: []
  licence: MIT
  origins:
    - kind: onnx
      from: %[1]s/tiny
      files:
        - {name: image.onnx, url: "%[1]s%[2]s"}
        - {name: more/notes.txt, url: "%[1]s%[3]s", sha256: %[4]s, bytes: 5}
      card:
        image: {file: image.onnx, size: 32, resize: squash, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], input: pixels, output: embedding}
`, h.URL, towerPath, notesPath, hashOf([]byte("notes")))
}

func read(t *testing.T, text string) catalogue.Model {
	t.Helper()
	models, err := catalogue.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return models[0]
}

// config fails fast.
func config() pull.Config {
	cfg := pull.Default()
	cfg.Connect, cfg.Stall = 5*time.Second, 5*time.Second
	cfg.Retry = pull.Retry{Tries: 4, Base: time.Millisecond, Most: 2 * time.Second}
	return cfg
}

// puller proves a model by opening it.
func puller(t *testing.T, cfg pull.Config, models string) *pull.Puller {
	t.Helper()
	p, err := pull.New(cfg, deps(models))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func deps(models string) pull.Deps { return pull.Deps{Models: models, Prove: opens} }

// whole checks that a model is there and nothing else.
func whole(t *testing.T, models string) {
	t.Helper()
	m, err := model.Open(filepath.Join(models, "Tiny-1"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Card.Name != "Tiny-1" || m.Card.Licence != "MIT" || len(m.Card.Files) != 2 {
		t.Errorf("card = %+v", m.Card)
	}
	entries, err := os.ReadDir(models)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the model there is %v, %v", entries, err)
	}
}

// nothing checks that no model is there, by any way to look.
func nothing(t *testing.T, models string) {
	t.Helper()
	cards, broken := model.List(models)
	if len(cards) != 1 || len(broken) != 0 { // the built-in one
		t.Errorf("models = %v, broken = %v", cards, broken)
	}
	if _, err := os.Stat(filepath.Join(models, "Tiny-1")); err == nil {
		t.Error("the model's directory is there")
	}
}

// fails checks a refusal.
func fails(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("err = %v (%v), want %v", err, fault.KindOf(err), kind)
	}
	for _, word := range words {
		if !strings.Contains(fault.Public(err), word) {
			t.Errorf("%q lacks %q", fault.Public(err), word)
		}
	}
}
