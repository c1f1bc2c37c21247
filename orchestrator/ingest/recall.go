package ingest

import (
	"context"
	"sync"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/index"
)

// recall gives the pictures of a group whose bytes the collection has under another path the vector that it has there, and
// leaves the others at the beginning of the group's pixels. An index that takes long over it is asked now and then, and one
// that fails costs an encoding and nothing else.
func (b *batch) recall(ctx context.Context, g *group) ([]*picture, error) {
	recaller, ok := b.Collection.(index.Recaller)
	if !ok || b.recent == nil || !b.asking.allowed() {
		return g.pictures, nil
	}
	defer b.time(&b.result.Times.Write)()
	hashes := make([]string, len(g.pictures))
	for i, p := range g.pictures {
		hashes[i] = p.hash
	}
	began := time.Now()
	known, err := recaller.Recall(ctx, b.model, hashes)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	b.asking.asked(len(known), time.Since(began))
	if err != nil { // which the index will say again when it is written to
		return g.pictures, nil
	}
	var left []*picture
	for i, p := range g.pictures {
		if vector, ok := known[p.hash]; ok {
			b.encoded([]*picture{p}, []encoder.Vector{vector})
			continue
		}
		if len(left) < i {
			copy(g.pixels.Image(len(left)), g.pixels.Image(i))
		}
		left = append(left, p)
	}
	return left, nil
}

// allowance is the time that may go into asking collections for vectors: as much as the vectors that were found have saved,
// and an eighth of what encoding the others took. So asking never makes an ingest much slower, however long the index takes,
// and goes on wherever it pays. A second is lent to begin with, and no more is saved up.
type allowance struct {
	mu   sync.Mutex
	left time.Duration
	each time.Duration // that encoding a picture takes, lately
}

const lent, share = time.Second, 8

func newAllowance() *allowance { return &allowance{left: lent} }

func (a *allowance) allowed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left > 0
}

// asked notes that a question took so long and found so many vectors.
func (a *allowance) asked(found int, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = min(lent, a.left-took+time.Duration(found)*a.each)
}

// encoded notes that encoding pictures, some at the least, took so long.
func (a *allowance) encoded(pictures int, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := took / time.Duration(pictures)
	if a.each == 0 {
		a.each = now
	}
	a.each = (3*a.each + now) / 4
	a.left = min(lent, a.left+took/share)
}
