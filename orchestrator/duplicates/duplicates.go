// Package duplicates finds pictures that are the same or nearly so, by the vectors of a collection.
//
//	report, err := duplicates.Find(ctx, photos, duplicates.Query{Threshold: duplicates.Threshold, Folder: dir})
//	for group, err := range report.Groups(ctx, 0) { ... group.First stays, group.Others can go ... }
//
// Pictures are ranked by what is worth keeping: most pixels, then most bytes, then the oldest, then the smallest id. In
// this order each one joins the nearest picture before it that is the first of a group and at least as near as the
// threshold, or has the same bytes; where there is none it is the first of a group itself. So every picture of a group is
// near the one that stays, and no chain of small steps joins pictures that differ; no two that stay are near each other.
//
// The search is exact, and compares every picture with every first. It asks for a bound of the cosine before the cosine: of
// each vector its 61 strongest components are kept (those of the collection's own principal axes) and the length of the
// rest, 64 numbers in all, whose product is never below the cosine. The few pairs whose bound reaches the threshold are then
// computed in full. Memory is 400 bytes a picture and some 30 MB; the vectors lie in a temporary file meanwhile.
//
// The package is not for removing anything.
package duplicates

import (
	"context"
	"iter"
	"slices"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Threshold is the least cosine of near-duplicates where nobody says another.
const Threshold = 0.98

// LeastThreshold is the least that may be asked for: pictures that are less alike are not duplicates, and bounds would rule
// out too little.
const LeastThreshold = 0.8

// Query says what to look for.
type Query struct {
	Filter    *index.Filter // only among pictures that match; nil is all
	Threshold float32       // least cosine, LeastThreshold to 1
	Most      int64         // more pictures than this are refused (TooLarge); 0 is no limit
	Folder    string        // where the temporary file lies: 4 bytes a component and picture

	// Progress, if not nil, hears how many pictures have been read and then compared, of how many (0: not known).
	Progress func(stage Stage, done, of int64)
}

// Stage is what Find is at.
type Stage string

// The stages.
const (
	Reading   Stage = "read"
	Comparing Stage = "compared"
)

// Group is a picture that stays and those that it stands for.
type Group struct {
	First  index.Record
	Others []Other // the nearest first
}

// Other is a duplicate of the first of its group.
type Other struct {
	index.Record
	Score float32 // cosine of the vectors
	Same  bool    // the files have the same SHA-256
}

// Validate refuses what cannot be looked for.
func (q Query) Validate() error {
	if !(q.Threshold >= LeastThreshold && q.Threshold <= 1) { // also true of NaN
		return fault.Invalid("a threshold of %v is out of range; it is a cosine of %v to 1, for example %v", q.Threshold, LeastThreshold, Threshold)
	}
	return nil
}

// Report is what Find found. It may be read as long as the collection is open.
type Report struct {
	Pictures int64 // that were looked at
	Extra    int64 // others, of all groups
	photos   index.Index
	groups   []found
}

// found is a group by ids.
type found struct {
	first  int64
	others []other
}

type other struct {
	id    int64
	score float32
	same  bool
}

// Len is the number of groups.
func (r *Report) Len() int { return len(r.groups) }

// atOnce is how many records Groups reads together: some MB.
const atOnce = 500

// Groups reads the groups, those of most pictures first and of equal ones as their firsts rank. limit is the most groups, 0
// for all. A record that has been deleted since is left out, and a group whose first has been is left out whole. An error
// is yielded once and ends it.
func (r *Report) Groups(ctx context.Context, limit int) iter.Seq2[Group, error] {
	groups := r.groups
	return func(yield func(Group, error) bool) {
		for len(groups) > 0 {
			n, ids := 0, []int64(nil)
			for ; n < len(groups) && (n == 0 || len(ids)+len(groups[n].others) < atOnce); n++ {
				ids = append(ids, groups[n].first)
				for _, o := range groups[n].others {
					ids = append(ids, o.id)
				}
			}
			records, err := r.read(ctx, ids)
			if err != nil {
				yield(Group{}, err)
				return
			}
			for _, f := range groups[:n] {
				g := f.group(records)
				if len(g.Others) == 0 {
					continue
				}
				if limit--; !yield(g, nil) || limit == 0 {
					return
				}
			}
			groups = groups[n:]
		}
	}
}

// read gets records, without the vectors.
func (r *Report) read(ctx context.Context, ids []int64) (map[int64]index.Record, error) {
	records := make(map[int64]index.Record, len(ids))
	for chunk := range slices.Chunk(ids, atOnce) {
		part, err := r.photos.Get(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, record := range part {
			record.Vector = nil
			records[record.ID] = record
		}
	}
	return records, nil
}

func (f found) group(records map[int64]index.Record) (g Group) {
	first, ok := records[f.first]
	if !ok {
		return Group{}
	}
	g.First = first
	for _, o := range f.others {
		if record, ok := records[o.id]; ok {
			g.Others = append(g.Others, Other{record, o.score, o.same})
		}
	}
	return g
}
