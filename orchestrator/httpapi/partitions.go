package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/search"
)

type partitionInput struct {
	InCollection
	Partition string `path:"partition" doc:"name of the partition" example:"y2024"`
}

type partitionsOutput struct {
	Body struct {
		Partitions []Partition `json:"partitions" nullable:"false"`
	}
}

func (s *Server) partitionRoutes(api huma.API) {
	const path = "/v1/collections/{collection}/partitions"
	register(s, api, operation("collections", http.MethodGet, path, "list-partitions", "List partitions",
		"The parts of a collection that can be searched, filled and dropped on their own. Pictures that were added without one are in a part of their own."),
		func(ctx context.Context, in *InCollection) (*partitionsOutput, error) {
			out := &partitionsOutput{}
			err := s.divided(ctx, in.Collection, func(parts index.Partitioner) (err error) {
				out.Body.Partitions, err = partitions(ctx, parts)
				return err
			})
			return out, err
		})
	op := operation("collections", http.MethodPut, path+"/{partition}", "create-partition", "Make a partition", "It is no error if it is there.")
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, func(ctx context.Context, in *partitionInput) (*struct{}, error) {
		return nil, s.divided(ctx, in.Collection, func(parts index.Partitioner) error { return parts.CreatePartition(ctx, in.Partition) })
	})
	op = operation("collections", http.MethodDelete, path+"/{partition}", "drop-partition", "Remove a partition", "And all that is known of its pictures; the files stay.")
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, func(ctx context.Context, in *partitionInput) (*struct{}, error) {
		return nil, s.divided(ctx, in.Collection, func(parts index.Partitioner) error { return parts.DropPartition(ctx, in.Partition) })
	})
}

// divided gives f a collection that can have partitions.
func (s *Server) divided(ctx context.Context, collection string, f func(index.Partitioner) error) error {
	return open(ctx, s.deps.Collections.Database(), collection, func(photos index.Index) error {
		parts, err := search.Partitioner(photos)
		if err != nil {
			return fault.At(collection, err)
		}
		return f(parts)
	})
}

// MakePartition gives one partition of a collection and makes it if need be. Fault: Conflict where the index has none.
func MakePartition(ctx context.Context, photos index.Index, name string) (index.Index, error) {
	parts, err := search.Partitioner(photos)
	if err != nil {
		return nil, err
	}
	if err := parts.CreatePartition(ctx, name); err != nil {
		return nil, err
	}
	return parts.Partition(name), nil
}

func partitions(ctx context.Context, parts index.Partitioner) ([]Partition, error) {
	all, err := parts.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Partition, len(all))
	for i, part := range all {
		out[i] = Partition(part)
	}
	return out, nil
}
