package httpapi

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Details is what there is to know of one collection.
type Details struct {
	Collection
	StoredBytes int64       `json:"stored_bytes,omitempty" doc:"size of the storage that the collection lives in, which it may share"`
	Index       *Building   `json:"index,omitempty" doc:"the search structure; absent where every vector is looked at"`
	Partitions  []Partition `json:"partitions,omitempty" doc:"absent where the index has none"`
	Aliases     []string    `json:"aliases,omitempty" doc:"further names of the collection"`
}

// Building is how far a search structure over the vectors is.
type Building struct {
	Type    string            `json:"type" doc:"how the index searches" example:"IVF_FLAT"`
	Metric  string            `json:"metric" doc:"how it measures nearness" example:"IP"`
	Params  map[string]string `json:"params,omitempty" doc:"what it is built with"`
	Total   int64             `json:"total" doc:"records it is to cover"`
	Covered int64             `json:"covered" doc:"records it covers; the others are found too, more slowly"`
	State   index.BuildState  `json:"state" enum:"none,running,done,failed"`
	Reason  string            `json:"reason,omitempty" doc:"why it failed"`
}

// Partition is a named part of a collection.
type Partition struct {
	Name  string `json:"name"`
	Count int64  `json:"count" doc:"pictures; after deletes an estimate"`
}

// Describe tells about a collection, or about the one that an alias stands for. The command line prints the same.
func Describe(ctx context.Context, db index.Database, name string) (Details, error) {
	var out Details
	err := open(ctx, db, name, func(photos index.Index) (err error) {
		out, err = describe(ctx, db, name, photos)
		return err
	})
	return out, err
}

func describe(ctx context.Context, db index.Database, name string, photos index.Index) (out Details, err error) {
	if aliaser, ok := db.(index.Aliaser); ok {
		all, err := aliaser.Aliases(ctx)
		if err != nil {
			return out, err
		}
		name = cmp.Or(all[name], name)
		out.Aliases = aliasesOf(all, name)
	}
	stats, err := statsOf(ctx, db, name, photos)
	if err != nil {
		return out, err
	}
	out.Collection, out.StoredBytes = Collection(stats.Info), stats.StoredBytes
	out.Name = name
	if builder, ok := photos.(index.Builder); ok {
		building, err := builder.Building(ctx)
		if err != nil {
			return out, err
		}
		out.Index = new(Building(building))
	}
	if parts, ok := photos.(index.Partitioner); ok {
		out.Partitions, err = partitions(ctx, parts)
	}
	return out, err
}

// statsOf asks the collection itself where it can tell, since a list of all costs a database more.
func statsOf(ctx context.Context, db index.Database, name string, photos index.Index) (index.Stats, error) {
	if describer, ok := photos.(index.Describer); ok {
		return describer.Stats(ctx)
	}
	all, err := db.Collections(ctx)
	if err != nil {
		return index.Stats{}, err
	}
	i := slices.IndexFunc(all, func(info index.Info) bool { return info.Name == name })
	if i < 0 {
		return index.Stats{}, fault.NotFound("there is no collection %q", name)
	}
	return index.Stats{Info: all[i]}, nil
}

// aliasesOf lists the names, in order, that stand for the collection.
func aliasesOf(all map[string]string, collection string) []string {
	var names []string
	for _, alias := range slices.Sorted(maps.Keys(all)) {
		if all[alias] == collection {
			names = append(names, alias)
		}
	}
	return names
}

// open gives f a collection that is there, whatever model made it.
func open(ctx context.Context, db index.Database, name string, f func(index.Index) error) error {
	photos, err := db.Open(ctx, index.Spec{Collection: name})
	if err != nil {
		return err
	}
	return errors.Join(f(photos), photos.Close())
}
