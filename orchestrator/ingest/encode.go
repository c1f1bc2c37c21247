package ingest

import (
	"context"
	"errors"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// vectorOf gives the vector of a picture with this hash if it has been encoded lately.
func (b *batch) vectorOf(hash string) (encoder.Vector, bool) {
	if b.recent == nil {
		return nil, false
	}
	return b.recent.Get(hash)
}

// join gives e the vector of its twin, or lets it wait for one that is under way; false where there is none.
func (b *batch) join(hash string, e entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if vector, ok := b.vectorOf(hash); ok {
		b.finish(&picture{hash: hash, entries: []entry{e}}, vector, nil)
		return true
	}
	twin, ok := b.twins[hash]
	switch {
	case !ok:
		b.twins[hash] = &picture{hash: hash, entries: []entry{e}}
	case twin.done:
		b.finish(&picture{hash: hash, entries: []entry{e}}, twin.vector, twin.err)
	default:
		twin.entries = append(twin.entries, e)
	}
	return ok
}

// settle ends a picture that join has made.
func (b *batch) settle(hash string, vector encoder.Vector, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish(b.twins[hash], vector, err)
}

// finish hands the vector to the picture's entries, which are then ready to be written, or fails them. The caller holds mu.
func (b *batch) finish(p *picture, vector encoder.Vector, err error) {
	p.done, p.vector, p.err = true, vector, err
	for _, e := range p.entries {
		if err != nil {
			b.result.Failures = append(b.result.Failures, NewFailure(e.item, err))
			continue
		}
		e.record.Vector = vector
		b.done = append(b.done, e)
	}
	p.entries = nil
}

// add puts a prepared picture into the group that is being filled, and sends it on when it is full.
func (b *batch) add(ctx context.Context, hash string, pixels []byte) {
	full := func() *group {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.group == nil {
			b.group = b.newGroup()
		}
		g := b.group
		copy(g.pixels.Image(len(g.pictures)), pixels)
		g.pictures = append(g.pictures, b.twins[hash])
		if len(g.pictures) < b.cfg.Group {
			return nil
		}
		b.group = nil
		return g
	}()
	if full != nil {
		b.send(ctx, full)
	}
}

func (b *batch) newGroup() *group {
	pixels, ok := b.groups.Get().(*imageprep.Batch)
	if !ok {
		fresh := imageprep.NewBatch(b.cfg.Group, b.spec.Size)
		pixels = &fresh
	}
	return &group{pixels: pixels}
}

// send has a group encoded, beside what else goes on. It waits while enough are under way.
func (b *batch) send(ctx context.Context, g *group) {
	b.sent.Go(func() (err error) {
		defer b.groups.Put(g.pixels)
		defer func() {
			if err != nil {
				b.stop()
			}
		}()
		pictures, err := b.recall(ctx, g)
		if err != nil || len(pictures) == 0 {
			return err
		}
		waited := b.time(&b.result.Times.Wait)
		select {
		case b.places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-b.places }()
		waited()
		return b.encode(ctx, g.pixels.Part(0, len(pictures)), pictures)
	})
}

// encode encodes pictures. Where the encoder takes all but some, those are their own failures; where it takes none of
// several, it is the encoder's.
func (b *batch) encode(ctx context.Context, pixels imageprep.Batch, pictures []*picture) error {
	began := time.Now()
	var vectors []encoder.Vector
	err := b.outlast(ctx, func(ctx context.Context) (err error) {
		vectors, err = b.enc.EncodeImages(ctx, pixels)
		return err
	})
	took := time.Since(began)
	b.mu.Lock()
	b.result.Times.Encode += took
	b.mu.Unlock()
	if err == nil {
		b.asking.encoded(len(pictures), took)
		b.encoded(pictures, vectors)
		return nil
	}
	if kind := fault.KindOf(err); ctx.Err() != nil || kind != fault.KindInvalid && kind != fault.KindInternal {
		return err
	}
	refused := make([]error, len(pictures))
	taken := 0
	for i, p := range pictures {
		vectors, one := b.enc.EncodeImages(ctx, pixels.Part(i, i+1))
		if one == nil {
			b.encoded([]*picture{p}, vectors)
			taken++
		}
		refused[i] = one
	}
	if taken == 0 && len(pictures) > 1 {
		return err
	}
	for i, p := range pictures {
		switch one := refused[i]; {
		case one == nil:
		case fault.IsPassing(one) || errors.Is(one, context.Canceled):
			return one
		default:
			b.settle(p.hash, nil, one)
		}
	}
	return nil
}

func (b *batch) encoded(pictures []*picture, vectors []encoder.Vector) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range pictures {
		if b.recent != nil {
			b.recent.Add(p.hash, vectors[i])
		}
		b.finish(p, vectors[i], nil)
	}
}
