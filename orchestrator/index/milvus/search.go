package milvus

import (
	"context"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Search returns the nearest records, complete, normally in one round trip.
//
// Milvus gives equal scores in no order, and cuts through them where the limit falls. So one hit more than wanted is
// asked for: if it scores less than the last that is wanted, the cut is clean. Otherwise the window is widened, up to
// Milvus' own limit of 16,384; only among more equal scores than that is the order of the last ones Milvus'.
//
// A filter that Milvus cannot evaluate to the end (see translation) is finished on hits of a wider window. Where the
// widest does not hold enough matches, their ids are listed first and searched: that reads every record that the server
// cannot judge, without vectors, some 25,000 a second (tried on two cores).
//
// An index that looks into some of its lists only (IVF, SCANN with nprobe below nlist) finds less than is asked for where
// a filter leaves little; it is then made to look into all.
func (c *Collection) Search(ctx context.Context, q index.Query) (hits []index.Hit, err error) {
	err = c.do(ctx, func(s *schema) error {
		if err := q.Validate(s.width); err != nil {
			return err
		}
		want := q.Offset + q.Limit
		t := s.translate(q.Filter)
		n := nearest{c: c, s: s, vector: q.Vector}
		found, settled, err := n.best(ctx, t.upper, want, n.check(q.Filter, t))
		if err == nil && !settled {
			found, err = n.listed(ctx, t.upper, want, q.Filter)
		}
		if err != nil {
			return err
		}
		hits = slices.Clone(found[min(q.Offset, len(found)):min(want, len(found))])
		return nil
	})
	return hits, err
}

// nearest searches for records near to one vector.
type nearest struct {
	c      *Collection
	s      *schema
	vector []float32
}

// check is how hits of t.upper are told from hits of the filter; nil if all are.
func (n nearest) check(filter *index.Filter, t translation) *index.Filter {
	if t.isExact() {
		return nil
	}
	return filter
}

// widening is the factor between one window and the next.
const widening = 8

// best are the hits, best first, of those that a condition holds for and check, if it is not nil, matches. It is settled
// unless check leaves too few of the widest window.
func (n nearest) best(ctx context.Context, where string, want int, check *index.Filter) (hits []index.Hit, settled bool, err error) {
	if where == never {
		return nil, true, nil
	}
	window := want + 1
	if check != nil {
		window = 4 * window
	}
	for ; ; window *= widening {
		window = min(window, index.MaxWindow)
		found, err := n.search(ctx, where, window)
		if err != nil {
			return nil, false, err
		}
		if len(found) < window { // there are no more
			return matching(found, check), true, nil
		}
		last := found[window-1].Score // which more may have
		kept := matching(found, check)
		if len(kept) >= want && (kept[want-1].Score > last || window == index.MaxWindow) {
			return kept, true, nil
		}
		if window == index.MaxWindow {
			return kept, check == nil, nil
		}
	}
}

// matching keeps the hits that the filter matches, in place.
func matching(hits []index.Hit, filter *index.Filter) []index.Hit {
	if filter == nil {
		return hits
	}
	return slices.DeleteFunc(hits, func(h index.Hit) bool {
		return !filter.Matches(index.Record{ID: h.ID, Path: h.Path, Fields: h.Fields})
	})
}

// listed finds the ids of all that the filter matches among those that a condition holds for, and searches them list by
// list.
func (n nearest) listed(ctx context.Context, where string, want int, filter *index.Filter) ([]index.Hit, error) {
	var ids []int64
	err := n.c.each(ctx, n.s, where, func(r index.Record) {
		if filter.Matches(r) {
			ids = append(ids, r.ID)
		}
	})
	if err != nil {
		return nil, err
	}
	var hits []index.Hit
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		found, _, err := n.best(ctx, n.s.idIn(chunk), want, nil)
		if err != nil {
			return nil, err
		}
		hits = append(hits, matching(found, filter)...) // a record may have been replaced meanwhile
		slices.SortFunc(hits, byScore)
		hits = hits[:min(want, len(hits))]
	}
	return hits, nil
}

func byScore(a, b index.Hit) int {
	switch {
	case a.Score > b.Score, a.Score == b.Score && a.ID < b.ID:
		return -1
	case a.Score == b.Score && a.ID == b.ID:
		return 0
	}
	return 1
}

// search asks for the nearest, so many, and looks into the whole structure where a part does not hold as many.
func (n nearest) search(ctx context.Context, where string, window int) ([]index.Hit, error) {
	hits, err := n.ask(ctx, where, window, n.s.tuning)
	if err == nil && len(hits) < window && n.s.tuning.isPartial() {
		return n.ask(ctx, where, window, n.s.tuning.whole())
	}
	return hits, err
}

// ask is one request.
func (n nearest) ask(ctx context.Context, where string, window int, tuning tuning) ([]index.Hit, error) {
	s, db := n.s, n.c.db
	if !s.index.exists() {
		return nil, fault.Unavailable("collection %q has no index to search through; wait until it is built, or have it built", s.name).After(10 * awhile)
	}
	guarantee, err := db.clock.guarantee(ctx)
	if err != nil {
		return nil, err
	}
	if where == always {
		where = ""
	}
	answers, err := db.client.Search(ctx, s.name, n.c.parts(), where, s.output(false), []entity.Vector{entity.FloatVector(n.vector)},
		s.vector, s.index.metric, window, tuning.forHits(window), guarantee)
	if err != nil || len(answers) == 0 || answers[0].ResultCount == 0 { // an empty answer has an Err as well
		return nil, err
	}
	answer := answers[0]
	if answer.Err != nil {
		return nil, s.garbled("hits").Because(answer.Err)
	}
	records, err := s.records(answer.Fields, answer.IDs)
	if err != nil {
		return nil, err
	}
	if len(answer.Scores) != len(records) {
		return nil, s.garbled("scores")
	}
	hits := make([]index.Hit, len(records))
	for i, r := range records {
		hits[i] = index.Hit{ID: r.ID, Path: r.Path, Fields: r.Fields, Score: s.index.score(answer.Scores[i])}
	}
	slices.SortFunc(hits, byScore)
	return hits, nil
}

// score is the inner product of two unit vectors, from what the metric makes of them.
func (b builtIndex) score(value float32) float32 {
	if b.metric == distance { // squared: |a-b|^2 = 2 - 2ab
		return 1 - value/2
	}
	return value
}
