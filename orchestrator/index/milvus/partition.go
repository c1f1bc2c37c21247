package milvus

import (
	"context"
	"slices"
	"strings"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"

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
