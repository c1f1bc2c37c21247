package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"clipseek/orchestrator/fault"
)

// observe gives every request its deadline, turns a panic into that request's failure, and logs.
func (s *Server) observe(c *fiber.Ctx) (err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout) // fasthttp does not tell when a client leaves
	defer cancel()
	c.SetUserContext(ctx)
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal("panic in %s %s: %v", c.Method(), c.Path(), p)
		}
		if err != nil {
			if fault.KindOf(err) == fault.KindInternal && !isFiberError(err) {
				s.deps.Log.Error("request failed", "method", c.Method(), "path", c.Path(), "err", err)
			}
			err = onError(c, err)
		}
		s.deps.Log.Debug("request", "method", c.Method(), "path", c.Path(), "status", c.Response().StatusCode(), "dur", time.Since(start))
	}()
	return c.Next()
}

func isFiberError(err error) bool {
	_, ok := err.(*fiber.Error) //nolint:errorlint // Fiber returns its own unwrapped
	return ok
}

// secure refuses requests that a foreign web page makes a browser send, and sets headers that every answer needs.
//
// A service on the loopback address has no key to protect it from pages that the same person has open: such a page could
// post to it, or read it through a host name that it makes resolve to this machine. So the Host must be one of ours and
// an Origin, which browsers send with every cross-site request, must be that Host.
func (s *Server) secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	if origin := c.Get(fiber.HeaderOrigin); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != string(c.Request().Host()) {
			return writeProblem(c, newProblem(http.StatusForbidden, "requests from pages of another site ("+origin+") are refused"))
		}
	}
	if s.cfg.APIKey == "" && !s.cfg.AllowOpen && !s.ownHost(string(c.Request().Host())) {
		return writeProblem(c, newProblem(http.StatusForbidden, fmt.Sprintf("the host %q is not a name of this service; add it to server.hosts if it is", c.Request().Host())))
	}
	return c.Next()
}

func (s *Server) ownHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return isLoopback(strings.Trim(name, "[]")) || slices.Contains(s.cfg.Hosts, name)
}

// authorize asks for the API key where there is one, except for the page itself, which holds no data.
func (s *Server) authorize(c *fiber.Ctx) error {
	if s.cfg.APIKey == "" || isPage(c.Path()) {
		return c.Next()
	}
	given, _ := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer ")
	// Hashing makes the comparison independent of the length too.
	want, got := sha256.Sum256([]byte(s.cfg.APIKey)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
		return c.Next()
	}
	c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="clipseek"`)
	return writeProblem(c, newProblem(http.StatusUnauthorized, "this service needs an API key: send the header Authorization: Bearer KEY"))
}
