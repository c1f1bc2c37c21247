package web

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

func joinHost(host, port string) string {
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// checkLiteral checks a host that is an address.
func (g guard) checkLiteral(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.check(host, addr)
	}
	return nil
}

// redirect is where an answer sends us, nil for nowhere. Credentials that a Location carries are not used.
func redirect(from *url.URL, response *http.Response) (*url.URL, error) {
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	next, err := from.Parse(response.Header.Get("Location"))
	if err != nil || response.Header.Get("Location") == "" {
		return nil, fault.Invalid("%s sends us on to no URL", from.Hostname()).Because(err)
	}
	next.User, next.Fragment, next.RawFragment = nil, "", ""
	return next, fault.At(from.Hostname()+" sends us on", tidy(next))
}

// statusFault is what a status other than that of a picture means.
func statusFault(host string, response *http.Response) error {
	status := response.StatusCode
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound("%s does not have it (status %d)", host, status)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		return fault.Forbidden("%s does not give it out (status %d)", host, status)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return fault.Unavailable("%s is busy (status %d); try again later", host, status).After(clock.RetryAfter(response.Header.Get("Retry-After"), time.Now()))
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return fault.Unavailable("%s did not answer this time (status %d); try again later", host, status)
	}
	if status >= http.StatusInternalServerError {
		return fault.Unavailable("%s has a fault of its own (status %d); try again later", host, status)
	}
	return fault.Invalid("%s answers with status %d instead of a picture", host, status)
}

// connectionFault tells why there is no answer, or no end of it.
func connectionFault(ctx context.Context, host string, err error) error {
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Invalid("%s shows a certificate that is not trusted", host).Because(certificate)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fault.Invalid("%s does not speak TLS at this port", host).Because(err)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fault.Unavailable("%s did not answer in time", host).Because(err)
	}
	return fault.Unavailable("the connection to %s broke, or what came over it is not HTTP", host).Because(err)
}

// read reads the content of an answer to its end.
func (c *Client) read(ctx context.Context, cancel context.CancelCauseFunc, host string, response *http.Response) ([]byte, error) {
	tooLarge := func() error {
		return fault.TooLarge("%s sends more than the %d bytes allowed; raise image.max_bytes to take it", host, c.maxBytes)
	}
	if response.ContentLength > c.maxBytes {
		return nil, tooLarge()
	}
	stall := time.AfterFunc(c.cfg.Stall, func() {
		cancel(fault.Unavailable("%s sent nothing for %s in the middle of the picture", host, c.cfg.Stall))
	})
	defer stall.Stop()
	var body io.Reader = &watched{response.Body, stall, c.cfg.Stall}
	switch coding := strings.ToLower(strings.TrimSpace(response.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip": // not asked for, but a file may be stored so
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, bodyFault(ctx, host, err)
		}
		body = unpacked
	default:
		return nil, fault.Invalid("%s sends the picture in the coding %q, which was not asked for", host, coding)
	}
	content := bytes.NewBuffer(make([]byte, 0, min(max(response.ContentLength, 0), 1<<20)+bytes.MinRead)) // a server may promise more than it has
	_, err := content.ReadFrom(io.LimitReader(body, c.maxBytes+1))
	switch {
	case err != nil:
		return nil, bodyFault(ctx, host, err)
	case int64(content.Len()) > c.maxBytes:
		return nil, tooLarge()
	case strings.HasPrefix(http.DetectContentType(content.Bytes()), "text/html"):
		return nil, fault.Invalid("the answer of %s is a web page, not a picture; open the URL in a browser to see what it says", host)
	}
	return content.Bytes(), nil
}

func bodyFault(ctx context.Context, host string, err error) error {
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return fault.Invalid("%s sends a gzip file that is damaged", host).Because(err)
	}
	return connectionFault(ctx, host, err)
}

// watched puts the end off with every byte that comes.
type watched struct {
	from  io.Reader
	stall *time.Timer
	most  time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.stall.Reset(w.most)
	}
	return n, err
}
