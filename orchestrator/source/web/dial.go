package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/idna"

	"clipseek/orchestrator/fault"
)

// resolver finds the addresses of names; net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// dialer connects to the public internet. It looks names up itself and connects to the very addresses that it checked, so
// that a name which changes its address in between gains nothing.
type dialer struct {
	guard   guard
	lookup  resolver
	connect time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

func newDialer(g guard, connect time.Duration) *dialer {
	d := &net.Dialer{Timeout: connect, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address) // the socket's own view, whatever came before
		if err != nil {
			return fault.Internal("connect to %s", address).Because(err)
		}
		return g.check(to.Addr().String(), to.Addr())
	}}
	return &dialer{guard: g, lookup: net.DefaultResolver, connect: connect, dial: d.DialContext}
}

// DialContext is what http.Transport calls.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.Invalid("%q is not a host and port", address).Because(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.connect, fault.Unavailable("%s did not answer within %s", name, d.connect))
	defer cancel()
	addresses, err := d.addresses(ctx, name)
	if err != nil {
		return nil, err
	}
	var failed error
	for i, addr := range addresses {
		conn, err := d.try(ctx, network, net.JoinHostPort(addr.String(), port), len(addresses)-i)
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return nil, fault.Unavailable("%s takes no connection", name).Because(failed)
}

// try gives one of several addresses its share of the time that is left.
func (d *dialer) try(ctx context.Context, network, address string, left int) (net.Conn, error) {
	deadline, _ := ctx.Deadline() // DialContext has set one
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
	defer cancel()
	return d.dial(ctx, network, address)
}

// mostAddresses of a name are tried.
const mostAddresses = 8

// addresses are those of a name that the guard lets pass; the fault is that of the first if none does.
func (d *dialer) addresses(ctx context.Context, name string) ([]netip.Addr, error) {
	found := []netip.Addr{}
	if addr, err := netip.ParseAddr(name); err == nil {
		found = append(found, addr)
	} else if found, err = d.lookup.LookupNetIP(ctx, "ip", name); err != nil {
		return nil, lookupFault(ctx, name, err)
	}
	var passed []netip.Addr
	var refused error
	for _, addr := range found {
		if err := d.guard.check(name, addr); err == nil {
			passed = append(passed, addr.Unmap())
		} else if refused == nil {
			refused = err
		}
	}
	switch {
	case len(passed) > 0:
		return passed[:min(len(passed), mostAddresses)], nil
	case refused != nil:
		return nil, refused
	}
	return nil, fault.NotFound("the name %s has no address", name)
}

func lookupFault(ctx context.Context, name string, err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fault.NotFound("the name %s is not known; check its spelling", name).Because(err)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fault.Unavailable("the name %s cannot be looked up now", name).Because(err)
}

// asciiHost is a host as it is looked up: names of other scripts in their ASCII form, and addresses of IPv4 in no other
// form than four decimal numbers, since programs disagree on what the others mean. Fault: Invalid.
func asciiHost(name string) (string, error) {
	if strings.ContainsRune(name, ':') { // IPv6; url.Parse has seen to the brackets
		addr, err := netip.ParseAddr(name)
		if err != nil || addr.Zone() != "" {
			return "", fault.Invalid("%q is not an address that pictures can be fetched from", name).Because(err)
		}
		return addr.String(), nil
	}
	ascii := strings.ToLower(name)
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
		var err error
		if ascii, err = idna.Lookup.ToASCII(name); err != nil {
			return "", fault.Invalid("%q is not the name of a host", name).Because(err)
		}
	}
	ascii = strings.TrimSuffix(ascii, ".") // of the root
	if addr, err := netip.ParseAddr(ascii); err == nil {
		return addr.String(), nil
	}
	labels := strings.Split(ascii, ".")
	last := labels[len(labels)-1]
	if last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return "", fault.Invalid("%q is not the name of a host; an address is four decimal numbers, such as 192.0.2.1", name)
	}
	return ascii, nil
}

// newTransport speaks HTTP over connections of the dialer.
func newTransport(cfg Config, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the limit of size is on what is decoded, so we decode
		TLSHandshakeTimeout:    cfg.Connect,
		ResponseHeaderTimeout:  cfg.FirstByte,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConns:           2 * cfg.Total,
		MaxIdleConnsPerHost:    cfg.PerHost,
		IdleConnTimeout:        30 * time.Second,
	}
}
