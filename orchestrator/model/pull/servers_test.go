package pull_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/pull"
)

// TestServers has servers misbehave in ways that a pull survives.
func TestServers(t *testing.T) {
	t.Parallel()
	type odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool
	get := func(f odd) odd {
		return func(n int, w http.ResponseWriter, r *http.Request, s *served) bool {
			return r.Method == http.MethodGet && f(n, w, r, s)
		}
	}
	for name, tc := range map[string]struct {
		odd        odd
		gets       int   // requests for the tower's bytes
		downloaded int64 // of both files
	}{
		"breaks off": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.serve(w, r, 30_000) // four answers, each going on where the last broke off
			return true
		}), 4, towerSize + 5},
		"breaks off at once, twice": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if n <= 2 {
				panic(http.ErrAbortHandler)
			}
			return false
		}), 3, towerSize + 5},
		"ignores ranges": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			r.Header.Del("Range")
			f.serve(w, r, 40_000+60_000*(n-1))
			return true
		}), 2, 40_000 + towerSize + 5},
		"busy, then overloaded": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			switch n {
			case 1:
				http.Error(w, "later", http.StatusServiceUnavailable)
			case 2:
				w.Header().Set("Retry-After", "0")
				http.Error(w, "slower", http.StatusTooManyRequests)
			default:
				return false
			}
			return true
		}), 3, towerSize + 5},
		"does not answer HEAD": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method != http.MethodHead {
				return false
			}
			http.Error(w, "what?", http.StatusMethodNotAllowed)
			return true
		}, 1, towerSize + 5},
		"says no length": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.head(w)
			w.Header().Del("X-Linked-Size")
			for part := range 10 {
				_, _ = w.Write(f.content[part*towerSize/10 : (part+1)*towerSize/10])
				w.(http.Flusher).Flush()
			}
			return true
		}), 1, towerSize + 5},
		"changes the file": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if n > 1 {
				return false
			}
			old := served{content: noise(2, towerSize), etag: `"tower-0"`, silent: true}
			old.serve(w, r, 50_000)
			return true
		}), 2, 50_000 + towerSize + 5},
		"changes the file and not its ETag": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if n > 1 {
				return false // goes on with the new file, whose SHA-256 the pieces have not
			}
			old := served{content: noise(2, towerSize), etag: `"tower-1"`, silent: true}
			old.serve(w, r, 50_000)
			return true
		}), 3, towerSize + towerSize + 5},
		"answers with another range": {get(func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if n == 1 {
				f.serve(w, r, 50_000)
				return true
			}
			if n == 2 && r.Header.Get("Range") != "" { // says that the file is gone beyond
				w.Header().Set("Content-Range", "bytes */10")
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return true
			}
			return false
		}), 3, 50_000 + towerSize + 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			m := tiny(t, h)
			h.set(towerPath, func(f *served) { f.odd = tc.odd })
			models := t.TempDir()
			report, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
			if err != nil {
				t.Fatal(err)
			}
			whole(t, models)
			if got := len(h.requests(http.MethodGet, towerPath)); got != tc.gets || report.Downloaded != tc.downloaded {
				t.Errorf("%d requests and %d bytes, want %d and %d: %+v", got, report.Downloaded, tc.gets, tc.downloaded, h.requests(http.MethodGet, towerPath))
			}
		})
	}
}

// TestResumeAsks looks at how a broken download is gone on with.
func TestResumeAsks(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	h.set(towerPath, func(f *served) {
		f.odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodGet && n == 1 {
				f.serve(w, r, 12_345)
				return true
			}
			return false
		}
	})
	if _, err := puller(t, config(), t.TempDir()).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	gets := h.requests(http.MethodGet, towerPath)
	if len(gets) != 2 || gets[1].rangeOf != "bytes=12345-" || gets[1].ifRange != `"tower-1"` {
		t.Errorf("requests = %+v", gets)
	}
}

