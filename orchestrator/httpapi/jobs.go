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
	ID          string         `json:"id"`
	Collection  string         `json:"collection"`
	Partition   string         `json:"partition,omitempty"`
	Path        string         `json:"path" doc:"what is ingested: folders, or in words an upload"`
	State       string         `json:"state" enum:"queued,running,paused,done,failed,canceled"`
	Created     time.Time      `json:"created_at"`
	Ended       *time.Time     `json:"ended_at,omitempty"`
	Found       int64          `json:"found" doc:"pictures of the folder; grows while it is listed"`
	Listed      bool           `json:"listed" doc:"the folder has been listed to its end"`
	Indexed     int64          `json:"indexed"`
	Unchanged   int64          `json:"unchanged"`
	Failed      int64          `json:"failed"`
	Removed     int64          `json:"removed" doc:"pictures that had gone, where sync was asked for"`
	Notice      string         `json:"notice,omitempty" doc:"what sync did not remove, and why"`
	Bytes       int64          `json:"bytes" doc:"read"`
	Rate        float64        `json:"pictures_per_second" doc:"of the last half minute, or of the whole when it has ended"`
	Seconds     float64        `json:"seconds" doc:"of work; pauses of more than a minute do not count"`
	SecondsLeft *float64       `json:"seconds_left,omitempty" doc:"absent while nobody can say"`
	Waiting     string         `json:"waiting,omitempty" doc:"what is waited for, while the model or the index does not answer"`
	Stages      Stages         `json:"stages" doc:"what share of the work each stage takes"`
	Failures    []jobs.Failure `json:"failures" nullable:"false" doc:"the first hundred; the ledger, /v1/jobs/{id}/failures, has all"`
	Error       string         `json:"error,omitempty" doc:"why the whole job failed"`
	ErrorKind   string         `json:"error_kind,omitempty"`
}

// Stages is shares of the work; they add up to 1, or are all 0 while nothing has been done.
type Stages struct {
	Read      float64 `json:"read"`
	Decode    float64 `json:"decode"`
	Resize    float64 `json:"resize"`
	Thumbnail float64 `json:"thumbnail"`
	Wait      float64 `json:"wait" doc:"for the encoder"`
	Encode    float64 `json:"encode"`
	Write     float64 `json:"write"`
}

func newStages(t ingest.Times) Stages {
	all := t.All()
	if all == 0 {
		return Stages{}
	}
	share := func(d time.Duration) float64 { return math.Round(float64(d)/float64(all)*1000) / 1000 }
	return Stages{share(t.Read), share(t.Decode), share(t.Resize), share(t.Thumbnail), share(t.Wait), share(t.Encode), share(t.Write)}
}

// NewJob describes a job as the API does.
func NewJob(j jobs.Job) Job {
	p := j.Progress
	out := Job{
		ID: j.ID, Collection: j.Collection, Partition: j.Partition, Path: j.Path(), State: string(j.State), Created: j.Created.UTC(),
		Found: p.Found, Listed: p.Listed, Indexed: p.Indexed, Unchanged: p.Unchanged, Failed: p.Failed, Removed: p.Removed, Notice: p.Notice, Bytes: p.Bytes,
		Rate: round(p.Lately), Seconds: round(p.Elapsed.Seconds()), Waiting: j.Waiting, Stages: newStages(p.Times),
		Failures: append([]jobs.Failure{}, p.Failures...), Error: j.Error, ErrorKind: j.Kind,
	}
	if j.State.Final() {
		out.Rate, out.Ended = round(p.Rate()), &j.Ended
	} else if left, ok := p.Left(); ok {
		seconds := round(left.Seconds())
		out.SecondsLeft = &seconds
	}
	return out
}

// round keeps two digits behind the point.
func round(x float64) float64 { return math.Round(x*100) / 100 }

