package follow

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// mostGone is how many records are deleted in one go.
const mostGone = 500

// sweep deletes the records of files below dir, the followed folder or one that was in it, that have gone.
func (f *folder) sweep(ctx context.Context, dir string) error {
	for from := int64(0); ; {
		var gone []index.Record
		for record, err := range f.rows(ctx, dir, from) {
			if err != nil {
				return err
			}
			if !isGone(record.Path) {
				continue
			}
			if gone = append(gone, record); len(gone) == mostGone {
				break
			}
		}
		if err := f.drop(ctx, gone); err != nil {
			return err
		}
		if len(gone) < mostGone || gone[mostGone-1].ID == math.MaxInt64 {
			return nil
		}
		from = gone[mostGone-1].ID + 1
	}
}

// dropFiles deletes the records of files that have gone, where there are any.
func (f *folder) dropFiles(ctx context.Context, paths []string) error {
	for some := range slices.Chunk(paths, mostGone) {
		ids := make([]int64, len(some))
		for i, path := range some {
			ids[i] = index.ID(path)
			f.failing.Remove(path)
		}
		records, err := f.photos.Get(ctx, ids)
		if err != nil {
			return err
		}
		records = slices.DeleteFunc(records, func(r index.Record) bool { return !f.owns(r) || !isGone(r.Path) })
		if err := f.drop(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

// drop deletes records of files that have gone, unless the folder itself has gone since they were looked for.
func (f *folder) drop(ctx context.Context, records []index.Record) error {
	if len(records) == 0 {
		return nil
	}
	if err := f.guard(ctx); err != nil {
		return err
	}
	ids := make([]int64, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	if _, err := f.photos.Delete(ctx, ids); err != nil {
		return err
	}
	f.set(func(s *Status) { s.Counts.Removed += int64(len(records)) })
	for _, r := range records {
		f.failing.Remove(r.Path)
		f.tell(Event{What: Removed, Path: r.Path})
	}
	return nil
}

// rows yields the records below dir that are followed files', in the order of ids.
func (f *folder) rows(ctx context.Context, dir string, from int64) iter.Seq2[index.Record, error] {
	return func(yield func(index.Record, error) bool) {
		walker, ok := f.photos.(index.Iterator)
		if !ok {
			yield(index.Record{}, fault.Internal("the index cannot be walked over"))
			return
		}
		filter, err := index.NewFilter(index.Match{Field: index.FieldPath, Place: index.AtStart, Text: source.Below(dir)})
		if err != nil {
			yield(index.Record{}, err)
			return
		}
		for record, err := range walker.Iterate(ctx, index.Walk{Filter: filter, From: from}) {
			if err != nil {
				yield(index.Record{}, err)
				return
			}
			if f.owns(record) && !yield(record, nil) {
				return
			}
		}
	}
}

// owns reports whether a record is that of a file which following would bring in. Those of archives in the folder, of tables
// with keys of their own, and of files that somebody named one by one are others'.
func (f *folder) owns(r index.Record) bool {
	if r.ID != index.ID(r.Path) || !f.source.Lists(r.Path) {
		return false
	}
	from, _ := r.Fields[index.FieldSource].(string)
	return from == "" || !strings.HasPrefix(r.Path, from+source.ArchiveSeparator) // an archive's entry
}
