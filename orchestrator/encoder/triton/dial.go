package triton

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
)

// A server that comes back is found within a second: connecting costs it nothing.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// Triton closes connections that ping more than once in five minutes without data, and all that ping without calls
// (grpc_http2_min_recv_ping_interval_without_data, permit_without_calls). The timeout is also the kernel's for data that
// nobody acknowledges, so a host that went away without a word is noticed.
var alive = keepalive.ClientParameters{Time: 5*time.Minute + 10*time.Second, Timeout: 20 * time.Second}

// writeBuffer is what gRPC gathers before it writes to the connection; pictures are megabytes.
const writeBuffer = 256 << 10

// dialer makes connections, all in one way.
type dialer struct {
	tls     *tls.Config // nil is plain text
	headers []string
}

func newDialer(cfg Config) (dialer, error) {
	headers, err := parseHeaders(cfg.Headers)
	if err != nil {
		return dialer{}, err
	}
	config, err := cfg.TLS.Client()
	return dialer{tls: config, headers: headers}, err
}

// dial prepares a connection to target, which is made by the first call. serverName is who should answer there.
func (d dialer) dial(target, serverName string, w *witness) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if d.tls != nil {
		config := d.tls.Clone()
		if config.ServerName == "" {
			config.ServerName = serverName
		}
		config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			w.asked.Store(true)
			return d.tls.GetClientCertificate(request)
		}
		transport = watched{credentials.NewTLS(config), w}
	}
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(reconnect),
		grpc.WithKeepaliveParams(alive),
		grpc.WithWriteBufferSize(writeBuffer),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)), // as much as Triton sends at most
		grpc.WithDisableServiceConfig(),                                     // nobody asks DNS for how to call
		grpc.WithStatsHandler(w),
		grpc.WithUnaryInterceptor(d.addHeaders),
	)
}

func (d dialer) addHeaders(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(metadata.AppendToOutgoingContext(ctx, d.headers...), method, req, reply, cc, opts...)
}

// witness sees the connections of one endpoint come and go. gRPC makes them again by itself and tells calls only in words
// why one could not be made.
type witness struct {
	epoch   atomic.Uint64         // connections made so far
	trouble atomic.Pointer[error] // why TLS ended the last one; nil where it did not
	asked   atomic.Bool           // the server wanted our certificate
}

// note keeps why a connection ended before the server's first words, where that tells anything.
func (w *witness) note(err error) {
	if distrust("", err) == nil && w.asked.Load() {
		err = errHungUp
	}
	if distrust("", err) != nil {
		w.trouble.Store(&err)
	}
}

// HandleConn counts connections. A connection begins here before any call can use it.
func (w *witness) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, begins := s.(*stats.ConnBegin); begins {
		w.epoch.Add(1)
	}
}

// TagConn is of no use here.
func (*witness) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC is of no use here.
func (*witness) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC is of no use here.
func (*witness) HandleRPC(context.Context, stats.RPCStats) {}

// watched is TLS whose errors the witness keeps in their own types.
type watched struct {
	credentials.TransportCredentials
	witness *witness
}

func (c watched) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		c.witness.note(err)
		return nil, nil, err
	}
	return &watchedConn{Conn: conn, witness: c.witness}, info, nil
}

func (c watched) Clone() credentials.TransportCredentials {
	return watched{c.TransportCredentials.Clone(), c.witness}
}

// errHungUp is all that a Triton says to a certificate it does not like: the handshake is over for us by then, and it sends
// no alert.
var errHungUp = errors.New("the server asked for our certificate and ended the connection without a word")

// watchedConn waits for the server's first words.
type watchedConn struct {
	net.Conn
	witness *witness
	heard   bool // only the connection's one reader looks
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.heard {
		return n, err
	}
	if err != nil {
		c.witness.note(err)
	} else {
		c.heard = true
		c.witness.trouble.Store(nil)
	}
	return n, err
}
