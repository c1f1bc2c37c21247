package local

import (
	"cmp"
	"context"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/viterin/vek/vek32"
	"golang.org/x/sync/errgroup"
)

// stride is how many blocks a worker takes at a time: 1,024 slots, some 100 µs of work at width 768, between two looks
// at the context.
const stride = 16

// candidate is a slot with its score.
type candidate struct {
	score float32
	slot  int
	id    int64
}

// better orders candidates: by score, and by id where scores are equal.
func better(a, b candidate) int {
	if a.score != b.score {
		return cmp.Compare(b.score, a.score)
	}
	return cmp.Compare(a.id, b.id)
}

// scan finds the k best of the live slots in mask, best first. A nil mask has all slots; else bit i of word b is slot i of
// block b. The work is shared by all processors.
func (s *snapshot) scan(ctx context.Context, query []float32, mask []uint64, k int) ([]candidate, error) {
	workers := min(runtime.GOMAXPROCS(0), (len(s.blocks)+stride-1)/stride)
	found := make([]top, workers)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			found[w].limit = k
			for {
				first := int(next.Add(stride)) - stride
				if first >= len(s.blocks) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for n := first; n < min(first+stride, len(s.blocks)); n++ {
					found[w].scan(s.blocks[n], n, query, mask)
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []candidate
	for _, t := range found {
		all = append(all, t.heap...)
	}
	slices.SortFunc(all, better)
	return all[:min(k, len(all))], nil
}

// top keeps the best candidates that it is offered.
type top struct {
	limit int
	heap  []candidate // the worst is first, and each is worse than or equal to the two at twice its place
}

// scan offers the block's slots.
func (t *top) scan(b *block, n int, query []float32, mask []uint64) {
	if b == nil {
		return
	}
	chosen := b.live
	if mask != nil {
		chosen &= mask[n]
	}
	width := len(query)
	for ; chosen != 0; chosen &= chosen - 1 {
		i := bits.TrailingZeros64(chosen)
		score := vek32.Dot(query, b.vectors[i*width:][:width])
		if len(t.heap) == t.limit && score < t.heap[0].score {
			continue
		}
		t.offer(candidate{score, n*blockSlots + i, b.ids[i]})
	}
}

func (t *top) offer(c candidate) {
	if len(t.heap) < t.limit {
		t.heap = append(t.heap, c)
		t.up(len(t.heap) - 1)
		return
	}
	if better(c, t.heap[0]) < 0 {
		t.heap[0] = c
		t.down(0)
	}
}

func (t *top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if better(t.heap[i], t.heap[parent]) <= 0 {
			return
		}
		t.heap[i], t.heap[parent] = t.heap[parent], t.heap[i]
		i = parent
	}
}

func (t *top) down(i int) {
	for {
		worst := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(t.heap) && better(t.heap[child], t.heap[worst]) > 0 {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}
