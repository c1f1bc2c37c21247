package serverstest

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands in front of a server's address and, when told, makes the network or the server behave badly. It forwards
// at first.
type Proxy struct {
	Address string // host:port to use in place of the server's

	target   string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	mode  mode
	open  map[net.Conn]bool
	moved chan struct{} // closed and replaced when the mode changes
}

type mode uint8

const (
	forwarding mode = iota
	stalled
	garbled
)

// NewProxy starts a proxy that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), target: target, listener: listener, open: map[net.Conn]bool{}, moved: make(chan struct{})}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(forwarding, true)
		p.all.Wait()
	})
	return p
}

// Forward passes everything on again; connections that saw something else are cut.
func (p *Proxy) Forward() { p.set(forwarding, true) }

// Stall takes connections and bytes and passes nothing on, in either direction, as a server does that hangs.
func (p *Proxy) Stall() { p.set(stalled, false) }

// Garble cuts connections and answers new ones with random bytes.
func (p *Proxy) Garble() { p.set(garbled, true) }

func (p *Proxy) set(to mode, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = to
	close(p.moved)
	p.moved = make(chan struct{})
	if !cut {
		return
	}
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *Proxy) state() (mode, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.moved
}

// keep remembers a connection until the returned function closes it.
func (p *Proxy) keep(conn net.Conn) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = true
	return func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, conn)
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.all.Go(func() { p.serve(conn) })
		}
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer p.keep(client)()
	if now, _ := p.state(); now == garbled {
		noise := make([]byte, 4096)
		_, _ = rand.Read(noise) // never fails
		_, _ = client.Write(noise)
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer p.keep(server)()
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client) })
	both.Go(func() { p.pass(client, server) })
	both.Wait()
}

// pass copies from one side to the other while the proxy forwards, and waits while it is stalled.
func (p *Proxy) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }() // one side's end is the other's
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		for now, moved := p.state(); now == stalled; now, moved = p.state() {
			<-moved
		}
		if _, err := to.Write(buffer[:n]); err != nil && !errors.Is(err, io.ErrShortWrite) {
			return
		}
	}
}
