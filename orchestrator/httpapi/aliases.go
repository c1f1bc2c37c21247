package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Alias is a further name of a collection, good wherever a collection is named.
type Alias struct {
	Alias      string `json:"alias" example:"photos"`
	Collection string `json:"collection" doc:"the collection that it stands for" example:"text_image_vector"`
}

// InAlias is the part of a request's path that names an alias.
type InAlias struct {
	Alias string `path:"alias" doc:"the further name" example:"photos"`
}

type setAliasInput struct {
	InAlias
	Body struct {
		Collection string `json:"collection" doc:"the collection that it is to stand for" example:"text_image_vector"`
	}
}

type aliasOutput struct{ Body Alias }

type aliasesOutput struct {
	Body struct {
		Aliases []Alias `json:"aliases" nullable:"false"`
	}
}

func (s *Server) aliasRoutes(api huma.API) {
	register(s, api, operation("aliases", http.MethodGet, "/v1/aliases", "list-aliases", "List aliases",
		"Further names of collections, so that a new collection can take the place of an old one at once."),
		func(ctx context.Context, _ *struct{}) (*aliasesOutput, error) {
			aliaser, err := Aliaser(s.deps.Collections.Database())
			if err != nil {
				return nil, err
			}
			all, err := Aliases(ctx, aliaser)
			out := &aliasesOutput{}
			out.Body.Aliases = all
			return out, err
		})
	register(s, api, operation("aliases", http.MethodPut, "/v1/aliases/{alias}", "set-alias", "Give an alias to a collection",
		"Takes it from another collection if need be: requests that name the alias go to the new one from then on."),
		func(ctx context.Context, in *setAliasInput) (*aliasOutput, error) {
			aliaser, err := Aliaser(s.deps.Collections.Database())
			if err != nil {
				return nil, err
			}
			return &aliasOutput{Body: Alias{Alias: in.Alias, Collection: in.Body.Collection}}, aliaser.SetAlias(ctx, in.Alias, in.Body.Collection)
		})
	op := operation("aliases", http.MethodDelete, "/v1/aliases/{alias}", "drop-alias", "Remove an alias", "The collection stays.")
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, func(ctx context.Context, in *InAlias) (*struct{}, error) {
		aliaser, err := Aliaser(s.deps.Collections.Database())
		if err != nil {
			return nil, err
		}
		return nil, aliaser.DropAlias(ctx, in.Alias)
	})
}

// Aliaser is the database's ability to give collections further names. Fault: Conflict where it has not.
func Aliaser(db index.Database) (index.Aliaser, error) {
	if aliaser, ok := db.(index.Aliaser); ok {
		return aliaser, nil
	}
	return nil, fault.Conflict("this index has no aliases; Milvus has them (index.kind: milvus)")
}

// Aliases lists them by name.
func Aliases(ctx context.Context, aliaser index.Aliaser) ([]Alias, error) {
	all, err := aliaser.Aliases(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Alias, 0, len(all))
	for _, alias := range slices.Sorted(maps.Keys(all)) {
		out = append(out, Alias{Alias: alias, Collection: all[alias]})
	}
	return out, nil
}
