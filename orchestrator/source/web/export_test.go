package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// Lookup has the client resolve names with f.
func (c *Client) Lookup(f func(host string) ([]netip.Addr, error)) { c.dialer.lookup = lookupFunc(f) }

// Dial has the client connect with f, to addresses that it has checked.
func (c *Client) Dial(f func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.dialer.dial = f
}

// Control is the check of a socket's address that the client's own way to connect makes at the last moment.
func (c *Client) Control(ctx context.Context, address string) (net.Conn, error) {
	return newDialer(c.dialer.guard, c.cfg.Connect).dial(ctx, "tcp", address)
}

// Through has the client use a proxy.
func (c *Client) Through(proxy *url.URL) {
	c.proxied = newTransport(c.cfg, nil)
	c.proxy = http.ProxyURL(proxy)
	c.proxied.Proxy = c.proxy
}

// Guard checks an address as the client does.
func Guard(cfg Config, addr netip.Addr) error {
	allow, err := prefixes(cfg.Allow)
	if err != nil {
		return err
	}
	return guard{allow, cfg.AllowPrivate}.check("it", addr)
}

// Hosts is how many hosts the client remembers.
func (c *Client) Hosts() int { return len(c.hosts.byName) }

type lookupFunc func(host string) ([]netip.Addr, error)

func (f lookupFunc) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return f(host)
}
