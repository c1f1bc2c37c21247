package web

import (
	"net/netip"

	"clipseek/orchestrator/fault"
)

// guard tells which addresses pictures may be fetched from: those of the public internet, and those that the
// configuration allows. A list that somebody else wrote must not make this program read the network it stands in.
type guard struct {
	allow   []netip.Prefix
	private bool
}

// special is a network that is not the public internet.
type special struct {
	network netip.Prefix
	what    string
	private bool // networks of the user's own, which allow_private allows together
}

// The registries of special-purpose addresses: IANA's for IPv4 and IPv6 (RFC 6890 and its updates), and what clouds give
// their machines beside them. Of IPv6 only 2000::/3 is handed out to the public (RFC 4291).
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this machine itself", false},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address", true},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address shared by a provider's customers", true},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address", true},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's address for its own machines", false},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address, where clouds keep the secrets of their machines", false},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address", true},
	{netip.MustParsePrefix("192.0.0.0/24"), "an address reserved for protocols", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documentation", false},
	{netip.MustParsePrefix("192.88.99.0/24"), "an address of 6to4 relays", false},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address", true},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks", false},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documentation", false},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documentation", false},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address", false},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved or broadcast address", false},
	{netip.MustParsePrefix("::/128"), "an address of this machine itself", false},
	{netip.MustParsePrefix("::1/128"), "a loopback address", true},
	{netip.MustParsePrefix("2001::/23"), "an address reserved for protocols", false}, // Teredo among them
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation", false},
	{netip.MustParsePrefix("3fff::/20"), "an address for documentation", false},
	{netip.MustParsePrefix("fc00::/7"), "a private address", true},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address", false},
	{netip.MustParsePrefix("fec0::/10"), "a private address", true},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address", false},
}

var public6 = netip.MustParsePrefix("2000::/3")

// check refuses an address; host is what it was found for. Fault: Forbidden.
func (g guard) check(host string, addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	for _, network := range g.allow {
		if network.Contains(addr) {
			return nil
		}
	}
	if inner, ok := embedded(addr); ok {
		return g.check(host, inner)
	}
	what, private := "", false
	for _, s := range specials {
		if s.network.Contains(addr) {
			what, private = s.what, s.private
			break
		}
	}
	switch {
	case what == "" && addr.Is6() && !public6.Contains(addr):
		what = "an address that the public internet does not have"
	case what == "" || private && g.private:
		return nil
	}
	network := netip.PrefixFrom(addr, addr.BitLen())
	if private {
		return fault.Forbidden("%s is %s, %s; pictures are not fetched from there unless web.allow has %s or web.allow_private is true", host, addr, what, network)
	}
	return fault.Forbidden("%s is %s, %s; pictures are not fetched from there unless web.allow has %s", host, addr, what, network)
}

// The forms of IPv6 that carry an address of IPv4, which is what they reach.
var (
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, of old
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765: ::ffff:0:a.b.c.d
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056
)

func embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() || addr == netip.IPv6Unspecified() || addr.IsLoopback() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	isatap := b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe // RFC 5214
	switch {
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case compatible.Contains(addr), translated.Contains(addr), nat64.Contains(addr), isatap && public6.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return netip.Addr{}, false
}
