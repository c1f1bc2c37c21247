package index

import (
	"context"

	"clipseek/orchestrator/fault"
)

// deletePage is how many ids DeleteMatching deletes at a time: 80 KB of ids, and one transaction or request of each index.
const deletePage = 10_000

// DeleteMatching deletes the records that a filter matches, page by page, and counts those that were there. Memory does not
// grow with their number. What is written meanwhile may or may not be seen. After a fault or cancellation any part may be
// gone, which deleted tells; repeating is safe and completes it. tell, if not nil, hears how many are gone after each page.
//
// Faults: those of Iterator and Delete; Invalid for a nil filter, since no filter must never come to mean everything;
// Conflict for an index that cannot be walked.
func DeleteMatching(ctx context.Context, idx Index, filter *Filter, tell func(deleted int64)) (deleted int64, err error) {
	if filter == nil {
		return 0, fault.Invalid("no filter would mean every record; drop the collection for that")
	}
	walker, ok := idx.(Iterator)
	if !ok {
		return 0, fault.Conflict("this collection lives in an index that cannot be walked; delete by id")
	}
	page := make([]int64, 0, deletePage)
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		n, err := idx.Delete(ctx, page)
		deleted += int64(n)
		page = page[:0]
		if err == nil && tell != nil {
			tell(deleted)
		}
		return err
	}
	for r, err := range walker.Iterate(ctx, Walk{Filter: filter}) {
		if err != nil {
			return deleted, err
		}
		if page = append(page, r.ID); len(page) == deletePage {
			if err := flush(); err != nil {
				return deleted, err
			}
		}
	}
	return deleted, flush()
}
