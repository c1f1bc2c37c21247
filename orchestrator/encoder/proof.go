package encoder

import (
	"context"
	"sync"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// refusalHolds is how long a failed test stands before the next call tests again: a server that holds another model is
// not asked for its reference values by every search.
const refusalHolds = 5 * time.Second

// Proof lets an encoder be used only while it is known to be the model that it claims to be. The test (SelfTest) runs
// before the first call, and again after an encoder was Unavailable: a server that was away may come back with another
// model under the same names. So a service can start before its server does, and needs no restart afterwards.
//
// It is safe for concurrent use; one test runs at a time, and the calls that need it wait for it.
type Proof struct {
	test func(context.Context) error
	turn chan struct{} // holds one token; whoever has it tests

	mu      sync.Mutex
	proven  bool
	refusal error // of the last test, but for its being Unavailable or cancelled
	until   time.Time
}

// NewProof makes a proof by this test, which is given the unguarded encoder by its maker.
func NewProof(test func(context.Context) error) *Proof {
	return &Proof{test: test, turn: make(chan struct{}, 1)}
}

// Ensure runs the test unless it has been passed. It returns the test's fault.
func (p *Proof) Ensure(ctx context.Context) error {
	if known, err := p.known(); known {
		return err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if known, err := p.known(); known { // somebody else has tested meanwhile
		return err
	}
	err := p.test(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = err == nil
	if kind := fault.KindOf(err); err != nil && kind != fault.KindUnavailable && kind != fault.KindOverloaded && kind != fault.KindCanceled {
		p.refusal, p.until = err, time.Now().Add(refusalHolds)
	}
	return err
}

func (p *Proof) known() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusal != nil && time.Now().Before(p.until) {
		return true, p.refusal
	}
	p.refusal = nil
	return p.proven, nil
}

func (p *Proof) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = false
}

// Guard is enc behind the proof. Its Close closes enc.
func (p *Proof) Guard(enc Encoder) Encoder { return guarded{enc, p} }

type guarded struct {
	inner Encoder
	proof *Proof
}

func (g guarded) Card() model.Card { return g.inner.Card() }

func (g guarded) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]Vector, error) {
	return g.call(ctx, func() ([]Vector, error) { return g.inner.EncodeText(ctx, texts) })
}

func (g guarded) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]Vector, error) {
	return g.call(ctx, func() ([]Vector, error) { return g.inner.EncodeImages(ctx, batch) })
}

func (g guarded) call(ctx context.Context, encode func() ([]Vector, error)) ([]Vector, error) {
	if err := g.proof.Ensure(ctx); err != nil {
		return nil, err
	}
	vectors, err := encode()
	// A caller whose own time is up says nothing about the server.
	if err != nil && ctx.Err() == nil && fault.KindOf(err) == fault.KindUnavailable {
		g.proof.doubt()
	}
	return vectors, err
}

func (g guarded) Close() error { return g.inner.Close() }
