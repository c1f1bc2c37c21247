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

// testWithin bounds one test; a large model on a CPU may need a minute.
const testWithin = 5 * time.Minute

// Proof lets an encoder be used only while it is known to be the model that it claims to be. The test (SelfTest) runs
// before the first call, and again after an encoder was Unavailable: a server that was away may come back with another
// model under the same names. So a service can start before its server does, and needs no restart afterwards.
//
// It is safe for concurrent use. One test runs at a time, to its end also when the calls that wait for it give up, so that a
// slow model comes to be proven under callers in a hurry.
type Proof struct {
	test func(context.Context) error
	life context.Context // of tests
	end  context.CancelFunc
	runs sync.WaitGroup

	mu      sync.Mutex
	proven  bool
	running *run      // nil for none
	refusal error     // of the last test, but for its being Unavailable or cancelled
	until   time.Time // the refusal stands
}

// run is one test.
type run struct {
	done chan struct{}
	err  error // once done
}

// NewProof makes a proof by this test, whose maker gives it the unguarded encoder. Close is owed.
func NewProof(test func(context.Context) error) *Proof {
	p := &Proof{test: test}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Ensure waits for the test unless it has been passed, and returns its fault.
func (p *Proof) Ensure(ctx context.Context) error {
	p.mu.Lock()
	if p.refusal != nil && time.Now().Before(p.until) {
		defer p.mu.Unlock()
		return p.refusal
	}
	if p.refusal = nil; p.proven {
		p.mu.Unlock()
		return nil
	}
	if p.life.Err() != nil {
		p.mu.Unlock()
		return fault.Unavailable("the model is closed")
	}
	if p.running == nil {
		p.running = &run{done: make(chan struct{})}
		p.runs.Go(p.try)
	}
	r := p.running
	p.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try runs the test and notes its outcome.
func (p *Proof) try() {
	ctx, cancel := context.WithTimeout(p.life, testWithin)
	defer cancel()
	err := p.test(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = err == nil
	if !fault.IsPassing(err) && fault.KindOf(err) != fault.KindCanceled {
		p.refusal, p.until = err, time.Now().Add(refusalHolds)
	}
	r := p.running
	p.running, r.err = nil, err
	close(r.done)
}

func (p *Proof) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = false
}

// Close ends a test that runs.
func (p *Proof) Close() error {
	p.end()
	p.runs.Wait()
	return nil
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
