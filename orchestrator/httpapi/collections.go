package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
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

type collectionsOutput struct {
	Body struct {
		Collections []Collection `json:"collections" nullable:"false"`
	}
}

type detailsOutput struct{ Body Details }

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
	register(s, api, operation("collections", http.MethodGet, "/v1/collections/{collection}", "get-collection", "Describe a collection",
		"Width and model of its vectors, how many there are, and, where its index has them, how far the search structure is, partitions and aliases."),
		func(ctx context.Context, in *InCollection) (*detailsOutput, error) {
			details, err := Describe(ctx, s.deps.Collections.Database(), in.Collection)
			return &detailsOutput{Body: details}, err
		})
	s.buildingRoutes(api)
	s.partitionRoutes(api)
	s.aliasRoutes(api)
}
