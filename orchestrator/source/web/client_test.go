package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/web"
)

const maxBytes = 1 << 20

var pixels = append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte("pixels"), 100)...)

var picture http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(pixels) }

func newClient(t *testing.T, cfg web.Config) *web.Client {
	t.Helper()
	client, err := web.New(cfg, maxBytes, "1.2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// here is a configuration that lets the client come to this machine.
func here() web.Config {
	cfg := web.Default()
	cfg.Allow, cfg.Retries = []string{"127.0.0.1"}, 0
	return cfg
}

func TestGet(t *testing.T) {
	t.Parallel()
	packed := func(n int) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(bytes.Repeat([]byte{0xff}, n))
		_ = w.Close()
		return b.Bytes()
	}
	mux := http.NewServeMux()
	handle := func(path string, f func(w http.ResponseWriter, r *http.Request)) { mux.HandleFunc(path, f) }
	handle("/1.jpg", picture)
	handle("/header", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s|%s|%s|%s|%s", r.Method, r.UserAgent(), r.Header.Get("Referer"), r.Header.Get("Accept-Encoding"), r.Header.Get("Authorization"))
	})
	handle("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg") // a lie
		_, _ = io.WriteString(w, "\n <!DOCTYPE html><title>Log in</title>")
	})
	handle("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBytes+1)) })
	handle("/just", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBytes)) })
	handle("/promise", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<40))
		w.WriteHeader(http.StatusOK)
	})
	handle("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(pixels[:100])
	})
	handle("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 64<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	handle("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed(8 << 20))
	})
	handle("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed(1000))
	})
	handle("/nogzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(pixels)
	})
	handle("/brotli", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") })
	handle("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 10<<10))
		}
	})
	handle("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	handle("/to", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("url"))
		w.WriteHeader(http.StatusFound)
	})
	handle("/nowhere", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) })
	handle("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	handle("/hops/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		if n == 0 {
			picture(w, r)
			return
		}
		http.Redirect(w, r, "/hops/"+strconv.Itoa(n-1), http.StatusMovedPermanently)
	})
	handle("/cut", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := newClient(t, here())
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for path, want := range map[string]struct {
		kind fault.Kind
		says string
	}{
		"/page": {fault.KindInvalid, "web page"}, "/large": {fault.KindTooLarge, "image.max_bytes"}, "/promise": {fault.KindTooLarge, "more than"},
		"/short": {fault.KindUnavailable, "broke"}, "/endless": {fault.KindTooLarge, "more than"}, "/bomb": {fault.KindTooLarge, "more than"},
		"/nogzip": {fault.KindInvalid, "damaged"}, "/brotli": {fault.KindInvalid, `"br"`}, "/headers": {fault.KindUnavailable, "HTTP"},
		"/cut":        {fault.KindUnavailable, "broke"},
		"/status/404": {fault.KindNotFound, "404"}, "/status/410": {fault.KindNotFound, "410"}, "/status/403": {fault.KindForbidden, "403"},
		"/status/401": {fault.KindForbidden, "401"}, "/status/418": {fault.KindInvalid, "418"}, "/status/500": {fault.KindUnavailable, "500"},
		"/status/429": {fault.KindUnavailable, "busy"}, "/status/204": {fault.KindInvalid, "204"}, "/status/206": {fault.KindInvalid, "206"}, "/status/304": {fault.KindInvalid, "304"},
		"/loop": {fault.KindInvalid, "5 redirects"}, "/hops/6": {fault.KindInvalid, "5 redirects"}, "/nowhere": {fault.KindInvalid, "no URL"},
		"/to?url=http://[::1]" + port + "/1.jpg":              {fault.KindForbidden, "loopback"},
		"/to?url=http://[::ffff:127.0.0.2]" + port + "/1.jpg": {fault.KindForbidden, "127.0.0.2"},
		"/to?url=http://127.0.0.2" + port + "/1.jpg":          {fault.KindForbidden, "127.0.0.2"},
		"/to?url=http://169.254.169.254/latest/meta-data/":    {fault.KindForbidden, "web.allow"},
		"/to?url=http://2130706433" + port + "/1.jpg":         {fault.KindInvalid, "sends us on"},
		"/to?url=file:///etc/passwd":                          {fault.KindInvalid, "scheme"},
	} {
		_, err := client.Get(t.Context(), server.URL+path)
		if fault.KindOf(err) != want.kind || !strings.Contains(fault.Public(err), want.says) {
			t.Errorf("%s: %v (%v), want %v with %q", path, err, fault.KindOf(err), want.kind, want.says)
		}
	}
	for path, want := range map[string]string{
		"/1.jpg": string(pixels), "/hops/5": string(pixels), "/to?url=/1.jpg": string(pixels), "/just": string(make([]byte, maxBytes)),
		"/gzip": strings.Repeat("\xff", 1000), "/header": "GET|clipseek/1.2|||", "/1.jpg#part": string(pixels),
	} {
		if got, err := client.Get(t.Context(), server.URL+path); err != nil || string(got) != want {
			t.Errorf("%s: %.40q, %v; want %.40q", path, got, err, want)
		}
	}
	closed := httptest.NewServer(picture)
	closed.Close()
	if _, err := client.Get(t.Context(), closed.URL); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("nobody listens: %v", err)
	}
	secure := httptest.NewTLSServer(picture)
	t.Cleanup(secure.Close)
	if _, err := client.Get(t.Context(), secure.URL); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), "certificate") {
		t.Errorf("a foreign certificate: %v", err)
	}
	if _, err := client.Get(t.Context(), strings.Replace(server.URL, "http", "https", 1)); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("https where http is spoken: %v", err)
	}
}

