package web_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/web"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	const none, private, always = "passes", "allow_private lifts it", "only allow lifts it"
	for addr, want := range map[string]string{
		"8.8.8.8": none, "1.1.1.1": none, "172.15.255.255": none, "172.32.0.0": none, "100.63.255.255": none, "100.128.0.0": none,
		"192.167.255.255": none, "11.0.0.0": none, "223.255.255.255": none, "2606:4700::1111": none, "2a00::1": none,
		"0.0.0.0": always, "0.255.1.2": always, "10.0.0.1": private, "10.255.255.255": private,
		"100.64.0.1": private, "100.100.100.200": private, "100.127.255.255": private,
		"127.0.0.1": private, "127.255.0.1": private, "169.254.169.254": always, "168.63.129.16": always,
		"172.16.0.1": private, "172.31.255.255": private, "192.0.0.192": always, "192.0.2.1": always, "192.88.99.1": always,
		"192.168.0.1": private, "198.18.0.1": always, "198.19.255.255": always, "198.51.100.7": always, "203.0.113.9": always,
		"224.0.0.1": always, "239.255.255.255": always, "240.0.0.1": always, "255.255.255.255": always,
		"::": always, "::1": private, "fc00::1": private, "fd00:ec2::254": private, "fe80::1": always, "fe80::1%eth0": always,
		"fec0::1": private, "ff02::1": always, "2001::1": always, "2001:db8::1": always, "3fff::1": always,
		"100::1": always, "5f00::1": always, "4000::1": always, "64:ff9b:1::1": always,
		"::ffff:8.8.8.8": none, "::ffff:127.0.0.1": private, "::ffff:169.254.169.254": always,
		"::8.8.8.8": none, "::127.0.0.1": private, "::10.0.0.1": private, "::ffff:0:127.0.0.1": private,
		"64:ff9b::8.8.8.8": none, "64:ff9b::7f00:1": private, "64:ff9b::a9fe:a9fe": always,
		"2002:808:808::1": none, "2002:7f00:1::1": private, "2002:a9fe:a9fe::": always, "2002:c0a8:1::": private,
		"2606:4700::5efe:127.0.0.1": private, "2606:4700::200:5efe:10.0.0.1": private,
	} {
		got := none
		cfg := web.Default()
		ip := netip.MustParseAddr(addr)
		if err := web.Guard(cfg, ip); err != nil {
			if got = private; fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "web.allow") {
				t.Errorf("%s: %v", addr, err)
			}
			cfg.AllowPrivate = true
			if err := web.Guard(cfg, ip); err != nil {
				got = always
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
		cfg = web.Default()
		cfg.Allow = []string{ip.WithZone("").String()}
		if err := web.Guard(cfg, ip); err != nil {
			t.Errorf("%s is allowed and refused: %v", addr, err)
		}
		cfg.Allow = []string{"9.9.9.0/24"}
		if err := web.Guard(cfg, ip); (err == nil) != (want == none) {
			t.Errorf("%s beside a foreign allowance: %v", addr, err)
		}
	}
}

// TestHostForms asks for this machine in every notation there is.
func TestHostForms(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	client := newClient(t, web.Default())
	for host, kind := range map[string]fault.Kind{
		"127.0.0.1": fault.KindForbidden, "localhost": fault.KindForbidden, "LOCALHOST.": fault.KindForbidden, "127.0.0.1.": fault.KindForbidden,
		"2130706433": fault.KindInvalid, "0x7f000001": fault.KindInvalid, "0x7f.1": fault.KindInvalid, "0177.0.0.1": fault.KindInvalid,
		"127.1": fault.KindInvalid, "0": fault.KindInvalid, "127.0.0.0x1": fault.KindInvalid, "1.2.3.4.5": fault.KindInvalid,
		"[::1]": fault.KindForbidden, "[::ffff:127.0.0.1]": fault.KindForbidden, "[::ffff:7f00:1]": fault.KindForbidden, "[fe80::1%25lo]": fault.KindInvalid,
		"１２７.０.０.１": fault.KindForbidden, "127。0。0。1": fault.KindForbidden, "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ": fault.KindForbidden,
		"example.com@127.0.0.1": fault.KindForbidden, "example.com%40127.0.0.1": fault.KindInvalid, `example.com\@127.0.0.1`: fault.KindInvalid,
		"": fault.KindInvalid, "..": fault.KindInvalid,
	} {
		_, err := client.Get(t.Context(), "http://"+host+":"+port+"/1.jpg")
		if fault.KindOf(err) != kind {
			t.Errorf("%s: %v, want %v", host, err, kind)
		}
	}
	for _, address := range []string{"ftp://8.8.8.8/1.jpg", "file:///etc/passwd", "gopher://x/", "//8.8.8.8/", "1.jpg", "http:8.8.8.8", "http://8.8.8.8:99999/", "http://8.8.8.8:0/"} {
		if _, err := client.Get(t.Context(), address); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestRebinding answers with another address at each question, as a name does that is meant to get past a check.
func TestRebinding(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(picture)
	defer server.Close()
	client := newClient(t, web.Default())
	questions := 0
	answers := [][]netip.Addr{
		{netip.MustParseAddr("8.8.8.8")},
		{netip.MustParseAddr("127.0.0.1")},
	}
	client.Lookup(func(string) ([]netip.Addr, error) {
		questions++
		return answers[min(questions, len(answers))-1], nil
	})
	var asked []string
	client.Dial(func(ctx context.Context, _, address string) (net.Conn, error) {
		asked = append(asked, address)
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	if _, err := client.Get(t.Context(), "http://rebind.example/1.jpg"); err != nil {
		t.Fatal(err)
	}
	if questions != 1 || len(asked) != 1 || asked[0] != "8.8.8.8:80" {
		t.Errorf("%d questions, connections to %q", questions, asked)
	}
	server.CloseClientConnections()
	_ = client.Close()
	_, err := client.Get(t.Context(), "http://rebind.example/2.jpg")
	if fault.KindOf(err) != fault.KindForbidden || len(asked) != 1 {
		t.Errorf("the second answer: %v, connections to %q", err, asked)
	}
	answers = [][]netip.Addr{{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("::ffff:127.0.0.1")}}
	if _, err := client.Get(t.Context(), "http://mixed.example/1.jpg"); err != nil || asked[len(asked)-1] != "9.9.9.9:80" || len(asked) != 2 {
		t.Errorf("of several addresses: %v, connections to %q", err, asked)
	}
}

// TestControl connects to an address that got past the first check.
func TestControl(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(picture)
	defer server.Close()
	conn, err := newClient(t, web.Default()).Control(t.Context(), server.Listener.Addr().String())
	if fault.KindOf(err) != fault.KindForbidden {
		t.Errorf("connected: %v, %v", conn, err)
	}
}

// TestProxy goes through a proxy on an address that the guard would refuse, and still not to addresses that it refuses.
func TestProxy(t *testing.T) {
	t.Parallel()
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		picture(w, r)
	}))
	defer proxy.Close()
	at, _ := url.Parse(proxy.URL)
	client := newClient(t, web.Default())
	client.Through(at)
	if _, err := client.Get(t.Context(), "http://pictures.example/1.jpg"); err != nil || len(asked) != 1 || asked[0] != "http://pictures.example/1.jpg" {
		t.Errorf("through the proxy: %v, %q", err, asked)
	}
	if _, err := client.Get(t.Context(), "http://10.0.0.1/1.jpg"); fault.KindOf(err) != fault.KindForbidden || len(asked) != 1 {
		t.Errorf("a private address: %v, %q", err, asked)
	}
}
