// Package web brings pictures from the web: a client that keeps to limits whatever servers do, and the source that a list
// of URLs is.
//
// Whoever writes a list of URLs decides where this program connects to. So the client refuses every address that is not
// of the public internet (loopback, private networks, the metadata of clouds), whichever way a name, a redirect or another
// notation leads there; so does every limit of size and time hold after decoding and after redirects.
//
//	client, err := web.New(web.Default(), 256<<20, "1.0")
//	list, err := web.NewList("urls.txt", client)
//
// The package is not for tables with a column of URLs (source/table), which take the client.
package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// Client fetches pictures. It is safe for concurrent use.
type Client struct {
	cfg       Config
	maxBytes  int64
	userAgent string
	dialer    *dialer
	direct    *http.Transport
	proxied   *http.Transport // nil without a proxy
	proxy     func(*http.Request) (*url.URL, error)
	hosts     *hosts
}

// New makes a client of files up to maxBytes; version is that of the program, for the user agent. Fault: Invalid.
func New(cfg Config, maxBytes int64, version string) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	allow, err := prefixes(cfg.Allow)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, maxBytes: maxBytes, userAgent: cfg.userAgent(version),
		dialer: newDialer(guard{allow, cfg.AllowPrivate}, cfg.Connect),
		hosts:  newHosts(cfg.PerHost, cfg.Total),
	}
	c.direct = newTransport(cfg, c.dialer.DialContext)
	if cfg.Proxy == ProxyEnvironment {
		c.proxied, c.proxy = newTransport(cfg, nil), http.ProxyFromEnvironment // the proxy is the user's, and no picture's, host
		c.proxied.Proxy = c.proxy
	}
	return c, nil
}

// Close lets idle connections go.
func (c *Client) Close() error {
	c.direct.CloseIdleConnections()
	if c.proxied != nil {
		c.proxied.CloseIdleConnections()
	}
	return nil
}

// Get fetches a file whole, with as many tries as are configured. Faults, each naming the host: Invalid (no URL, or the
// answer is no picture), NotFound, Forbidden (the server, or the guard, says no), TooLarge, Unavailable (it may work
// later); the context's error when ctx ends.
func (c *Client) Get(ctx context.Context, address string) ([]byte, error) {
	target, err := parse(address)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		content, at, err := c.try(ctx, target)
		if err == nil {
			return content, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		wait := fault.RetryAfter(err)
		if !fault.IsPassing(err) || try == c.cfg.Retries || wait > c.cfg.MostWait {
			return nil, err
		}
		if wait > 0 {
			c.hosts.hold(at, wait) // others need not ask either
		} else {
			wait = min(backoff(try), c.cfg.MostWait)
		}
		if err := clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// Open is Get, for what reads pictures from a stream.
func (c *Client) Open(ctx context.Context, address string) (io.ReadCloser, error) {
	content, err := c.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// backoff is a random time around half a second, twice that for each try before.
func backoff(try int) time.Duration {
	base := 500 * time.Millisecond << min(try, 16)
	return base/2 + rand.N(base)
}

// try asks once and follows redirects; at is the host that answered last.
func (c *Client) try(ctx context.Context, target *url.URL) (content []byte, at string, err error) {
	user := target.User
	for hops := 0; ; hops++ {
		content, next, err := c.hop(ctx, target, user)
		if err != nil || next == nil {
			return content, target.Hostname(), err
		}
		if hops == c.cfg.Redirects {
			return nil, target.Hostname(), fault.Invalid("%s leads on after %d redirects", target.Hostname(), hops)
		}
		if next.Host != target.Host || next.Scheme != target.Scheme {
			user = nil // what the URL says to one host is not for another
		}
		target = next
	}
}

// hop asks one host. It gives the content, or where the host sends us.
func (c *Client) hop(ctx context.Context, target *url.URL, user *url.Userinfo) ([]byte, *url.URL, error) {
	leave, err := c.hosts.enter(ctx, target.Hostname())
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ends := time.AfterFunc(c.cfg.Whole, func() {
		cancel(fault.Unavailable("%s had not sent the picture after %s", target.Hostname(), c.cfg.Whole))
	})
	defer ends.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, nil, fault.Invalid("the URL cannot be asked for").Because(err)
	}
	request.URL.User = nil
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept", "image/*,*/*;q=0.5")
	if user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	transport, err := c.transport(request)
	if err != nil {
		return nil, nil, err
	}
	response, err := transport.RoundTrip(request) // no http.Client: every hop is ours to look at
	if err != nil {
		return nil, nil, connectionFault(ctx, target.Hostname(), err)
	}
	defer func() { _ = response.Body.Close() }() // nothing was written
	if next, err := redirect(target, response); next != nil || err != nil {
		return nil, next, err
	}
	if err := statusFault(target.Hostname(), response); err != nil {
		return nil, nil, err
	}
	content, err := c.read(ctx, cancel, target.Hostname(), response)
	return content, nil, err
}

// transport chooses the way to the host. A proxy looks names up itself, where the guard cannot follow; addresses it checks.
func (c *Client) transport(request *http.Request) (*http.Transport, error) {
	if c.proxied == nil {
		return c.direct, nil
	}
	proxy, err := c.proxy(request)
	if err != nil {
		return nil, fault.Invalid("the environment names no proxy that can be used: HTTP_PROXY, HTTPS_PROXY or NO_PROXY is wrong").Because(err)
	}
	if proxy == nil {
		return c.direct, nil
	}
	return c.proxied, c.dialer.guard.checkLiteral(request.URL.Hostname())
}

// parse reads a URL into one whose host is as it is looked up.
func parse(address string) (*url.URL, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fault.Invalid("the URL cannot be read; write it as https://host/path, with %%20 for a space").Because(errors.Unwrap(err))
	}
	target.Fragment, target.RawFragment = "", ""
	return target, tidy(target)
}

// tidy checks scheme, host and port of a URL that somebody else made.
func tidy(target *url.URL) error {
	if target.Scheme != "http" && target.Scheme != "https" {
		return fault.Invalid("%q is not a scheme that pictures come by; http and https are", target.Scheme)
	}
	host, err := asciiHost(target.Hostname())
	if err != nil {
		return err
	}
	port := target.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return fault.Invalid("%q is not a port", port)
	}
	if (target.Scheme == "http" && port == "80") || (target.Scheme == "https" && port == "443") {
		port = ""
	}
	target.Host = joinHost(host, port)
	return nil
}
