package pull

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// mostRedirects are followed for one file; hubs need two.
const mostRedirects = 10

// offer is what a hub says of a file before its bytes.
type offer struct {
	sha256 string
	size   int64  // 0 is not known
	etag   string // of whoever sends the bytes
}

type offerKey struct{}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// read takes what Hugging Face's headers say. They come with the redirect to the bytes, or with the bytes themselves.
func (o *offer) read(h http.Header) {
	if hash := strings.Trim(h.Get("X-Linked-Etag"), `"`); o.sha256 == "" && sha256Form.MatchString(hash) {
		o.sha256 = hash
	}
	if size, err := strconv.ParseInt(h.Get("X-Linked-Size"), 10, 64); err == nil && size > 0 && o.size == 0 {
		o.size = size
	}
}

// newClient fetches through the environment's proxies, and reads what hubs say on the way.
func newClient(cfg Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: cfg.Connect}).DialContext,
			TLSHandshakeTimeout:   cfg.Connect,
			ResponseHeaderTimeout: cfg.Connect,
			ForceAttemptHTTP2:     true,
			DisableCompression:    true, // lengths and ranges are those of the file
			IdleConnTimeout:       cfg.Connect,
		},
		CheckRedirect: follow,
	}
}

// follow refuses redirects that do not end or that leave TLS.
func follow(next *http.Request, before []*http.Request) error {
	first, last := before[0], before[len(before)-1]
	if len(before) > mostRedirects {
		return fault.Unavailable("%s redirects more than %d times", site(first.URL), mostRedirects)
	}
	if last.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fault.Forbidden("%s redirects from https to %s, which is not followed", site(last.URL), site(next.URL))
	}
	if said, ok := next.Context().Value(offerKey{}).(*offer); ok && next.Response != nil {
		said.read(next.Response.Header)
	}
	return nil
}

// site is the part of an address that messages name: queries may carry signatures.
func site(u *url.URL) string { return u.Scheme + "://" + u.Host }

// passing is a failure that another try may not meet.
type passing struct {
	fault *fault.Error
	after time.Duration // the server asked for this wait
	away  bool          // nobody answered at all
}

func (p *passing) Error() string { return p.fault.Error() }

func (p *passing) Unwrap() error { return p.fault }

// ask sends a request and gives the answer with what was said of the file. The caller closes the body.
func (f *fetcher) ask(ctx context.Context, method, published string, header http.Header) (*http.Response, offer, error) {
	address, ours := locate(f.mirrors, published)
	var said offer
	req, err := http.NewRequestWithContext(context.WithValue(ctx, offerKey{}, &said), method, address, nil)
	if err != nil {
		return nil, said, fault.Invalid("%s is not a web address", address).Because(err)
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", "clipseek")
	if f.cfg.Token != "" && ours && private(req.URL) {
		req.Header.Set("Authorization", "Bearer "+f.cfg.Token)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, said, f.unreached(ctx, req.URL, err)
	}
	said.read(resp.Header)
	said.etag = resp.Header.Get("ETag")
	if resp.StatusCode < 300 || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return resp, said, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can serve the next try
	_ = resp.Body.Close()                        // nothing of it is used
	return nil, said, refused(resp, published)
}

// private reports whether nobody on the way can read what is sent.
func private(u *url.URL) bool {
	return u.Scheme == "https" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

// statusError is an answer that is none, for those who ask by another method.
type statusError int

func (s statusError) Error() string { return "HTTP status " + strconv.Itoa(int(s)) }

// refused translates a status.
func refused(resp *http.Response, published string) error {
	where := site(resp.Request.URL)
	status := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	because := statusError(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return fault.NotFound("%s has no %s (%s); the catalogue of this program may be too old", where, path(published), status).Because(because)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.Forbidden("%s does not hand out %s (%s); if the model is gated, accept its licence there and set hub.token", where, path(published), status).Because(because)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code == http.StatusTooEarly || code >= 500:
		kind := fault.Unavailable
		if code == http.StatusTooManyRequests {
			kind = fault.Overloaded
		}
		after := clock.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
		return &passing{fault: kind("%s answers %s", where, status).Because(because).After(after), after: after}
	}
	return fault.Unavailable("%s answers %s to a request for %s", where, status, path(published)).Because(because)
}

// path is an address without its host and query.
func path(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Path
	}
	return address
}

const advice = "check the network, HTTPS_PROXY and hub.mirrors; what is here already is kept for the next pull"

// unreached translates what went wrong before or during an answer.
func (f *fetcher) unreached(ctx context.Context, u *url.URL, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errStalled) {
		return ctx.Err()
	}
	if known, ok := errors.AsType[*fault.Error](err); ok { // of follow
		return known
	}
	where := site(u)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		where = "the proxy for " + where
	}
	say := func(away bool, what string) error {
		return &passing{fault: fault.Unavailable("%s cannot be reached: %s; %s", where, what, advice).Because(err), away: away}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return say(true, "nobody knows the name")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fault.Unavailable("%s has a certificate that this machine does not trust; if a proxy of yours made it, name its authority's file in SSL_CERT_FILE", where).Because(err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fault.Unavailable("%s has a certificate for another name", where).Because(err)
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return say(true, "it refuses connections")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return say(true, "there is no way to it")
	case errors.Is(context.Cause(ctx), errStalled):
		return say(false, "nothing came for "+f.cfg.Stall.String())
	case isTimeout && timeout.Timeout():
		return say(true, "no answer within "+f.cfg.Connect.String())
	}
	return say(false, "the connection broke off")
}

var errStalled = errors.New("the download stands still")
