package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

type buildingOutput struct{ Body Building }

func (s *Server) buildingRoutes(api huma.API) {
	const path = "/v1/collections/{collection}/index"
	register(s, api, operation("collections", http.MethodGet, path, "get-index", "Tell how far the search structure is",
		"Pictures that it does not cover yet are found all the same; searches are slower meanwhile."),
		func(ctx context.Context, in *InCollection) (*buildingOutput, error) {
			return s.building(ctx, in.Collection, func(index.Builder) error { return nil })
		})
	op := operation("collections", http.MethodPost, path, "build-index", "Build the search structure anew",
		"As the service is configured, over all that is written. It drops the one that is there: searches get 503 until there is one again. The answer tells how far it is; ask again for more.")
	op.DefaultStatus = http.StatusAccepted
	register(s, api, op, func(ctx context.Context, in *InCollection) (*buildingOutput, error) {
		return s.building(ctx, in.Collection, func(b index.Builder) error { return Rebuild(ctx, b) })
	})
}

// Rebuild begins to build the search structure anew over all that has been written.
func Rebuild(ctx context.Context, b index.Builder) error {
	if err := b.Flush(ctx); err != nil {
		return err
	}
	return b.Build(ctx)
}

// building tells how far the structure is after f.
func (s *Server) building(ctx context.Context, collection string, f func(index.Builder) error) (*buildingOutput, error) {
	out := &buildingOutput{}
	err := open(ctx, s.deps.Collections.Database(), collection, func(photos index.Index) error {
		builder, err := Builder(photos)
		if err != nil {
			return fault.At(collection, err)
		}
		if err := f(builder); err != nil {
			return err
		}
		building, err := builder.Building(ctx)
		out.Body = Building(building)
		return err
	})
	return out, err
}

// Builder is the collection's ability to build a search structure. Fault: Conflict where its index has not.
func Builder(photos index.Index) (index.Builder, error) {
	if builder, ok := photos.(index.Builder); ok {
		return builder, nil
	}
	return nil, fault.Conflict("this collection lives in an index that looks at every vector and builds nothing over them; Milvus does (index.kind: milvus)")
}
