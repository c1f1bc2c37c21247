package milvus

import (
	"context"
	"slices"
	"strings"

	"github.com/milvus-io/milvus-sdk-go/v2/client"

	"clipseek/orchestrator/index"
)

// Hashes are dynamic fields, which Milvus 2.3 and 2.4 build no index over, so that every query looks through all records of the
// collection: 0.3 us each, of one of 20,000 with the round trip 6 ms, where a column of hashes would take 2 and 5 with 200,000
// (measured with 16 hashes, 2 cores). A column would have to be there when the collection is made, however, and other programs
// could not write into one that has it.
const (
	hashesAtOnce = 1000 // of 64 digits each, that one query asks for
	rowsPerHash  = 16   // records of a hash, of any model, that an answer has room for on average
)

// Recall finds vectors by hash, in collections of any maker that have dynamic fields. Where a hash has very many records,
// others of the same call may not be found. A partition's view looks through the whole collection. It waits for no write, so
// that a record may be missing for a second; one that this process deleted is not found.
func (c *Collection) Recall(ctx context.Context, model string, hashes []string) (found map[string][]float32, err error) {
	whole := &Collection{handle: c.handle}
	err = whole.do(ctx, func(s *schema) error {
		found = map[string][]float32{}
		if !s.dynamic {
			return nil
		}
		for chunk := range slices.Chunk(digests(hashes), hashesAtOnce) {
			ids, err := whole.havingHashes(ctx, s, model, chunk)
			if err != nil {
				return err
			}
			for some := range slices.Chunk(ids, whole.db.atOnce(s, true)) {
				records, err := whole.recallable(ctx, s, s.idIn(some), len(some), true)
				if err != nil {
					return err
				}
				for _, r := range records { // as it is now, not as it was a moment ago
					if hash := hashOf(r, model); slices.Contains(chunk, hash) {
						found[hash] = r.Vector
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// havingHashes are ids of records of the model, one for each of the hashes that has any.
func (c *Collection) havingHashes(ctx context.Context, s *schema, model string, hashes []string) ([]int64, error) {
	where := metaField + `["` + index.FieldSHA256 + `"] in ["` + strings.Join(hashes, `","`) + `"]`
	records, err := c.recallable(ctx, s, where, min(rowsPerHash*len(hashes), index.MaxWindow), false)
	if err != nil {
		return nil, err
	}
	var ids []int64
	taken := map[string]bool{}
	for _, r := range records {
		if hash := hashOf(r, model); hash != "" && !taken[hash] {
			taken[hash] = true
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// recallable is query with what Recall need see.
func (c *Collection) recallable(ctx context.Context, s *schema, where string, limit int, vectors bool) ([]index.Record, error) {
	guarantee, err := c.db.clock.withoutWaiting(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.db.client.Query(ctx, s.name, nil, where, s.output(vectors), guarantee, client.WithLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	return s.records(found, nil)
}

// hashOf is the record's hash, "" for one whose vector is not known to be of the model.
func hashOf(r index.Record, model string) string {
	if r.Fields[index.FieldModel] != model {
		return ""
	}
	hash, _ := r.Fields[index.FieldSHA256].(string)
	return hash
}

// digests are the hashes that can be any file's, each once. Nothing else gets into an expression.
func digests(hashes []string) []string {
	list := slices.DeleteFunc(slices.Clone(hashes), func(hash string) bool {
		return len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != ""
	})
	slices.Sort(list)
	return slices.Compact(list)
}