// TestLocalhost is sent to a name that stands for this machine.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost"+r.Host[strings.LastIndexByte(r.Host, ':'):], http.StatusFound)
	}))
	t.Cleanup(server.Close)
	cfg := here()
	client := newClient(t, cfg)
	client.Lookup(func(host string) ([]netip.Addr, error) {
		if host == "localhost" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.53"), netip.MustParseAddr("::1")}, nil
		}
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	})
	if _, err := client.Get(t.Context(), server.URL); fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "localhost is 127.0.0.53") {
		t.Errorf("sent to localhost: %v", err)
	}
	if _, err := client.Get(t.Context(), "http://nobody.example/"); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a name that is not there: %v", err)
	}
}

// TestCredentials looks at what each host is told.
func TestCredentials(t *testing.T) {
	t.Parallel()
	var told sync.Map
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told.Store("other", r.Header.Get("Authorization")+r.Header.Get("Referer"))
		picture(w, r)
	}))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		told.Store(r.URL.Path, user+":"+password)
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/leave", http.StatusFound)
		case "/leave":
			http.Redirect(w, r, strings.Replace(other.URL, "://", "://x:y@", 1), http.StatusFound)
		}
	}))
	t.Cleanup(first.Close)
	if _, err := newClient(t, here()).Get(t.Context(), strings.Replace(first.URL, "://", "://me:secret@", 1)+"/same"); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{"/same": "me:secret", "/leave": "me:secret", "other": ""} {
		if got, ok := told.Load(at); !ok || got != want {
			t.Errorf("%s is told %q, want %q", at, got, want)
		}
	}
}

func TestPerHost(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	full := make(chan struct{})
	runOn := sync.OnceFunc(func() { close(full) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == 3 {
			runOn()
		}
		<-full
		picture(w, r)
	}))
	t.Cleanup(server.Close)
	cfg := here()
	cfg.PerHost = 3
	client := newClient(t, cfg)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := client.Get(t.Context(), server.URL); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 3 {
		t.Errorf("%d requests at once, want 3", most.Load())
	}
}

// pipes is a network in memory, on which time is the test's.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inMemory runs f with a client of a server whose time is not ours: all names are one public address, where handler answers.
func inMemory(t *testing.T, cfg web.Config, handler http.HandlerFunc, f func(t *testing.T, client *web.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := make(pipes)
		server := &http.Server{Handler: handler}
		served := make(chan struct{})
		go func() { _ = server.Serve(network); close(served) }()
		client := newClient(t, cfg)
		client.Lookup(func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil })
		client.Dial(func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			network <- theirs
			return ours, nil
		})
		f(t, client)
		_ = client.Close()
		close(network)
		_ = server.Close()
		<-served
	})
}

