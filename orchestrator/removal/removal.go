// Package removal takes records out of a collection: those that somebody names, and those whose pictures have gone.
//
//	n, err := removal.Delete(ctx, photos, "", removal.Selection{Source: "/photos/2019"}, nil)
//
//	gone, err := removal.Find(ctx, photos, src)
//	if gone.Allow(0) == nil { n, err = gone.Remove(ctx, photos, nil) }
//
// Find errs towards keeping: a record goes only if its source was read to its end without it, or its file is known not to
// be there. The package is not for dropping collections (index.Database) nor for files, which it never touches.
package removal

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/source"
)

// Selection names records in exactly one of three ways.
type Selection struct {
	IDs    []int64
	Filter string // in the language of index/filter
	// Source is a folder, archive, list, table or pattern by its absolute path, or a URL: records whose path is this or lies
	// below it, and those that have it as their source.
	Source string
}

// idsAtOnce is how many ids are asked for or deleted at a time. A filter's lists hold 20,000.
const idsAtOnce = 10_000

// Validate refuses what does not name records. Fault: Invalid.
func (s Selection) Validate() error {
	if len(s.IDs) > 0 && s.Filter == "" && s.Source == "" {
		return nil
	}
	_, err := s.filter()
	return err
}

// filter is the filter that a filter or source comes to.
func (s Selection) filter() (*index.Filter, error) {
	given := 0
	for _, one := range []bool{len(s.IDs) > 0, strings.TrimSpace(s.Filter) != "", s.Source != ""} {
		if one {
			given++
		}
	}
	switch {
	case given == 0:
		return nil, fault.Invalid("nothing says what to delete: give ids, a filter or a source; an empty filter never means every picture, `clipseek collection drop NAME` removes those")
	case given > 1:
		return nil, fault.Invalid("ids, a filter and a source exclude each other; a filter can say id in [...] and path.startsWith(...) besides")
	case s.Source != "":
		return below(s.Source)
	}
	return filter.Parse(s.Filter)
}

// below is the filter of what comes from a source.
func below(name string) (*index.Filter, error) {
	var starts []string
	switch {
	case strings.Contains(name, "://"):
		if source.IsURL(name) {
			normal, err := source.NormalURL(name)
			if err != nil {
				return nil, err
			}
			name = normal
			starts = append(starts, strings.TrimSuffix(name, "/")+"?")
		}
		starts = append(starts, strings.TrimSuffix(name, "/")+"/")
		if strings.HasSuffix(name, "/") {
			starts = []string{name}
		}
	case filepath.IsAbs(name):
		name = filepath.Clean(name)
		starts = []string{name + source.ArchiveSeparator, source.Below(name)}
	default:
		return nil, fault.Invalid("%q is neither an absolute path nor a URL; give the source as its pictures have it, or a filter", name)
	}
	terms := []index.Expr{
		index.Compare{Field: index.FieldPath, Op: index.Equal, Value: name},
		index.Compare{Field: index.FieldSource, Op: index.Equal, Value: name},
	}
	for _, start := range starts {
		terms = append(terms, index.Match{Field: index.FieldPath, Place: index.AtStart, Text: start})
	}
	return index.NewFilter(index.Or{Terms: terms})
}

// Count is how many records Delete would remove. Faults: Invalid, those of views, those of the index.
func Count(ctx context.Context, photos index.Index, partition string, s Selection) (total int64, err error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	parts, err := views(ctx, photos, partition)
	if err != nil {
		return 0, err
	}
	var filters []*index.Filter
	if len(s.IDs) == 0 {
		one, err := s.filter()
		if err != nil {
			return 0, err
		}
		filters = append(filters, one)
	}
	for chunk := range slices.Chunk(s.distinct(), idsAtOnce) {
		values := make([]any, len(chunk))
		for i, id := range chunk {
			values[i] = id
		}
		one, err := index.NewFilter(index.In{Field: index.FieldID, Values: values})
		if err != nil {
			return 0, err
		}
		filters = append(filters, one)
	}
	for _, part := range parts {
		counter, ok := part.(index.Counter)
		if !ok {
			return 0, fault.Conflict("this collection lives in an index that cannot count; delete without asking first")
		}
		for _, one := range filters {
			n, err := counter.Count(ctx, one)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	return total, nil
}

// Delete removes the selected records of a partition, or of all for "", and counts those that were there. After a fault or
// cancellation any part may be gone, which the count tells; repeating is safe and completes it. tell, if not nil, hears how
// many are gone, now and then. Faults: Invalid, those of views, those of the index.
func Delete(ctx context.Context, photos index.Index, partition string, s Selection, tell func(deleted int64)) (total int64, err error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	if tell == nil {
		tell = func(int64) {}
	}
	parts, err := views(ctx, photos, partition)
	if err != nil {
		return 0, err
	}
	for _, part := range parts {
		var n int64
		if len(s.IDs) > 0 {
			n, err = deleteIDs(ctx, part, s.distinct(), func(n int64) { tell(total + n) })
		} else {
			var one *index.Filter
			if one, err = s.filter(); err == nil {
				n, err = index.DeleteMatching(ctx, part, one, func(n int64) { tell(total + n) })
			}
		}
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func (s Selection) distinct() []int64 {
	ids := slices.Clone(s.IDs)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func deleteIDs(ctx context.Context, photos index.Index, ids []int64, tell func(int64)) (total int64, err error) {
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		n, err := photos.Delete(ctx, chunk)
		if total += int64(n); err != nil {
			return total, err
		}
		tell(total)
	}
	return total, nil
}

// views are the parts of a collection that a deletion goes through. Each partition is one: the same id in two of them is
// two records, of which a filter may match one. Faults: Conflict where partition is named and the index has none; NotFound.
func views(ctx context.Context, photos index.Index, partition string) ([]index.Index, error) {
	parts, divided := photos.(index.Partitioner)
	if partition != "" || !divided {
		part, err := Partition(photos, partition)
		return []index.Index{part}, err
	}
	all, err := parts.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]index.Index, len(all))
	for i, one := range all {
		list[i] = parts.Partition(one.Name)
	}
	return list, nil
}

// Partition is the view of one partition of a collection; "" is all of it. Fault: Conflict where the index has none.
func Partition(photos index.Index, name string) (index.Index, error) {
	if name == "" {
		return photos, nil
	}
	parts, err := search.Partitioner(photos)
	if err != nil {
		return nil, err
	}
	return parts.Partition(name), nil
}
