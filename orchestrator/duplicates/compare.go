package duplicates

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/viterin/vek/vek32"
	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/index"
)

// blockRows is how many pictures are compared with the firsts at a time: their sketches, 240 KiB, stay in a core's second
// cache while panels of 8 KiB pass through its first. A multiple of step and lanes.
const blockRows = 960

// Find looks for duplicates in a collection. It works on all processors, and reads the collection once.
//
// Faults: Invalid (the query), TooLarge (more pictures than q.Most), Unavailable (the disk is full), those of reading.
func Find(ctx context.Context, photos index.Index, q Query) (*Report, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	l, err := read(ctx, photos, q)
	if err != nil {
		return nil, err
	}
	defer l.close()
	c, err := newComparison(l, q.Threshold)
	if err != nil {
		return nil, err
	}
	total := len(l.pictures)
	for from := 0; from < total; from += blockRows {
		q.tell(Comparing, int64(from), int64(total))
		if err := c.block(ctx, from, min(from+blockRows, total)); err != nil {
			return nil, err
		}
	}
	return c.report(photos), nil
}

// choice is the first that a picture joins: none where its score is below the threshold.
type choice struct {
	first int32 // rank
	score float32
}

const none = int32(-1)

func (c choice) or(o choice) choice {
	if o.first != none && (c.first == none || o.score > c.score || o.score == c.score && o.first < c.first) {
		return o
	}
	return c
}

// comparison puts one picture after the other, by rank, into its group.
type comparison struct {
	*library
	*sketcher
	threshold float32
	kernel    int

	panels [][]float32      // sketches of the firsts
	firsts []int32          // their ranks, in order
	joined []choice         // of each picture; itself for a first
	byHash map[digest]int32 // the first of a digest, by rank

	// the block under way
	vectors [][]float32
	rows    []float32
	workers []*worker
}

// worker is memory of one processor.
type worker struct {
	found   []uint32
	best    []choice
	first   [lanes][]float32 // vectors of a panel, read when they are asked for
	known   [lanes]bool
	centred []float32
	buf     []byte
}

func newComparison(l *library, threshold float32) (*comparison, error) {
	c := &comparison{library: l, threshold: threshold, joined: make([]choice, len(l.pictures)), byHash: map[digest]int32{}}
	if len(l.pictures) == 0 {
		return c, nil
	}
	sample, err := l.sample()
	if err != nil {
		return nil, err
	}
	c.sketcher = newSketcher(sample, l.width)
	c.rows = make([]float32, blockRows*depth)
	c.vectors = matrix(blockRows, l.width)
	for range runtime.GOMAXPROCS(0) {
		w := &worker{
			found: make([]uint32, blockRows*lanes), best: make([]choice, blockRows),
			centred: make([]float32, l.width), buf: make([]byte, 4*l.width),
		}
		copy(w.first[:], matrix(lanes, l.width))
		c.workers = append(c.workers, w)
	}
	return c, nil
}

func matrix(rows, width int) [][]float32 {
	all := make([]float32, rows*width)
	m := make([][]float32, rows)
	for i := range m {
		m[i] = all[i*width:][:width]
	}
	return m
}

