package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// InCollection is the part of a request's path that names the collection.
type InCollection struct {
	Collection string `path:"collection" doc:"name of the collection" example:"text_image_vector"`
}

// Collection describes a collection that is there.
type Collection struct {
	Name  string `json:"name"`
	Width int    `json:"width" doc:"components of a vector"`
	Model string `json:"model" doc:"the model that made the vectors, with a fingerprint of its towers"`
	Count int64  `json:"count" doc:"pictures"`
}

type collectionOutput struct{ Body Collection }

type collectionsOutput struct {
	Body struct {
		Collections []Collection `json:"collections" nullable:"false"`
	}
}

func (s *Server) collectionRoutes(api huma.API) {
	register(s, api, operation("collections", http.MethodGet, "/v1/collections", "list-collections", "List collections", ""),
		func(ctx context.Context, _ *struct{}) (*collectionsOutput, error) {
			all, err := s.deps.Collections.List(ctx)
			if err != nil {
				return nil, err
			}
			out := &collectionsOutput{}
			out.Body.Collections = make([]Collection, len(all))
			for i, info := range all {
				out.Body.Collections[i] = Collection(info)
			}
			return out, nil
		})
	register(s, api, operation("collections", http.MethodGet, "/v1/collections/{collection}", "get-collection", "Describe a collection", "Width and model of its vectors, and how many there are."),
		func(ctx context.Context, in *InCollection) (*collectionOutput, error) {
			all, err := s.deps.Collections.List(ctx)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(all, func(info index.Info) bool { return info.Name == in.Collection })
			if i < 0 {
				return nil, fault.NotFound("there is no collection %q", in.Collection)
			}
			return &collectionOutput{Body: Collection(all[i])}, nil
		})
}
