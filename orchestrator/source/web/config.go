package web

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
)

// Config bounds what the client does.
type Config struct {
	PerHost      int           `koanf:"per_host"`   // requests to one host under way at once
	Total        int           `koanf:"total"`      // requests under way at once
	Redirects    int           `koanf:"redirects"`  // followed for one picture
	Connect      time.Duration `koanf:"connect"`    // most for name, connection and TLS each
	FirstByte    time.Duration `koanf:"first_byte"` // most until an answer begins
	Stall        time.Duration `koanf:"stall"`      // most without a byte while an answer is read
	Whole        time.Duration `koanf:"whole"`      // most for one request
	Retries      int           `koanf:"retries"`    // further tries after what may pass: 408, 425, 429, 5xx, a broken connection
	MostWait     time.Duration `koanf:"most_wait"`  // most between two tries; a server that asks for more (Retry-After) gets none
	AllowPrivate bool          `koanf:"allow_private"`
	Allow        []string      `koanf:"allow"` // networks (CIDR) that may be fetched from although the guard refuses them
	Proxy        string        `koanf:"proxy"` // none, or environment
	UserAgent    string        `koanf:"user_agent"`
}

// The values of Config.Proxy.
const (
	ProxyNone        = "none"
	ProxyEnvironment = "environment"
)

// Default is polite to hosts: four requests at once, and waits that they ask for.
func Default() Config {
	return Config{
		PerHost: 4, Total: 32, Redirects: 5,
		Connect: 10 * time.Second, FirstByte: 30 * time.Second, Stall: 20 * time.Second, Whole: 5 * time.Minute,
		Retries: 3, MostWait: time.Minute, Proxy: ProxyNone,
	}
}

// Validate reports every fault.
func (c Config) Validate() error {
	const hour = time.Hour
	_, allowErr := prefixes(c.Allow)
	return errors.Join(
		fault.Between("per_host", c.PerHost, 1, 1024, 4),
		fault.Between("total", c.Total, 1, 10_000, 32),
		fault.Between("redirects", c.Redirects, 0, 20, 5),
		fault.Within("connect", c.Connect, time.Millisecond, hour, "10s"),
		fault.Within("first_byte", c.FirstByte, time.Millisecond, hour, "30s"),
		fault.Within("stall", c.Stall, time.Millisecond, hour, "20s"),
		fault.Within("whole", c.Whole, time.Millisecond, 24*hour, "5m"),
		fault.Between("retries", c.Retries, 0, 100, 3),
		fault.Within("most_wait", c.MostWait, 0, 24*hour, "1m"),
		allowErr, c.checkProxy(), c.checkUserAgent(),
	)
}

func (c Config) checkProxy() error {
	if c.Proxy != ProxyNone && c.Proxy != ProxyEnvironment {
		return fault.Invalid("proxy = %q must be %s or %s", c.Proxy, ProxyNone, ProxyEnvironment)
	}
	return nil
}

func (c Config) checkUserAgent() error {
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fault.Invalid("user_agent = %q must be one line of ASCII, for example %q", c.UserAgent, "clipseek (+https://example.org/contact)")
	}
	return nil
}

// prefixes reads networks; a lone address is a network of one.
func prefixes(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fault.Invalid("allow: %q is not a network; write one as 10.1.0.0/16 or fd00::/8", text).Because(err)
		}
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// userAgent is what servers are told.
func (c Config) userAgent(version string) string {
	if c.UserAgent != "" {
		return c.UserAgent
	}
	return fmt.Sprintf("clipseek/%s", strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, version))
}
