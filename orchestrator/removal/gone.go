package removal

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// mostExamples is how many paths a Gone names.
const mostExamples = 10

// Gone is the records of a source whose pictures are not there any more. It holds 8 bytes for each.
type Gone struct {
	Rows     int64    // records of the source that could be judged
	Count    int64    // of these, those that have gone
	Emptied  int64    // of these, those below folders that are empty now, as one is whose disk is not mounted
	Unseen   int64    // further records, whose file cannot be looked for; they stay
	Kept     []string // what was not looked at, and why; its records stay
	Examples []string // paths that have gone, at most 10

	most  *trace // a source of which more than half have gone
	empty string // an example of an empty folder
	all   []*trace
}

// trace is Traces under examination.
type trace struct {
	source.Traces
	from   source.Source
	broken string // why it was not listed to its end
	keys   []int64
	rows   int64
	gone   []int64 // ids
}

// Find looks which records of a source have lost their pictures. It reads each record of the source's once and lists what
// is not local files, so a million records take some seconds and, where they are listed, 8 MB. Nothing is removed. What
// could not be seen wholly is in Kept and counts as being there.
//
// Faults: Conflict for an index that cannot be walked; those of the index; the context's.
func Find(ctx context.Context, photos index.Index, src source.Source) (*Gone, error) {
	walker, ok := photos.(index.Iterator)
	if !ok {
		return nil, fault.Conflict("this collection lives in an index that cannot be walked, so nobody can tell what has gone; delete by id or filter")
	}
	g := &Gone{}
	g.trace(src)
	if err := g.list(ctx); err != nil {
		return nil, err
	}
	look := newLook()
	for i, t := range g.all {
		if err := g.walk(ctx, walker, i, look); err != nil {
			return nil, err
		}
		if broken := t.unseen(); broken != "" {
			g.Kept = append(g.Kept, t.Name+": "+broken)
		}
		g.Rows += t.rows
		g.Count += int64(len(t.gone))
		if 2*int64(len(t.gone)) > t.rows && (g.most == nil || len(t.gone) > len(g.most.gone)) {
			g.most = t
		}
	}
	return g, nil
}

// trace takes the source apart.
func (g *Gone) trace(src source.Source) {
	if several, ok := src.(interface{ Parts() []source.Source }); ok {
		for _, part := range several.Parts() {
			g.trace(part)
		}
		return
	}
	tracer, ok := src.(source.Tracer)
	if !ok {
		g.Kept = append(g.Kept, src.Name()+": a source of this kind cannot tell which of its pictures have gone")
		return
	}
	for _, one := range tracer.Traces() {
		g.all = append(g.all, &trace{Traces: one, from: src})
	}
}

// list reads the keys of what has to be listed. A record of a list belongs to whichever named it last, so that of several
// lists all have to be read before any can have lost one.
func (g *Gone) list(ctx context.Context) error {
	var keys []int64 // of all lists
	broken := ""
	for _, t := range g.all {
		if !t.Lists {
			continue
		}
		if err := t.list(ctx); err != nil {
			return err
		}
		if t.Source == "" {
			slices.Sort(t.keys)
			continue
		}
		keys = append(keys, t.keys...)
		if t.broken != "" && broken == "" {
			broken = t.Name + " cannot be read to its end, and may name them too"
		}
	}
	slices.Sort(keys)
	for _, t := range g.all {
		if t.Lists && t.Source != "" {
			t.keys = keys
			if t.broken == "" {
				t.broken = broken
			}
		}
	}
	return nil
}

func (t *trace) list(ctx context.Context) error {
	for item, err := range t.from.Items(ctx, "") {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && item.Path == "":
			t.broken = fault.Public(err)
			return nil
		case err != nil && !t.names(item): // it may be the one that names a record
			t.broken = fault.Public(fault.At(item.Path, err))
			return nil
		}
		t.keys = append(t.keys, index.ID(item.Key)) // one that cannot be had is there all the same
	}
	return ctx.Err()
}

// names reports whether an item that cannot be had still tells its key: an archive's entry, or a row of which no more than
// the file is wrong.
func (t *trace) names(item source.Item) bool {
	if t.Prefix != "" {
		return strings.HasPrefix(item.Path, t.Prefix)
	}
	return item.Key != item.Path
}

// unseen is why nothing can be said about records, or "".
func (t *trace) unseen() string {
	if t.broken != "" {
		return t.broken
	}
	if t.Root == "" {
		return ""
	}
	if _, err := os.Stat(t.Root); err != nil {
		return fmt.Sprintf("%s is not there any more or cannot be reached", t.Root)
	}
	return ""
}

