package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
)

func apple(t *testing.T) []byte {
	return apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White))
}

// hang is a server that takes a request and never answers: only the request's own deadline ends the call. How a part
// translates that is its own affair.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestPartsThatAreAway(t *testing.T) {
	t.Parallel()
	always := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for name, tc := range map[string]struct {
		becomes    func(context.Context) error
		hangs      bool // until the request's deadline, which also ends what a slow machine does before
		status     int
		retryAfter string
		detail     string
	}{
		"away":                  {always(fault.Unavailable("Milvus at h:1 does not answer")), false, 503, "3", "Milvus at h:1 does not answer"},
		"away for a known time": {always(fault.At("x", fault.Unavailable("away").After(6500*time.Millisecond))), false, 503, "7", "x: away"},
		"full":                  {always(fault.Overloaded("the queue is full")), false, 429, "3", "the queue is full"},
		"full for a known time": {always(fault.Overloaded("the queue is full").After(time.Second)), false, 429, "1", "the queue is full"},
		"hanging":               {hang, true, 503, "3", ""},
		"hanging, as a fault":   {func(ctx context.Context) error { return fault.Unavailable("Triton is slow").Because(hang(ctx)) }, true, 503, "3", ""},
	} {
		for part, fail := range map[string]func(*parts){
			"encoder": func(p *parts) { p.enc.fail = tc.becomes },
			"index":   func(p *parts) { p.db.fail = tc.becomes },
		} {
			t.Run(part+" "+name, func(t *testing.T) {
				t.Parallel()
				c, _ := serveParts(t, func(cfg *httpapi.Config, p *parts) {
					if tc.hangs {
						cfg.Timeout = time.Second
					}
					fail(p)
				})
				var problem httpapi.Problem
				resp := c.call(http.MethodPost, collectionPhotos+"/search", map[string]string{"text": "apple"}, tc.status, &problem)
				if got := resp.Header.Get("Retry-After"); got != tc.retryAfter || !tc.hangs && problem.Detail != tc.detail {
					t.Errorf("Retry-After %q, %q; want %q, %q", got, problem.Detail, tc.retryAfter, tc.detail)
				}
				c.upload(collectionPhotos+"/search/upload", apple(t), nil, tc.status, nil)
			})
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	c, p := serveParts(t, func(cfg *httpapi.Config, _ *parts) { cfg.APIKey = "0123456789abcdef" })
	stranger := client{t: t, base: c.base}
	for name, tc := range map[string]struct {
		model, index error
		status       int
		body         string
	}{
		"all well": {nil, nil, 200, `{"parts":{"index":"ok","model":"ok"},"ready":true}`},
		"one away": {nil, fault.Unavailable("Milvus at h:1 does not answer").Because(errors.New("secret")), 503,
			`{"parts":{"index":"Milvus at h:1 does not answer","model":"ok"},"ready":false}`},
		"both":      {fault.Conflict("another model"), context.DeadlineExceeded, 503, `{"parts":{"index":"no answer within 2s","model":"another model"},"ready":false}`},
		"a mistake": {errors.New("secret"), nil, 503, `{"parts":{"index":"ok","model":"an internal error; the log has the cause"},"ready":false}`},
	} {
		p.ready = func(ctx context.Context) map[string]error {
			if at, ok := ctx.Deadline(); !ok || time.Until(at) > 2*time.Second {
				t.Errorf("%s: the parts have until %v", name, at)
			}
			return map[string]error{"model": tc.model, "index": tc.index}
		}
		resp, body := stranger.send(http.MethodGet, "/readyz", "", nil)
		if resp.StatusCode != tc.status || strings.TrimSpace(string(body)) != tc.body || (resp.Header.Get("Retry-After") != "") != (tc.status == 503) {
			t.Errorf("%s: %d, Retry-After %q, %s", name, resp.StatusCode, resp.Header.Get("Retry-After"), body)
		}
		if resp, _ := stranger.send(http.MethodGet, "/healthz", "", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: alive is %d", name, resp.StatusCode)
		}
	}
}

// TestHangingReadiness asks for readiness while a part hangs and has only the deadline to end it.
func TestHangingReadiness(t *testing.T) {
	t.Parallel()
	c, _ := serveParts(t, func(_ *httpapi.Config, p *parts) {
		p.ready = func(ctx context.Context) map[string]error { return map[string]error{"model": nil, "index": hang(ctx)} }
	})
	resp, body := c.send(http.MethodGet, "/readyz", "", nil)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `"index":"no answer within 2s"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
