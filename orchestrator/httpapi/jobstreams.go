package httpapi

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
)

// Pauses of a stream of events.
const (
	betweenEvents = 500 * time.Millisecond
	keepAlive     = 15 * time.Second // proxies end what is silent for long
)

type failuresInput struct {
	ID     string `path:"id"`
	Format string `query:"format" enum:"jsonl,csv" doc:"jsonl unless the request accepts text/csv"`
	Accept string `header:"Accept" hidden:"true"`
}

func (s *Server) jobStreams(api huma.API) {
	op := operation("jobs", http.MethodGet, "/v1/jobs/{id}/failures", "get-failures", "The ledger of a job", "Each failed item once, with the kind of failure and the reason.")
	op.Responses = map[string]*huma.Response{"200": {Description: "a line for each failed item", Content: map[string]*huma.MediaType{
		"application/jsonl": {Schema: &huma.Schema{Type: huma.TypeString}}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	register(s, api, op, s.failures)
	op = operation("jobs", http.MethodGet, "/v1/jobs/{id}/events", "watch-job", "Follow a job",
		"Server-sent events of the type job, each with the whole job: one at once, then at most two a second when something has changed. The stream ends with the job.")
	op.Responses = map[string]*huma.Response{"200": {Description: "server-sent events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	register(s, api, op, s.events)
}

// stream writes an answer of unknown length after the handler has returned. ctx ends when the client has gone, which is
// noticed by the next write, and when the server shuts down.
func (s *Server) stream(contentType string, write func(ctx context.Context, w *bufio.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", contentType)
		c.SetHeader("Cache-Control", "no-store")
		humafiber.Unwrap(c).Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			ctx, cancel := context.WithCancel(s.life)
			defer cancel()
			if err := write(ctx, w); err != nil {
				s.deps.Log.Debug("a stream ended early", "err", err)
			}
		})
	}}
}

func (s *Server) failures(ctx context.Context, in *failuresInput) (*huma.StreamResponse, error) {
	if _, err := s.deps.Jobs.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	id := in.ID
	if in.Format == "csv" || in.Format == "" && strings.Contains(in.Accept, "text/csv") {
		return s.stream("text/csv; charset=utf-8", func(ctx context.Context, w *bufio.Writer) error {
			table := csv.NewWriter(w)
			err := table.Write([]string{"path", "kind", "reason"})
			table.Flush()
			return s.ledger(ctx, id, err, func(f jobs.Failure) error {
				err := table.Write([]string{f.Path, f.Kind, f.Reason})
				table.Flush()
				return err
			})
		}), nil
	}
	return s.stream("application/jsonl", func(ctx context.Context, w *bufio.Writer) error {
		lines := json.NewEncoder(w)
		return s.ledger(ctx, id, nil, func(f jobs.Failure) error { return lines.Encode(f) })
	}), nil
}

// ledger writes the failures of a job. One that cannot be read ends it with a line that says so.
func (s *Server) ledger(ctx context.Context, id string, err error, write func(jobs.Failure) error) error {
	if err != nil {
		return err
	}
	for f, err := range s.deps.Jobs.Failures(ctx, id) {
		if err != nil {
			return write(jobs.Failure{Kind: fault.KindOf(err).String(), Reason: "the ledger ends too early: " + fault.Public(err)})
		}
		if err := write(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) events(ctx context.Context, in *jobInput) (*huma.StreamResponse, error) {
	if _, err := s.deps.Jobs.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	id := in.ID
	return s.stream("text/event-stream", func(ctx context.Context, w *bufio.Writer) error {
		ctx, cancel := context.WithCancel(ctx)
		snapshots := make(chan jobs.Job)
		go func() {
			defer close(snapshots)
			for job := range s.deps.Jobs.Watch(ctx, id, betweenEvents) {
				select {
				case snapshots <- job:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range snapshots { // until it has ended
			}
		}()
		alive := time.NewTicker(keepAlive)
		defer alive.Stop()
		for {
			text := ": alive\n\n"
			select {
			case job, more := <-snapshots:
				if !more {
					return nil
				}
				data, err := json.Marshal(NewJob(job))
				if err != nil {
					return err
				}
				text = fmt.Sprintf("event: job\ndata: %s\n\n", data)
			case <-alive.C:
			}
			if _, err := w.WriteString(text); err != nil {
				return err
			}
			if err := w.Flush(); err != nil { // the client has gone
				return err
			}
		}
	}), nil
}
