// Package milvus keeps an index in Milvus, a server, through its Go client.
//
// Collections are those of the original system: an INT64 primary key, a FLOAT_VECTOR, the path as a VARCHAR, and every
// other field as a dynamic one, under its own name, so that any client of Milvus can read and filter them. A property of
// the collection names the model that makes its vectors. A collection without it, as other programs make, is searched
// and extended as it stands, whatever made its vectors, if its fields and metric can serve.
//
// What is acknowledged is in Milvus' log, which survives the death of any of its processes. Whether it survives a power
// failure is up to the server's log (Pulsar, Kafka, or the RocksMQ of a standalone), as it is configured there.
//
// Searches are as exact as the index of the collection: FLAT misses nothing, others may. Equal scores are ordered by id
// all the same (see Search). Vectors that lie in memory still unindexed are always found.
//
// Filters are evaluated by the server as far as it can (see translation); what it cannot is finished here, on records
// that it has narrowed down.
//
// The package is not for running Milvus (deploy), nor for collections of another kind, such as binary or sparse vectors.
package milvus

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Database is one database of a Milvus. It is safe for concurrent use.
type Database struct {
	cfg    Config
	log    *slog.Logger
	client *client.GrpcClient
	clock  *clock

	// changes counts what this process did to collections and aliases, so that open handles look again at once.
	changes atomic.Int64

	// running is held for reading by every call, and for writing by Close, which so waits for them.
	running sync.RWMutex
	closed  bool // guarded by running
}

var (
	_ index.Database = (*Database)(nil)
	_ index.Aliaser  = (*Database)(nil)
)

// Open makes a database of the configuration. It does not need the server, which may come and go at any time: calls
// answer Unavailable while it is away. Fault: Invalid.
func Open(cfg Config, log *slog.Logger) (*Database, error) {
	if err := errors.Join(cfg.Validate(), cfg.Index.Validate()); err != nil {
		return nil, err
	}
	made, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	return &Database{cfg: cfg, log: log, client: made, clock: &clock{service: made.Service, consistency: cfg.Consistency}}, nil
}

// Close waits for running calls and closes the connection.
func (d *Database) Close() error {
	d.running.Lock()
	defer d.running.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	return d.client.Close()
}

// run runs one public call while the database is open.
func (d *Database) run(ctx context.Context, call func() error) error {
	d.running.RLock()
	defer d.running.RUnlock()
	if d.closed {
		return errClosed(d.cfg.Address)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return call()
}

func errClosed(address string) error {
	return fault.Unavailable("the index in Milvus at %s has been closed", address)
}

// Ready tells what keeps the server from answering. Faults: Unavailable, Forbidden.
func (d *Database) Ready(ctx context.Context) error {
	return d.run(ctx, func() error {
		health, err := d.client.CheckHealth(ctx)
		if err != nil {
			return err
		}
		if !health.IsHealthy {
			return fault.Unavailable("Milvus at %s is not healthy: %s", d.cfg.Address, strings.Join(health.Reasons, "; ")).After(awhile)
		}
		return nil
	})
}

// Collections lists the collections that can serve, by name. The count of one that is not loaded is Milvus' estimate.
func (d *Database) Collections(ctx context.Context) (infos []index.Info, err error) {
	err = d.run(ctx, func() error {
		infos, err = d.collections(ctx)
		return err
	})
	return infos, err
}

// describers is how many collections are described at once.
const describers = 8

func (d *Database) collections(ctx context.Context) ([]index.Info, error) {
	listed, err := d.client.ListCollections(ctx)
	if refusedWith(err, codeNoDatabase) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make([]*index.Info, len(listed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(describers)
	for i, one := range listed {
		group.Go(func() error {
			info, err := d.info(ctx, one.Name)
			if err == nil {
				found[i] = &info
				return nil
			}
			if kind := fault.KindOf(err); kind == fault.KindNotFound || kind == fault.KindConflict { // dropped meanwhile, or another program's
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var infos []index.Info
	for _, info := range found {
		if info != nil {
			infos = append(infos, *info)
		}
	}
	slices.SortFunc(infos, func(a, b index.Info) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

func (d *Database) info(ctx context.Context, name string) (index.Info, error) {
	s, err := d.describe(ctx, name)
	if err != nil {
		return index.Info{}, err
	}
	info := s.info()
	info.Count, err = d.count(ctx, s, nil)
	return info, err
}

// Open opens a collection, also by an alias, and makes it on first use.
func (d *Database) Open(ctx context.Context, spec index.Spec) (index.Index, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	c := &Collection{handle: &handle{db: d, spec: spec}}
	err := d.run(ctx, func() error {
		s, err := d.describe(ctx, spec.Collection)
		switch {
		case refusedWith(err, codeNoCollection) && !spec.Existing():
			s, err = d.create(ctx, spec)
		case err == nil && s.model == spec.Model && !spec.Existing():
			s, err = d.complete(ctx, s)
		}
		if err != nil {
			return err
		}
		if err := s.serves(spec); err != nil {
			return err
		}
		c.keep(s, d.changes.Load())
		return c.warm(ctx, s)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Drop removes a collection. An alias is not one.
func (d *Database) Drop(ctx context.Context, collection string) error {
	if err := index.CheckCollection(collection); err != nil {
		return err
	}
	return d.run(ctx, func() error {
		found, err := d.client.DescribeCollection(ctx, collection) // dropping what is not there is no error to Milvus
		if err != nil {
			return named(collection, err)
		}
		if found.Name != collection {
			return fault.Conflict("%q is an alias of collection %q; drop that, or the alias", collection, found.Name)
		}
		defer d.changes.Add(1)
		return d.client.DropCollection(ctx, collection)
	})
}

// named says which collection is not there.
func named(collection string, err error) error {
	if refusedWith(err, codeNoCollection) {
		return fault.NotFound("there is no collection %q; make it by ingesting pictures into it", collection).Because(err)
	}
	return err
}

// count counts records of a collection, or of one part of it. For one that is not loaded it gives Milvus' estimate.
func (d *Database) count(ctx context.Context, s *schema, parts []string) (int64, error) {
	n, err := d.countWhere(ctx, s, parts, "")
	if !isNotLoaded(err) {
		return n, err
	}
	stats, err := d.client.Service.GetCollectionStatistics(ctx, &milvuspb.GetCollectionStatisticsRequest{CollectionName: s.name})
	if err != nil {
		return 0, err
	}
	return rowCount(stats.GetStats()), nil
}