// filter is what finds the records that may be this one's. nil is none.
func (t *trace) filter() (*index.Filter, error) {
	if !utf8.ValidString(t.Prefix + t.Source) {
		return nil, nil // no record can have it
	}
	if t.Prefix != "" {
		return index.NewFilter(index.Match{Field: index.FieldPath, Place: index.AtStart, Text: t.Prefix})
	}
	return index.NewFilter(index.Compare{Field: index.FieldSource, Op: index.Equal, Value: t.Source})
}

// owns reports whether a record is of the source, and which local file it needs.
func (t *trace) owns(r index.Record) (file string, own bool) {
	from, _ := r.Fields[index.FieldSource].(string)
	if t.Prefix != "" && !strings.HasPrefix(r.Path, t.Prefix) || t.Prefix == "" && from != t.Source {
		return "", false
	}
	if t.File == nil {
		return "", true
	}
	return t.File(r.Path, from)
}

// lost reports whether a record that is its own has lost its picture, where the source was seen wholly.
func (t *trace) lost(r index.Record, file string) (lost, unknown bool) {
	if t.Lists {
		if _, listed := slices.BinarySearch(t.keys, r.ID); !listed {
			return true, false
		}
	}
	if file == "" {
		return false, false
	}
	gone, err := source.Gone(file)
	return gone, err != nil
}

// walk looks at the records of one trace. One that is of an earlier one too has been looked at there.
func (g *Gone) walk(ctx context.Context, photos index.Iterator, number int, look *look) error {
	t := g.all[number]
	filter, err := t.filter()
	if err != nil || filter == nil {
		return err
	}
	before := t.unseen()
	for r, err := range photos.Iterate(ctx, index.Walk{Filter: filter}) {
		if err != nil {
			return err
		}
		file, own := t.owns(r)
		if !own || slices.ContainsFunc(g.all[:number], func(earlier *trace) bool { _, own := earlier.owns(r); return own }) {
			continue
		}
		lost, unknown := t.lost(r, file)
		switch {
		case before != "" || unknown:
			g.Unseen++
		case !lost:
			t.rows++
		default:
			t.rows++
			g.lose(t, r, file, look)
		}
	}
	if before == "" && t.unseen() != "" { // it vanished meanwhile
		g.Unseen += t.rows
		t.rows, t.gone = 0, nil
	}
	return nil
}

func (g *Gone) lose(t *trace, r index.Record, file string, look *look) {
	t.gone = append(t.gone, r.ID)
	if len(g.Examples) < mostExamples {
		g.Examples = append(g.Examples, r.Path)
	}
	if file == "" {
		return
	}
	if folder, empty := look.emptied(file); empty {
		g.Emptied++
		if g.empty == "" {
			g.empty = folder
		}
	}
}

// Doubt is what makes one think that a disk is missing rather than pictures, or "".
func (g *Gone) Doubt() string {
	switch {
	case g.most != nil:
		return fmt.Sprintf("%d of the %d pictures of %s have gone, which is more than half", len(g.most.gone), g.most.rows, g.most.Name)
	case g.Emptied > 0:
		return fmt.Sprintf("%d of them lay below folders that are empty now, such as %s; is a disk not mounted?", g.Emptied, g.empty)
	}
	return ""
}

// Allow refuses a removal of more than limit. 0 is up to half of each source and nothing below emptied folders.
// Fault: Conflict, which says what to do.
func (g *Gone) Allow(limit int64) error {
	switch {
	case g.Count == 0:
		return nil
	case limit > 0 && g.Count > limit:
		return fault.Conflict("%d pictures have gone, more than the limit of %d, and none was removed; look whether all disks are there, else raise the limit (--sync-limit, sync_limit)", g.Count, limit)
	case limit == 0 && g.Doubt() != "":
		return fault.Conflict("%d pictures have gone and none was removed, for doubt: %s; to remove them, set the limit to %d (--sync-limit, sync_limit)", g.Count, g.Doubt(), g.Count)
	}
	return nil
}

// removeAtOnce is how many records are looked at again and removed at a time; with vectors of 768 they take 3 MB.
const removeAtOnce = 1_000

// Remove removes what has gone, each record after one more look, and counts. tell, if not nil, hears how many are gone, now
// and then. After a fault or cancellation any part may be gone; another Find knows the rest.
func (g *Gone) Remove(ctx context.Context, photos index.Index, tell func(removed int64)) (removed int64, err error) {
	for _, t := range g.all {
		for chunk := range slices.Chunk(t.gone, removeAtOnce) {
			if t.unseen() != "" {
				break // it has vanished since
			}
			records, err := photos.Get(ctx, chunk)
			if err != nil {
				return removed, err
			}
			ids := make([]int64, 0, len(records))
			for _, r := range records {
				file, own := t.owns(r)
				if lost, _ := t.lost(r, file); own && lost {
					ids = append(ids, r.ID)
				}
			}
			n, err := photos.Delete(ctx, ids)
			if removed += int64(n); err != nil {
				return removed, err
			}
			if tell != nil {
				tell(removed)
			}
		}
	}
	return removed, nil
}
