// Package triton runs a model's towers on NVIDIA Triton servers, over Triton's own gRPC protocol.
//
// The servers need not be there when it opens: each is connected to when it is needed, asked whether its models are what
// the card says (again whenever the connection was lost), and left out while it does not answer. Requests are small and
// several are under way at once, so that the servers' batchers have something to choose from. Pictures go through shared
// memory where a server runs on this machine and allows it.
//
// The package is not for the order of work before it reaches a server (encoder.Lanes), nor for waiting out long outages
// (ingest does). Package tritonpb is the protocol.
package triton

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// Encoder has both towers of one model run by Triton. See encoder.Encoder for what it promises.
//
// Its requests have the priority and the deadline of searches; Bulk has those of ingest.
type Encoder struct {
	*client
	lane lane
}

var _ encoder.Encoder = (*Encoder)(nil)

// client is what the views of one encoder share.
type client struct {
	card   model.Card
	table  *imageprep.Normalizer
	cfg    Config
	roster *roster

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup  // of callers
	tasks  sync.WaitGroup  // what runs on its own: requests, and what keeps the roster
	life   context.Context // of the tasks
	end    context.CancelFunc
	finish func() // Close's work, once
}

// Open prepares an encoder for m. It connects to nothing yet: servers may start later, and come and go.
// Faults: Invalid (the configuration, or files that it names).
func Open(m *model.Model, cfg Config, log *slog.Logger) (*Encoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	dial, err := newDialer(cfg)
	if err != nil {
		return nil, err
	}
	c := &client{card: m.Card, cfg: cfg, table: imageprep.NewNormalizer(m.Card.Image.Mean, m.Card.Image.Std)}
	c.life, c.end = context.WithCancel(context.Background())
	c.finish = sync.OnceFunc(c.shut)
	c.roster = &roster{inFlight: cfg.InFlight, life: c.life, tasks: &c.tasks, changed: make(chan struct{})}
	open := func(host, at string) (*endpoint, error) {
		return newEndpoint(host, at, dial, needs(m.Card, cfg), cfg, log)
	}
	var follow []*followed
	for _, text := range cfg.Endpoints {
		at, err := parseEndpoint(text)
		if err == nil && !at.every {
			var ep *endpoint
			if ep, err = open(at.host, at.String()); err == nil {
				c.roster.add(ep)
			}
		}
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if at.every {
			follow = append(follow, &followed{address: at, open: open, known: map[string]*endpoint{}})
		}
	}
	if len(follow) > 0 {
		c.tasks.Go(func() { c.roster.follow(follow, log) })
	}
	return &Encoder{client: c, lane: search}, nil
}

// Bulk is the same encoder for work that nobody waits for: its requests come after searches in the servers' queues and
// have longer deadlines. Closing either closes both.
func (e *Encoder) Bulk() *Encoder { return &Encoder{client: e.client, lane: bulk} }

// Card describes the model.
func (e *Encoder) Card() model.Card { return e.card }

// EncodeText embeds texts in requests of at most Config.TextBatch. Texts of causal towers are as long as the longest of
// their request, rounded up to a multiple of 8, and others as long as the context, filled up with the card's pad.
func (e *Encoder) EncodeText(ctx context.Context, batch []tokenizer.Tokens) ([]encoder.Vector, error) {
	if err := encoder.CheckText(e.card, batch); err != nil {
		return nil, err
	}
	return e.encode(ctx, sentences(batch))
}

// EncodeImages embeds pictures in requests of at most Config.ImageBatch.
func (e *Encoder) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	if err := encoder.CheckImages(e.card, batch); err != nil {
		return nil, err
	}
	return e.encode(ctx, pictures{batch, e.table})
}

func (e *Encoder) encode(ctx context.Context, all rows) ([]encoder.Vector, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.calls.Done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	vectors := make([]encoder.Vector, all.count())
	return vectors, e.spread(ctx, all, vectors)
}

// enter counts a call in; whoever entered calls calls.Done.
func (c *client) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fault.Unavailable("the model %s is closed", c.card.Name)
	}
	c.calls.Add(1)
	return nil
}

// Close waits for running calls. Requests that nobody waits for any more get a moment, because old servers do not take a
// cancelled request well, and are cut off then.
func (c *client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.finish()
	return nil
}

func (c *client) shut() {
	c.calls.Wait()
	c.end()
	c.tasks.Wait()
	for _, ep := range c.roster.all { // nobody else is left
		ep.close()
	}
}
