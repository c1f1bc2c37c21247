package httpapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
)

// Job is an ingest that was asked for.
type Job struct {
	ID          string           `json:"id"`
	Collection  string           `json:"collection"`
	Path        string           `json:"path"`
	State       string           `json:"state" enum:"queued,running,done,failed,canceled"`
	Created     time.Time        `json:"created_at"`
	Found       int64            `json:"found" doc:"pictures of the folder; grows while it is listed"`
	Indexed     int64            `json:"indexed"`
	Unchanged   int64            `json:"unchanged"`
	Failed      int64            `json:"failed"`
	Bytes       int64            `json:"bytes" doc:"read"`
	Rate        float64          `json:"pictures_per_second"`
	Seconds     float64          `json:"seconds"`
	SecondsLeft *float64         `json:"seconds_left,omitempty" doc:"absent while nobody can say"`
	Waiting     string           `json:"waiting,omitempty" doc:"what is waited for, while the model or the index does not answer"`
	Failures    []ingest.Failure `json:"failures" nullable:"false" doc:"the first thousand"`
	Error       string           `json:"error,omitempty" doc:"why the whole job failed"`
}

func newJob(j jobs.Job) Job {
	p := j.Progress
	out := Job{
		ID: j.ID, Collection: j.Collection, Path: j.Path, State: string(j.State), Created: j.Created.UTC(),
		Found: p.Found, Indexed: p.Indexed, Unchanged: p.Unchanged, Failed: p.Failed, Bytes: p.Bytes,
		Rate: round(p.Rate()), Seconds: round(p.Elapsed.Seconds()), Waiting: p.Waiting,
		Failures: append([]ingest.Failure{}, p.Failures...),
	}
	if left, ok := p.Left(); ok {
		seconds := round(left.Seconds())
		out.SecondsLeft = &seconds
	}
	if j.Err != nil {
		out.Error = fault.Public(j.Err)
	}
	return out
}

// round keeps two digits behind the point.
func round(x float64) float64 { return math.Round(x*100) / 100 }

type ingestInput struct {
	InCollection
	Body struct {
		Path      string `json:"path" doc:"a folder or picture below one of the service's roots (GET /v1/info)" example:"/srv/pictures"`
		Partition string `json:"partition,omitempty" doc:"the partition that the pictures go into"`
	}
}

type jobInput struct {
	ID string `path:"id"`
}

type jobOutput struct{ Body Job }

type jobsOutput struct {
	Body struct {
		Jobs []Job `json:"jobs" nullable:"false" doc:"newest first"`
	}
}

func (s *Server) jobRoutes(api huma.API) {
	op := operation("jobs", http.MethodPost, "/v1/collections/{collection}/ingest", "ingest", "Index a folder",
		"Makes the collection, and the partition, if it is not there. The answer is a job to ask about; asking again for a folder indexes only what is new or changed.")
	op.DefaultStatus = http.StatusAccepted
	register(s, api, op, func(ctx context.Context, in *ingestInput) (*jobOutput, error) {
		path, err := s.deps.Roots.Resolve(in.Body.Path)
		if err != nil {
			return nil, err
		}
		s.deps.Collections.Forget(ctx, in.Collection)
		photos, err := s.deps.Collections.Make(ctx, in.Collection)
		if err == nil && in.Body.Partition != "" {
			photos, err = MakePartition(ctx, photos, in.Body.Partition)
		}
		if err != nil {
			return nil, err
		}
		job, err := s.deps.Jobs.Start(path, in.Collection, photos)
		if err != nil {
			return nil, err
		}
		return &jobOutput{Body: newJob(job)}, nil
	})
	register(s, api, operation("jobs", http.MethodGet, "/v1/jobs", "list-jobs", "List jobs", "Those that wait and run, and the last that ended."),
		func(context.Context, *struct{}) (*jobsOutput, error) {
			out := &jobsOutput{}
			out.Body.Jobs = []Job{}
			for _, job := range s.deps.Jobs.List() {
				out.Body.Jobs = append(out.Body.Jobs, newJob(job))
			}
			return out, nil
		})
	one := func(do func(id string) (jobs.Job, error)) func(context.Context, *jobInput) (*jobOutput, error) {
		return func(_ context.Context, in *jobInput) (*jobOutput, error) {
			job, err := do(in.ID)
			if err != nil {
				return nil, err
			}
			return &jobOutput{Body: newJob(job)}, nil
		}
	}
	register(s, api, operation("jobs", http.MethodGet, "/v1/jobs/{id}", "get-job", "Describe a job", ""), one(s.deps.Jobs.Get))
	register(s, api, operation("jobs", http.MethodPost, "/v1/jobs/{id}/cancel", "cancel-job", "Cancel a job", "What it has indexed stays."), one(s.deps.Jobs.Cancel))
}