type ingestInput struct {
	InCollection
	Body struct {
		Path      string `json:"path" doc:"a folder or picture, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX, below one of the service's roots (GET /v1/info)" example:"/srv/pictures"`
		Partition string `json:"partition,omitempty" doc:"the partition that the pictures go into"`
		Sync      bool   `json:"sync,omitempty" doc:"at the end, remove from the collection the pictures of this path whose file has gone; POST /v1/collections/{collection}/gone counts them first"`
		SyncLimit int64  `json:"sync_limit,omitempty" minimum:"0" doc:"remove at most so many, or none; 0 is up to half of the pictures of a source, and none below folders that are empty now"`
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
		"Makes the collection, and the partition, if it is not there. The answer is a job to ask about, which is on the disk and goes on after a restart; asking for what an unfinished job does gives that job. Asking again for a folder indexes only what is new or changed.")
	op.DefaultStatus = http.StatusAccepted
	register(s, api, op, s.ingest)
	register(s, api, operation("jobs", http.MethodGet, "/v1/jobs", "list-jobs", "List jobs", "Those that wait and run, and the last that ended."),
		func(ctx context.Context, _ *struct{}) (*jobsOutput, error) {
			all, err := s.deps.Jobs.List(ctx)
			if err != nil {
				return nil, err
			}
			out := &jobsOutput{}
			out.Body.Jobs = []Job{}
			for _, job := range all {
				out.Body.Jobs = append(out.Body.Jobs, NewJob(job))
			}
			return out, nil
		})
	one := func(do func(ctx context.Context, id string) (jobs.Job, error)) func(context.Context, *jobInput) (*jobOutput, error) {
		return func(ctx context.Context, in *jobInput) (*jobOutput, error) {
			job, err := do(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &jobOutput{Body: NewJob(job)}, nil
		}
	}
	all := s.deps.Jobs
	register(s, api, operation("jobs", http.MethodGet, "/v1/jobs/{id}", "get-job", "Describe a job", ""), one(all.Get))
	register(s, api, operation("jobs", http.MethodPost, "/v1/jobs/{id}/pause", "pause-job", "Pause a job", "What is under way is done again when it is resumed."), one(all.Pause))
	register(s, api, operation("jobs", http.MethodPost, "/v1/jobs/{id}/resume", "resume-job", "Have a paused job go on", ""), one(all.Resume))
	register(s, api, operation("jobs", http.MethodPost, "/v1/jobs/{id}/cancel", "cancel-job", "Cancel a job", "What it has indexed stays."), one(all.Cancel))
	register(s, api, operation("jobs", http.MethodPost, "/v1/jobs/{id}/retry", "retry-job", "Try the failed items of an ended job again",
		"A job that failed or was canceled goes on besides, from where it ended."), one(all.Retry))
	s.jobStreams(api)
}

func (s *Server) ingest(ctx context.Context, in *ingestInput) (*jobOutput, error) {
	if in.Body.SyncLimit > 0 && !in.Body.Sync {
		return nil, fault.Invalid("sync_limit says how much sync may remove; set sync to true, or leave it out")
	}
	path, err := s.deps.Roots.Resolve(in.Body.Path)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, jobs.Spec{Sources: []string{path}, Collection: in.Collection, Partition: in.Body.Partition,
		Sync: jobs.Sync{On: in.Body.Sync, Limit: in.Body.SyncLimit}})
}

func (s *Server) makeFor(ctx context.Context, collection, partition string) error {
	s.deps.Collections.Forget(ctx, collection)
	photos, err := s.deps.Collections.Make(ctx, collection)
	if err == nil && partition != "" {
		_, err = MakePartition(ctx, photos, partition)
	}
	return err
}

// start makes a job, and before it the collection and partition where they are not there.
func (s *Server) start(ctx context.Context, spec jobs.Spec) (*jobOutput, error) {
	if err := s.makeFor(ctx, spec.Collection, spec.Partition); err != nil {
		return nil, err
	}
	job, _, err := s.deps.Jobs.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &jobOutput{Body: NewJob(job)}, nil
}
