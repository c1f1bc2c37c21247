package milvus

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// defaultPartition is where Milvus keeps what was written without a partition.
const defaultPartition = "_default"

// Partitions lists the partitions with their counts.
func (c *Collection) Partitions(ctx context.Context) (list []index.Partition, err error) {
	err = c.do(ctx, func(s *schema) error {
		found, err := c.db.client.ShowPartitions(ctx, s.name)
		if err != nil {
			return err
		}
		list = make([]index.Partition, len(found))
		for i, p := range found {
			list[i].Name = p.Name
			if list[i].Count, err = c.db.countPartition(ctx, s, p.Name); err != nil {
				return err
			}
		}
		slices.SortFunc(list, func(a, b index.Partition) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return list, err
}

// countPartition counts; where the partition is not loaded it gives Milvus' estimate.
func (d *Database) countPartition(ctx context.Context, s *schema, name string) (int64, error) {
	n, err := d.countWhere(ctx, s, []string{name}, "")
	if !isNotLoaded(err) {
		return n, err
	}
	stats, err := d.client.Service.GetPartitionStatistics(ctx, &milvuspb.GetPartitionStatisticsRequest{CollectionName: s.name, PartitionName: name})
	return rowCount(stats.GetStats()), err
}

// CreatePartition makes a partition, which a collection in memory takes into it.
func (c *Collection) CreatePartition(ctx context.Context, name string) error {
	if err := checkPartition(name); err != nil {
		return err
	}
	return c.do(ctx, func(s *schema) error {
		there, err := c.db.client.HasPartition(ctx, s.name, name)
		if err != nil || there {
			return err
		}
		err = c.db.client.CreatePartition(ctx, s.name, name)
		if refusedWith(err, codeUnexpected) { // the name is good, so that it is the number
			return fault.TooLarge("collection %q takes no further partition: %s", s.name, reasonOf(err)).Because(err)
		}
		return err
	})
}

// checkPartition refuses what Milvus takes for no name; its rule is that of collections.
func checkPartition(name string) error {
	if index.CheckCollection(name) == nil {
		return nil
	}
	return fault.Invalid("%.60q cannot name a partition; use letters, digits and _, not a digit first, at most 255", name)
}

// DropPartition removes a partition and its records.
func (c *Collection) DropPartition(ctx context.Context, name string) error {
	if err := checkPartition(name); err != nil {
		return err
	}
	if name == defaultPartition {
		return fault.Conflict("partition %q is where records without a partition go, and stays; delete its records, or drop the collection", name)
	}
	return c.do(ctx, func(s *schema) error {
		there, err := c.db.client.HasPartition(ctx, s.name, name)
		switch {
		case err != nil:
			return err
		case !there: // dropping what is not there is no error to Milvus
			return fault.NotFound("collection %q has no partition %q", s.name, name)
		}
		if err := c.db.client.ReleasePartitions(ctx, s.name, []string{name}); err != nil && !isNotLoaded(err) {
			return err
		}
		return c.db.client.DropPartition(ctx, s.name, name)
	})
}

// Partition is a view of one partition. The same id in two partitions is two records, of which a search of the whole
// collection shows one.
func (c *Collection) Partition(name string) index.Index {
	return &Collection{handle: c.handle, part: name}
}

// homes are the rows by the partition that they belong to: the view's; for the whole collection every one that has a record
// of the same id, else the default one, "". Milvus itself replaces within one partition only.
func (c *Collection) homes(ctx context.Context, s *schema, rows []row) (map[string][]row, error) {
	if c.part != "" {
		return map[string][]row{c.part: rows}, nil
	}
	all, err := c.db.client.ShowPartitions(ctx, s.name)
	if err != nil && fault.KindOf(err) != fault.KindForbidden { // who may not list them writes to the default one
		return nil, err
	}
	var named []string
	for _, p := range all {
		if p.Name != defaultPartition {
			named = append(named, p.Name)
		}
	}
	if len(named) == 0 {
		return map[string][]row{"": rows}, nil
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	there, err := c.db.having(ctx, s, named, ids)
	if err != nil {
		return nil, err
	}
	homes := map[string][]row{}
	if len(there) > 0 { // seldom, so that nobody minds a question for each
		ids = slices.Collect(maps.Keys(there))
		for _, part := range append(named, defaultPartition) {
			there, err := c.db.having(ctx, s, []string{part}, ids)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if there[r.id] {
					homes[part] = append(homes[part], r)
				}
			}
		}
	}
	for _, r := range rows {
		if !there[r.id] {
			homes[""] = append(homes[""], r)
		}
	}
	return homes, nil
}

// having are those of the ids that records in partitions have. What is not in memory counts as not there.
func (d *Database) having(ctx context.Context, s *schema, parts []string, ids []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		guarantee, err := d.clock.guarantee(ctx, chunk...)
		if err != nil {
			return nil, err
		}
		answer, err := d.client.Query(ctx, s.name, parts, s.idIn(chunk), []string{s.idField}, guarantee)
		if isNotLoaded(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		column, ok := answer.GetColumn(s.idField).(*entity.ColumnInt64)
		if !ok && answer.Len() > 0 {
			return nil, s.garbled("ids")
		}
		if ok {
			for _, id := range column.Data() {
				found[id] = true
			}
		}
	}
	return found, nil
}