// TestRefusals has servers misbehave in ways that end a pull, and looks for what is left.
func TestRefusals(t *testing.T) {
	t.Parallel()
	type odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool
	status := func(code int) odd {
		return func(_ int, w http.ResponseWriter, _ *http.Request, _ *served) bool {
			w.WriteHeader(code)
			return true
		}
	}
	for name, tc := range map[string]struct {
		odd   odd
		kind  fault.Kind
		words []string
	}{
		"wrong bytes": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			wrong := served{content: noise(9, towerSize), silent: true}
			f.head(w) // vouches for others
			wrong.serve(w, r, towerSize)
			return true
		}, fault.KindConflict, []string{"image.onnx", "SHA-256", "the hub says", "nothing of it is kept"}},
		"nobody vouches": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.silent = true
			f.serve(w, r, towerSize)
			return true
		}, fault.KindForbidden, []string{"image.onnx", "--unverified"}},
		"a shorter length than the hub's": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			short := served{content: f.content[:1000], silent: true}
			f.head(w)
			short.serve(w, r, 1000)
			return true
		}, fault.KindConflict, []string{"image.onnx", "announces 1000 bytes"}},
		"a longer length than it sends": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.head(w)
			w.Header().Del("X-Linked-Size")
			w.Header().Set("Content-Length", "200000")
			if r.Method == http.MethodGet {
				_, _ = w.Write(f.content[:10])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			return true
		}, fault.KindUnavailable, []string{"broke off"}},
		"more than the hub's length": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			f.head(w)
			w.(http.Flusher).Flush()
			for range 2 {
				_, _ = w.Write(f.content)
			}
			return true
		}, fault.KindConflict, []string{"sends more than the 100000 bytes"}},
		"not there":     {status(http.StatusNotFound), fault.KindNotFound, []string{towerPath, "404"}},
		"gated":         {status(http.StatusUnauthorized), fault.KindForbidden, []string{"401", "hub.token"}},
		"forbidden":     {status(http.StatusForbidden), fault.KindForbidden, []string{"403", "hub.token"}},
		"teapot":        {status(http.StatusTeapot), fault.KindUnavailable, []string{"418"}},
		"always broken": {status(http.StatusBadGateway), fault.KindUnavailable, []string{"502"}},
		"partial unasked": {func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead {
				return false
			}
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}, fault.KindUnavailable, []string{"206", "bytes 5-9/10"}},
		"come back in an hour": {func(_ int, w http.ResponseWriter, _ *http.Request, _ *served) bool {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}, fault.KindOverloaded, []string{"429"}},
		"a loop": {func(_ int, w http.ResponseWriter, r *http.Request, _ *served) bool {
			http.Redirect(w, r, towerPath, http.StatusFound)
			return true
		}, fault.KindUnavailable, []string{"redirects more than 10 times"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			m := tiny(t, h)
			h.set(towerPath, func(f *served) { f.odd = tc.odd })
			models := t.TempDir()
			_, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{})
			fails(t, err, tc.kind, tc.words...)
			nothing(t, models)
			if name == "come back in an hour" && fault.RetryAfter(err) != time.Hour {
				t.Errorf("retry after %s", fault.RetryAfter(err))
			}
			h.set(towerPath, func(f *served) { f.odd = nil }) // and the next one is good
			if _, err := puller(t, config(), models).Pull(t.Context(), m, pull.Request{}); err != nil {
				t.Fatal(err)
			}
			whole(t, models)
		})
	}
}

// TestThrottled lets a server take longer than a stall for the whole, but never for one piece.
func TestThrottled(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	cfg := config()
	cfg.Stall = time.Second
	h.set(towerPath, func(f *served) {
		f.odd = func(_ int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead {
				return false
			}
			f.head(w)
			w.Header().Set("Content-Length", fmt.Sprint(len(f.content)))
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			for part := range 40 {
				<-tick.C
				_, _ = w.Write(f.content[part*towerSize/40 : (part+1)*towerSize/40])
				w.(http.Flusher).Flush()
			}
			return true
		}
	})
	models := t.TempDir()
	if _, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	if got := len(h.requests(http.MethodGet, towerPath)); got != 1 {
		t.Errorf("%d requests", got)
	}
}

// TestStalled has a server go silent in the middle.
func TestStalled(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	cfg := config()
	cfg.Stall = 200 * time.Millisecond
	h.set(towerPath, func(f *served) {
		f.odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead || n > 1 {
				return false
			}
			f.head(w)
			w.Header().Set("Content-Length", fmt.Sprint(len(f.content)))
			_, _ = w.Write(f.content[:33_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done() // the client leaves
			return true
		}
	})
	models := t.TempDir()
	var notes []string
	watch := &pull.Watch{Note: func(line string) { notes = append(notes, line) }}
	if _, err := puller(t, cfg, models).Pull(t.Context(), m, pull.Request{Watch: watch}); err != nil {
		t.Fatal(err)
	}
	whole(t, models)
	gets := h.requests(http.MethodGet, towerPath)
	if len(gets) != 2 || gets[1].rangeOf != "bytes=33000-" || !strings.Contains(strings.Join(notes, "\n"), "nothing came for 200ms") {
		t.Errorf("requests = %+v, notes = %q", gets, notes)
	}
}

// TestRetryAfter waits as long as a server asks, and no shorter.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	m := tiny(t, h)
	var refused, answered time.Time
	h.set(towerPath, func(f *served) {
		f.odd = func(n int, w http.ResponseWriter, r *http.Request, f *served) bool {
			if r.Method == http.MethodHead {
				return false
			}
			if n == 1 {
				refused = time.Now()
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			answered = time.Now()
			return false
		}
	})
	if _, err := puller(t, config(), t.TempDir()).Pull(t.Context(), m, pull.Request{}); err != nil {
		t.Fatal(err)
	}
	if wait := answered.Sub(refused); wait < time.Second {
		t.Errorf("asked again after %s", wait)
	}
}
