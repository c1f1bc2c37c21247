// Package natsd gives the processes of one data folder a common NATS server, without anybody running one.
//
// The first process to hold the folder's lock runs the server inside itself; the others connect to it over the loopback
// address, with a token that only this user can read. When the process with the server ends, however it ends, another
// takes the lock and goes on with the same files. A connection outlives all of that: it reconnects to whoever has the
// server now.
//
// Every write is on the disk before it is acknowledged (NATS alone would let up to two minutes of them wait).
//
// The package is not for what is sent through NATS (jobs). Dial connects to servers that somebody else runs.
package natsd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/tlsclient"
)

// Pauses of a connection that looks for its server, and how long the first one may take: a server reads its files first.
const (
	lookAgain = 50 * time.Millisecond
	firstLook = 30 * time.Second
)

// Node is this process's part: a connection, and the server while it is this process that runs it.
type Node struct {
	dir  string
	log  *slog.Logger
	conn *nats.Conn

	mu     sync.Mutex
	closed bool
	lock   *flock.Flock // held while server runs
	server *server.Server
	token  string    // of the server that was dialled last
	began  time.Time // of server
}

// Open connects to the folder's server and starts it if no process has it. Close is owed.
// Faults: Invalid where the folder cannot be written, Unavailable where no server can be had.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Node, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Invalid("the folder %s cannot be made; name a data folder that can be written", dir).Because(err)
	}
	n := &Node{dir: dir, log: log}
	deadline := time.Now().Add(firstLook)
	for {
		conn, err := nats.Connect("nats://127.0.0.1:4222", // which the dialer does not look at
			nats.Name("clipseek"), nats.SetCustomDialer(n), nats.TokenHandler(n.currentToken),
			nats.MaxReconnects(-1), nats.ReconnectWait(lookAgain), nats.ReconnectJitter(lookAgain, lookAgain),
			nats.IgnoreAuthErrorAbort(), nats.DisconnectErrHandler(func(*nats.Conn, error) {}), nats.ErrorHandler(n.onError))
		if err == nil {
			n.conn = conn
			return n, nil
		}
		var known *fault.Error
		if errors.As(err, &known) || time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(unavailable(dir, err), n.Close())
		}
		_ = clock.Sleep(ctx, lookAgain) // what has ended is seen after one more try
	}
}

func unavailable(dir string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Unavailable("the queue of jobs in %s does not answer; try again, and look at the log of the process that runs it (%s)", dir, filepath.Join(dir, addressFile)).Because(err)
}

// onError hears what happens beside calls, such as a slow subscription.
func (n *Node) onError(_ *nats.Conn, _ *nats.Subscription, err error) {
	n.log.Debug("queue of jobs", "err", err)
}

// Conn is the connection; it belongs to the node.
func (n *Node) Conn() *nats.Conn { return n.conn }

// Owner reports whether the server runs in this process.
func (n *Node) Owner() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server != nil
}

// Dial gives a connection to the server that there is now, which may be one that it starts. It implements
// nats.CustomDialer.
func (n *Node) Dial(string, string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, net.ErrClosed
	}
	if n.server == nil {
		switch held, err := n.takeLock(); {
		case err != nil:
			return nil, err
		case held:
			if err := n.start(); err != nil {
				n.dropLock()
				return nil, err
			}
		}
	}
	if n.server != nil {
		return n.server.InProcessConn()
	}
	where, err := readAddress(n.dir)
	if err != nil {
		return nil, err
	}
	n.token = where.Token
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // nats.CustomDialer has none
	defer cancel()
	return new(net.Dialer).DialContext(ctx, "tcp", where.Address)
}

func (n *Node) currentToken() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.token
}

// often is how seldom Restart does something.
const often = 10 * time.Second

// Restart ends the server, if it runs in this process, and has it started again: one that has once found the disk full
// takes no more writes until then. Called again soon it does nothing.
func (n *Node) Restart() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil || n.closed || time.Since(n.began) < often {
		return
	}
	n.log.Warn("the queue of jobs is started again", "folder", n.dir)
	n.shutdown() // the connection dials again
}

// shutdown ends the server and waits until its files are closed. The caller holds mu.
func (n *Node) shutdown() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
	n.server = nil
	n.dropLock()
}

// Close lets go of the connection and, where the server runs here, ends it and waits until its files are closed.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	if n.conn != nil {
		n.conn.Close() // a dial under way may hold mu
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil
	}
	err := os.Remove(filepath.Join(n.dir, addressFile)) // while the lock is held
	n.shutdown()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Outer says how to reach servers that somebody else runs.
type Outer struct {
	URL         string // one or more, separated by commas
	Credentials string // file; empty for none
	TLS         tlsclient.Config
}

// Dial connects to outer servers; they need not answer yet. The caller closes the connection. Fault: Invalid.
func Dial(outer Outer, log *slog.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("clipseek"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS", "err", err) }),
	}
	if outer.Credentials != "" {
		if _, err := os.Stat(outer.Credentials); err != nil {
			return nil, fault.Invalid("jobs.nats.credentials = %s cannot be read; name a credentials file", outer.Credentials).Because(err)
		}
		options = append(options, nats.UserCredentials(outer.Credentials))
	}
	tls, err := outer.TLS.Client()
	if err != nil {
		return nil, fault.At("jobs.nats", err)
	}
	if tls != nil {
		options = append(options, nats.Secure(tls))
	}
	conn, err := nats.Connect(outer.URL, options...)
	if err != nil {
		return nil, fault.Invalid("jobs.nats.url = %s cannot be used: %s", outer.URL, err).Because(err)
	}
	return conn, nil
}
