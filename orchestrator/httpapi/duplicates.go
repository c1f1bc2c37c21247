package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/duplicates"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
)

// MostCompared is how many pictures a request may have compared: some seconds of work.
const MostCompared = 50_000

// comparingTakes is how long a request takes that compares as many.
const comparingTakes = 5 * time.Second

// mostGroups is how many groups one answer has.
const mostGroups = 1000

// Duplicates is a group of pictures that are the same or nearly so.
type Duplicates struct {
	First  Picture     `json:"first" doc:"the one to keep: most pixels, then most bytes, then the oldest"`
	Others []Duplicate `json:"others" nullable:"false" doc:"all near the first, the nearest first"`
}

// Duplicate is one that could go.
type Duplicate struct {
	Picture
	Score float32 `json:"score" doc:"cosine of its vector and the first's"`
	Same  bool    `json:"same" doc:"the files have the same SHA-256"`
}

// NewDuplicates is a group as the API tells it. The command line prints the same.
func NewDuplicates(collection string, g duplicates.Group) Duplicates {
	out := Duplicates{First: newPicture(collection, g.First.ID, g.First.Path, g.First.Fields)}
	for _, o := range g.Others {
		out.Others = append(out.Others, Duplicate{newPicture(collection, o.ID, o.Path, o.Fields), o.Score, o.Same})
	}
	return out
}

type duplicatesInput struct {
	InCollection
	Threshold float32 `query:"threshold" doc:"least cosine, 0.8 to 1; 0 is the default, 0.98"`
	Filter    string  `query:"filter" doc:"only among pictures whose fields match" example:"label == \"apple\""`
	Limit     int     `query:"limit" minimum:"0" maximum:"1000" default:"100" doc:"most groups; 0 is 1000"`
}

type duplicatesOutput struct {
	Body struct {
		Pictures int64        `json:"pictures" doc:"that were compared"`
		Groups   int          `json:"groups" doc:"in all"`
		Extra    int64        `json:"extra" doc:"pictures of all groups that could go"`
		List     []Duplicates `json:"duplicates" nullable:"false" doc:"groups, those of most pictures first"`
	}
}

func (s *Server) duplicateRoutes(api huma.API) {
	register(s, api, operation("collections", http.MethodGet, "/v1/collections/{collection}/duplicates", "find-duplicates", "Find pictures that are the same or nearly so",
		"By SHA-256 and by the vectors. All pictures are compared, which takes time: more than 50000 are refused (413), and one request is served at a time (429). Narrow them down with a filter, or use the command line."),
		func(ctx context.Context, in *duplicatesInput) (*duplicatesOutput, error) {
			where, err := filter.Parse(in.Filter)
			if err != nil {
				return nil, fault.At("filter", err)
			}
			select {
			case s.comparing <- struct{}{}:
				defer func() { <-s.comparing }()
			default:
				return nil, fault.Overloaded("another request compares pictures; ask again when it is done").After(comparingTakes)
			}
			out := &duplicatesOutput{}
			err = open(ctx, s.deps.Collections.Database(), in.Collection, func(photos index.Index) error {
				query := duplicates.Query{Filter: where, Threshold: cmp.Or(in.Threshold, duplicates.Threshold), Most: MostCompared, Folder: s.deps.Scratch}
				return fault.At(in.Collection, out.fill(ctx, in, photos, query))
			})
			return out, err
		})
}

func (out *duplicatesOutput) fill(ctx context.Context, in *duplicatesInput, photos index.Index, query duplicates.Query) error {
	if counter, ok := photos.(index.Counter); ok { // before anything is read
		n, err := counter.Count(ctx, query.Filter)
		if err != nil {
			return err
		}
		if err := query.Allows(n); err != nil {
			return err
		}
	}
	report, err := duplicates.Find(ctx, photos, query)
	if err != nil {
		return err
	}
	out.Body.Pictures, out.Body.Groups, out.Body.Extra = report.Pictures, report.Len(), report.Extra
	out.Body.List = []Duplicates{}
	for group, err := range report.Groups(ctx, cmp.Or(in.Limit, mostGroups)) {
		if err != nil {
			return err
		}
		out.Body.List = append(out.Body.List, NewDuplicates(in.Collection, group))
	}
	return nil
}
