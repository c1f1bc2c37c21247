package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/removal"
)

type deleteInput struct {
	InCollection
	Body struct {
		IDs       []string `json:"ids,omitempty" doc:"ids of pictures" example:"[\"5269288717002027052\"]"`
		Filter    string   `json:"filter,omitempty" doc:"the pictures whose fields match; an empty one never means all" example:"label == \"apple\""`
		Source    string   `json:"source,omitempty" doc:"the pictures of a folder, archive, list, table or pattern, by its absolute path, or below a URL" example:"/srv/pictures/2019"`
		Partition string   `json:"partition,omitempty" doc:"only pictures of this partition"`
		DryRun    bool     `json:"dry_run,omitempty" doc:"only count"`
	}
}

// Deletion is what a deletion did, or would do.
type Deletion struct {
	Count    int64 `json:"count" doc:"pictures that are gone from the collection; with dry_run, that would go"`
	DryRun   bool  `json:"dry_run"`
	Complete bool  `json:"complete" doc:"false where the time of a request was too short; ask again for the rest"`
}

type deletionOutput struct{ Body Deletion }

type goneInput struct {
	InCollection
	Body struct {
		Path      string `json:"path" doc:"as of an ingest" example:"/srv/pictures"`
		Partition string `json:"partition,omitempty" doc:"only pictures of this partition"`
	}
}

// Gone is what an ingest with sync would remove.
type Gone struct {
	Count    int64    `json:"count" doc:"pictures that have gone from the source"`
	Rows     int64    `json:"rows" doc:"pictures of the source that the collection has"`
	Emptied  int64    `json:"emptied" doc:"of those that have gone: below folders that are empty now, as one is whose disk is not mounted"`
	Unseen   int64    `json:"unseen" doc:"further pictures that cannot be looked for; they stay"`
	Doubt    string   `json:"doubt,omitempty" doc:"why nothing is removed unless sync_limit allows it"`
	Kept     []string `json:"kept" nullable:"false" doc:"what was not looked at, and why"`
	Examples []string `json:"examples" nullable:"false" doc:"paths of some that have gone"`
}

// NewGone describes what has gone as the API does.
func NewGone(g *removal.Gone) Gone {
	return Gone{
		Count: g.Count, Rows: g.Rows, Emptied: g.Emptied, Unseen: g.Unseen, Doubt: g.Doubt(),
		Kept: append([]string{}, g.Kept...), Examples: append([]string{}, g.Examples...),
	}
}

type goneOutput struct{ Body Gone }

func (s *Server) removalRoutes(api huma.API) {
	register(s, api, operation("pictures", http.MethodPost, "/v1/collections/{collection}/delete", "delete-pictures", "Remove pictures from a collection",
		"By ids, a filter or a source, one of them. The files stay. There is no way back but to ingest them again."), s.delete)
	op := operation("pictures", http.MethodDelete, "/v1/collections/{collection}/pictures/{id}", "delete-picture", "Remove a picture from a collection", "Its file stays.")
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.deletePicture)
	register(s, api, operation("jobs", http.MethodPost, "/v1/collections/{collection}/gone", "find-gone", "Count what has gone from a source",
		"What an ingest of this path with sync would remove now. Nothing is changed."), s.gone)
}

func (s *Server) deletePicture(ctx context.Context, in *pictureInput) (*struct{}, error) {
	id, err := parseID(in.ID)
	if err != nil {
		return nil, err
	}
	var n int
	err = s.present(ctx, in.Collection, func(photos index.Index) error {
		n, err = photos.Delete(ctx, []int64{id})
		return err
	})
	if err == nil && n == 0 {
		err = fault.NotFound("there is no picture %d in collection %s", id, in.Collection)
	}
	return nil, err
}

func (s *Server) delete(ctx context.Context, in *deleteInput) (*deletionOutput, error) {
	selection := removal.Selection{Filter: in.Body.Filter, Source: in.Body.Source}
	for _, text := range in.Body.IDs {
		id, err := parseID(text)
		if err != nil {
			return nil, err
		}
		selection.IDs = append(selection.IDs, id)
	}
	if err := selection.Validate(); err != nil {
		return nil, err
	}
	out := &deletionOutput{Body: Deletion{DryRun: in.Body.DryRun, Complete: true}}
	err := s.present(ctx, in.Collection, func(photos index.Index) error {
		var n int64
		var err error
		if in.Body.DryRun {
			n, err = removal.Count(ctx, photos, in.Body.Partition, selection)
		} else {
			n, err = removal.Delete(ctx, photos, in.Body.Partition, selection, nil)
		}
		out.Body.Count += n
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) && out.Body.Count > 0 {
		out.Body.Complete, err = false, nil
	}
	return out, err
}

func (s *Server) gone(ctx context.Context, in *goneInput) (*goneOutput, error) {
	path, err := s.deps.Roots.Resolve(in.Body.Path)
	if err != nil {
		return nil, err
	}
	out := &goneOutput{}
	err = s.present(ctx, in.Collection, func(photos index.Index) error {
		photos, err := removal.Partition(photos, in.Body.Partition)
		if err != nil {
			return err
		}
		gone, err := s.deps.Jobs.Gone(ctx, photos, jobs.Spec{Sources: []string{path}, Collection: in.Collection, Partition: in.Body.Partition})
		if err == nil {
			out.Body = NewGone(gone)
		}
		return err
	})
	return out, err
}

// present gives f a collection that is there, once more where it was perhaps dropped and made anew by another process.
func (s *Server) present(ctx context.Context, name string, f func(index.Index) error) error {
	try := func() error {
		photos, err := s.deps.Collections.Get(ctx, name)
		if err != nil {
			return err
		}
		return f(photos)
	}
	err := try()
	if fault.KindOf(err) == fault.KindNotFound {
		s.deps.Collections.Forget(ctx, name)
		err = try()
	}
	return err
}