func TestWaits(t *testing.T) {
	t.Parallel()
	type request struct {
		n int
		w http.ResponseWriter
		r *http.Request
	}
	busy := func(status int, after string) func(request) {
		return func(q request) {
			if q.n == 1 {
				q.w.Header().Set("Retry-After", after)
				q.w.WriteHeader(status)
				return
			}
			picture(q.w, q.r)
		}
	}
	fails := func(times int) func(request) {
		return func(q request) {
			if q.n <= times {
				panic(http.ErrAbortHandler)
			}
			picture(q.w, q.r)
		}
	}
	begin := func(q request) {
		q.w.Header().Set("Content-Length", "1000000")
		_, _ = q.w.Write(pixels)
		_ = http.NewResponseController(q.w).Flush()
	}
	for name, tc := range map[string]struct {
		answer      func(request)
		kind        fault.Kind // Internal for none
		says        string
		asked       int
		least, most time.Duration
	}{
		"429 with seconds":      {answer: busy(429, "7"), asked: 2, least: 7 * time.Second, most: 7 * time.Second},
		"503 with a date":       {answer: busy(503, "Sat, 01 Jan 2000 00:00:30 GMT"), asked: 2, least: 30 * time.Second, most: 30 * time.Second},
		"a date that has been":  {answer: busy(503, "Fri, 01 Jan 1999 00:00:30 GMT"), asked: 2, least: 250 * time.Millisecond, most: time.Second},
		"no seconds":            {answer: busy(429, "soon"), asked: 2, least: 250 * time.Millisecond, most: time.Second},
		"more than is waited":   {answer: busy(429, "61"), kind: fault.KindUnavailable, says: "busy", asked: 1},
		"a broken connection":   {answer: fails(2), asked: 3, least: 750 * time.Millisecond, most: 3 * time.Second},
		"always broken":         {answer: fails(9), kind: fault.KindUnavailable, says: "broke", asked: 4, least: 1750 * time.Millisecond, most: 6 * time.Second},
		"502":                   {answer: func(q request) { q.w.WriteHeader(502) }, kind: fault.KindUnavailable, says: "502", asked: 4, least: 1750 * time.Millisecond, most: 6 * time.Second},
		"404 is asked for once": {answer: func(q request) { q.w.WriteHeader(404) }, kind: fault.KindNotFound, asked: 1},
		"never answers":         {answer: func(q request) { <-q.r.Context().Done() }, kind: fault.KindUnavailable, says: "in time", asked: 4, least: 2 * time.Minute, most: 3 * time.Minute},
		"stops in the middle":   {answer: func(q request) { begin(q); <-q.r.Context().Done() }, kind: fault.KindUnavailable, says: "sent nothing for 20s", asked: 4, least: 80 * time.Second, most: 90 * time.Second},
		"trickles": {answer: func(q request) {
			begin(q)
			for tick := time.NewTicker(10 * time.Second); ; {
				select {
				case <-q.r.Context().Done():
					tick.Stop()
					return
				case <-tick.C:
					_, _ = q.w.Write([]byte{1})
					_ = http.NewResponseController(q.w).Flush()
				}
			}
		}, kind: fault.KindUnavailable, says: "after 5m0s", asked: 4, least: 20 * time.Minute, most: 21 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			handler := func(w http.ResponseWriter, r *http.Request) { tc.answer(request{int(asked.Add(1)), w, r}) }
			inMemory(t, web.Default(), handler, func(t *testing.T, client *web.Client) {
				began := time.Now()
				_, err := client.Get(t.Context(), "http://pictures.example/1.jpg")
				took := time.Since(began)
				if (err != nil || tc.kind != fault.KindInternal) && (fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.says)) {
					t.Errorf("%v, want %v with %q", err, tc.kind, tc.says)
				}
				if int(asked.Load()) != tc.asked || took < tc.least || took > tc.most {
					t.Errorf("asked %d times in %s, want %d in %s to %s", asked.Load(), took, tc.asked, tc.least, tc.most)
				}
			})
		})
	}
}

// TestHostIsLeftAlone has one picture's 429 keep the others of its host, and of no other, waiting.
func TestHostIsLeftAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "busy.example" && asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		picture(w, r)
	}
	inMemory(t, web.Default(), handler, func(t *testing.T, client *web.Client) {
		began := time.Now()
		first := make(chan error)
		go func() { _, err := client.Get(t.Context(), "http://busy.example/1.jpg"); first <- err }()
		synctest.Wait() // it waits for its second try
		if _, err := client.Get(t.Context(), "http://other.example/1.jpg"); err != nil || time.Since(began) > time.Second {
			t.Errorf("the other host: %v after %s", err, time.Since(began))
		}
		if _, err := client.Get(t.Context(), "http://busy.example/2.jpg"); err != nil || time.Since(began) != 40*time.Second {
			t.Errorf("the busy host: %v after %s", err, time.Since(began))
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "50")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	inMemory(t, web.Default(), handler, func(t *testing.T, client *web.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := client.Get(ctx, "http://busy.example/1.jpg"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while it waits: %v", err)
		}
		if _, err := client.Get(ctx, "http://busy.example/1.jpg"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after it ended: %v", err)
		}
	})
}

// TestManyHosts keeps what is remembered of hosts from growing with a list.
func TestManyHosts(t *testing.T) {
	t.Parallel()
	client := newClient(t, here())
	client.Lookup(func(host string) ([]netip.Addr, error) { return nil, &net.DNSError{Name: host, IsNotFound: true} })
	for i := range 5000 {
		if _, err := client.Get(t.Context(), fmt.Sprintf("http://h%d.example/", i)); fault.KindOf(err) != fault.KindNotFound {
			t.Fatal(err)
		}
	}
	if n := client.Hosts(); n > 1024 {
		t.Errorf("%d hosts are remembered", n)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	if err := web.Default().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*web.Config){
		"per_host = 0":   func(c *web.Config) { c.PerHost = 0 },
		"allow: \"lan\"": func(c *web.Config) { c.Allow = []string{"10.0.0.0/8", "lan"} },
		"proxy = ":       func(c *web.Config) { c.Proxy = "http://proxy" },
		"user_agent = ":  func(c *web.Config) { c.UserAgent = "a\r\nb" },
		"whole = 0s":     func(c *web.Config) { c.Whole = 0 },
	} {
		cfg := web.Default()
		change(&cfg)
		if _, err := web.New(cfg, maxBytes, ""); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
