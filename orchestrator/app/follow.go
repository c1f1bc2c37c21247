package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/search"
)

// OpenFollower makes a follower of the configured folders, for the collection of cfg.Follow or else the default one.
// partition may be empty. tell, if not nil, hears what is done. Fault: Invalid.
func OpenFollower(cfg Config, core *Core, partition string, tell func(follow.Event), log *slog.Logger) (*follow.Follower, error) {
	name := cfg.Follow.Collection
	if name == "" {
		name = cfg.Collection
	}
	return follow.New(cfg.Follow, follow.Deps{
		Ingester: core.Ingester,
		Index: func(ctx context.Context, create bool) (index.Index, error) {
			return core.followed(ctx, name, partition, create)
		},
		Collection: name,
		Partition:  partition,
		Locks:      filepath.Join(cfg.Data, "follow"),
		Home:       cfg.home(core.Card.Identity()),
		Tell:       tell,
		Log:        log,
	})
}

// followed opens what a follower writes to. Without create, a collection or partition that was dropped is NotFound, even where
// searches would make it again.
func (c *Core) followed(ctx context.Context, name, partition string, create bool) (index.Index, error) {
	c.Forget(ctx, name)
	if !create {
		found, err := c.database.Open(ctx, index.Spec{Collection: name})
		if err != nil {
			return nil, err
		}
		if err := found.Close(); err != nil {
			return nil, err
		}
	}
	photos, err := c.Make(ctx, name)
	if err != nil || partition == "" {
		return photos, err
	}
	if create {
		return httpapi.MakePartition(ctx, photos, partition)
	}
	parts, err := search.Partitioner(photos)
	if err != nil {
		return nil, err
	}
	all, err := parts.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(p index.Partition) bool { return p.Name == partition }) {
		return nil, fault.NotFound("collection %q has no partition %q", name, partition)
	}
	return parts.Partition(partition), nil
}
