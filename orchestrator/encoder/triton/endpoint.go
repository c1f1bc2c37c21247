package triton

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clipseek/orchestrator/fault"

	pb "clipseek/orchestrator/encoder/triton/tritonpb"
)

// probeTimeout bounds questions that a server answers without work.
const probeTimeout = 3 * time.Second

// endpoint is one server.
type endpoint struct {
	witness
	name   string // host:port, for people
	conn   *grpc.ClientConn
	api    pb.GRPCInferenceServiceClient
	needs  []need // by side
	cfg    Config
	log    *slog.Logger
	shared *regions // nil where pictures go through the connection

	turn chan struct{} // whoever puts a token in asks the server about its models

	mu     sync.Mutex
	towers [sides]*tower // as last learned

	// Kept by the roster, under its lock.
	busy [lanes]int // requests under way
	out  bool       // it failed and is being asked until it fits again
	gone bool       // its name has another address now
}

// newEndpoint prepares the use of the server at host:port, which calls itself host where it speaks TLS.
func newEndpoint(host, at string, d dialer, needs []need, cfg Config, log *slog.Logger) (*endpoint, error) {
	ep := &endpoint{name: at, needs: needs, cfg: cfg, log: log.With("triton", at), turn: make(chan struct{}, 1)}
	if cfg.SharedMemory == sharedOn || cfg.SharedMemory == sharedAuto && local(host) {
		ep.shared = &regions{size: cfg.ImageBatch * length(needs[images].shape[1:], fp32), must: cfg.SharedMemory == sharedOn}
	}
	conn, err := d.dial(at, host, &ep.witness)
	if err != nil {
		return nil, fault.Invalid("endpoints has %q, which cannot be dialled", at).Because(err)
	}
	ep.conn, ep.api = conn, pb.NewGRPCInferenceServiceClient(conn)
	return ep, nil
}

// where names the server for messages.
func (ep *endpoint) where() string { return "triton " + ep.name }

// refused translates the error of a call that had this context. The server keeps the caller's deadline too and may be the
// first to say that it has passed.
func (ep *endpoint) refused(ctx context.Context, err error) error {
	if until, ok := ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded && time.Until(until) < probeTimeout/10 {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ep.translate(ep.where(), err)
}

// tower is the server's model, compared with the card since the connection was last made: a server that comes back may
// hold another one. One caller asks at a time; the others wait for it.
func (ep *endpoint) tower(ctx context.Context, s side) (*tower, error) {
	if t := ep.known(s); t != nil {
		return t, nil
	}
	select {
	case ep.turn <- struct{}{}:
		defer func() { <-ep.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t := ep.known(s); t != nil {
		return t, nil
	}
	t, err := ep.learn(ctx, ep.needs[s])
	if err != nil {
		return nil, err
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.towers[s] = t
	return t, nil
}

func (ep *endpoint) known(s side) *tower {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if t := ep.towers[s]; t != nil && t.epoch == ep.epoch.Load() {
		return t
	}
	return nil
}

// forget has the next callers ask again.
func (ep *endpoint) forget() {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.towers = [sides]*tower{}
}

// learn asks the server about one model and compares it with the card.
func (ep *endpoint) learn(ctx context.Context, n need) (*tower, error) {
	if err := ep.modelReady(ctx, n, ep.cfg.Load); err != nil {
		return nil, err
	}
	epoch := ep.epoch.Load() // that call has made the connection
	ask, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	meta, err := ep.api.ModelMetadata(ask, &pb.ModelMetadataRequest{Name: n.model, Version: n.version})
	if err != nil {
		return nil, ep.refused(ctx, err)
	}
	config, err := ep.api.ModelConfig(ask, &pb.ModelConfigRequest{Name: n.model, Version: n.version})
	if err != nil {
		return nil, ep.refused(ctx, err)
	}
	t, err := n.fit(ep.where(), meta, config.Config)
	if err != nil {
		return nil, err
	}
	t.epoch = epoch // where the connection was lost meanwhile, known will not take it
	t.queue[search], t.queue[bulk] = queueOf(config.Config, ep.cfg.Priority), queueOf(config.Config, ep.cfg.BulkPriority)
	ep.log.Debug("triton's model fits the card", "model", n.model, "input", t.inType, "output", t.outType, "rows", t.rows)
	return t, nil
}

// modelReady asks whether a model answers requests and has it loaded where it does not and that is wanted.
func (ep *endpoint) modelReady(ctx context.Context, n need, load bool) error {
	ask, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	answer, err := ep.api.ModelReady(ask, &pb.ModelReadyRequest{Name: n.model, Version: n.version})
	switch {
	case err != nil:
		return ep.refused(ctx, err)
	case answer.Ready:
		return nil
	case load:
		return ep.load(ctx, n)
	}
	return fault.Unavailable("the model %s is not ready on %s; see that its repository holds it and that it is loaded", n.model, ep.where()).After(serverStarts)
}

// close ends the connection, which nothing uses any more.
func (ep *endpoint) close() {
	ep.shared.close(ep)
	_ = ep.conn.Close() // it only says that it was closed before
}