// block puts the pictures of ranks from to to into their groups.
func (c *comparison) block(ctx context.Context, from, to int) error {
	n := to - from
	clear(c.rows)
	err := c.share(ctx, n, step, func(w *worker, i int) error {
		if err := c.vector(c.pictures[from+i].row, c.vectors[i], w.buf); err != nil {
			return err
		}
		c.row(c.rows[i*depth:][:depth], c.vectors[i], w.centred)
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range c.workers {
		for i := range w.best {
			w.best[i] = choice{first: none}
		}
	}
	if err := c.share(ctx, len(c.panels), 8, c.withFirsts); err != nil {
		return err
	}
	within, err := c.within(ctx, n)
	if err != nil {
		return err
	}
	for i := range n {
		best := choice{first: none}
		for _, w := range c.workers {
			best = best.or(w.best[i])
		}
		for _, near := range within[i] {
			if c.joined[from+int(near.first)].first == int32(from)+near.first {
				best = best.or(choice{int32(from) + near.first, near.score})
			}
		}
		if err := c.put(int32(from+i), i, best); err != nil {
			return err
		}
	}
	return nil
}

// share has the workers do f for each of n things, some at a time.
func (c *comparison) share(ctx context.Context, n, some int, f func(w *worker, i int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range c.workers {
		group.Go(func() error {
			for {
				first := int(next.Add(int64(some))) - some
				if first >= n {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for i := first; i < min(first+some, n); i++ {
					if err := f(w, i); err != nil {
						return err
					}
				}
			}
		})
	}
	return group.Wait()
}

// withFirsts compares the block with a panel of firsts.
func (c *comparison) withFirsts(w *worker, panel int) error {
	w.known = [lanes]bool{}
	for _, pair := range pairs(c.kernel, c.rows, c.panels[panel], c.threshold-bounding, w.found) {
		row, lane := pair/lanes, int(pair%lanes)
		first := c.firsts[panel*lanes+lane]
		if !w.known[lane] {
			if err := c.vector(c.pictures[first].row, w.first[lane], w.buf); err != nil {
				return err
			}
			w.known[lane] = true
		}
		if score := vek32.Dot(c.vectors[row], w.first[lane]); c.near(score) {
			w.best[row] = w.best[row].or(choice{first, score})
		}
	}
	return nil
}

// rounding is what sums of float32 may take from the product of a vector of length 1 with itself; with it a threshold of 1
// finds what is equal.
const rounding = 5e-6

func (c *comparison) near(score float32) bool { return score >= c.threshold-rounding }

// within compares the pictures of the block with each other: for each one those before it that are near, by place.
func (c *comparison) within(ctx context.Context, n int) ([][]choice, error) {
	near := make([][]choice, n)
	perPanel := make([][]uint32, (n+lanes-1)/lanes)
	err := c.share(ctx, len(perPanel), 1, func(w *worker, p int) error {
		panel := make([]float32, depth*lanes)
		for i := range min(lanes, n-p*lanes) {
			lane(panel, c.rows[(p*lanes+i)*depth:][:depth], i)
		}
		perPanel[p] = slices.Clone(pairs(c.kernel, c.rows, panel, c.threshold-bounding, w.found))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for p, found := range perPanel {
		for _, pair := range found {
			row, before := int(pair/lanes), p*lanes+int(pair%lanes)
			if before >= row {
				continue
			}
			if score := vek32.Dot(c.vectors[row], c.vectors[before]); c.near(score) {
				near[row] = append(near[row], choice{int32(before), score})
			}
		}
	}
	return near, nil
}

// put gives a picture, the i-th of the block, its group.
func (c *comparison) put(rank int32, i int, best choice) error {
	hash := c.pictures[rank].hash
	if twin, ok := c.byHash[hash]; ok && hash != (digest{}) {
		if first := c.joined[twin].first; best.first != first {
			v := make([]float32, c.width)
			if err := c.vector(c.pictures[first].row, v, make([]byte, 4*c.width)); err != nil {
				return err
			}
			best = choice{first, vek32.Dot(c.vectors[i], v)}
		}
	}
	if best.first == none {
		best = choice{rank, 1}
		c.add(rank, c.rows[i*depth:][:depth])
	}
	c.joined[rank] = best
	if _, ok := c.byHash[hash]; !ok {
		c.byHash[hash] = rank
	}
	return nil
}

// add makes a picture the first of a group.
func (c *comparison) add(rank int32, sketch []float32) {
	at := len(c.firsts) % lanes
	if at == 0 {
		c.panels = append(c.panels, make([]float32, depth*lanes))
	}
	lane(c.panels[len(c.panels)-1], sketch, at)
	c.firsts = append(c.firsts, rank)
}

// report collects the groups.
func (c *comparison) report(photos index.Index) *Report {
	r := &Report{Pictures: int64(len(c.pictures)), photos: photos}
	others := map[int32][]other{}
	for rank, to := range c.joined {
		if int32(rank) != to.first {
			p, first := c.pictures[rank], c.pictures[to.first]
			others[to.first] = append(others[to.first], other{p.id, min(1, to.score), p.hash == first.hash && p.hash != (digest{})})
			r.Extra++
		}
	}
	for _, rank := range c.firsts {
		if list := others[rank]; len(list) > 0 {
			slices.SortStableFunc(list, func(a, b other) int { return cmp.Compare(b.score, a.score) })
			r.groups = append(r.groups, found{c.pictures[rank].id, list})
		}
	}
	slices.SortStableFunc(r.groups, func(a, b found) int { return cmp.Compare(len(b.others), len(a.others)) })
	return r
}
