package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"

	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/jobs/natsd"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/source"
)

// Jobs is the jobs of a data folder, or of an outer NATS.
type Jobs struct {
	*jobs.Manager
	queue io.Closer
}

// closer ends what has no error to tell.
type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// OpenJobs opens the queue of jobs of a running model. Close is owed, before that of the core.
func OpenJobs(ctx context.Context, cfg Config, core *Core, log *slog.Logger) (*Jobs, error) {
	return OpenJobsFrom(ctx, cfg, core, log, Opener(cfg, log))
}

// OpenJobsFrom is OpenJobs with sources of another kind, for tests and benchmarks.
func OpenJobsFrom(ctx context.Context, cfg Config, core *Core, log *slog.Logger, open func(context.Context, jobs.Spec) (source.Source, error)) (*Jobs, error) {
	return openJobs(ctx, cfg, jobs.Deps{Open: open, Ingester: core.Ingester, Index: core.target, Home: cfg.home(core.Card.Identity()), Log: log})
}

// OpenQueue opens the queue of jobs where nothing works on them: they can be looked at, told to pause, and made for other
// processes. Close is owed.
func OpenQueue(ctx context.Context, cfg Config, log *slog.Logger) (*Jobs, error) {
	m, err := model.Find(cfg.Model, cfg.ModelsFolder())
	if err != nil {
		return nil, err
	}
	return openJobs(ctx, cfg, jobs.Deps{Open: Opener(cfg, log), Home: cfg.home(m.Card.Identity()), Log: log})
}

func openJobs(ctx context.Context, cfg Config, deps jobs.Deps) (_ *Jobs, err error) {
	j := &Jobs{}
	if url := cfg.Jobs.NATS.URL; url != "" {
		conn, err := natsd.Dial(natsd.Outer{URL: url, Credentials: cfg.Jobs.NATS.Credentials, TLS: cfg.Jobs.NATS.TLS}, deps.Log)
		if err != nil {
			return nil, err
		}
		deps.Conn, j.queue = conn, closer(conn.Close)
	} else {
		node, err := natsd.Open(ctx, filepath.Join(cfg.Data, "jobs"), deps.Log)
		if err != nil {
			return nil, err
		}
		deps.Conn, deps.Mend, j.queue = node.Conn(), node.Restart, node
	}
	if j.Manager, err = jobs.Open(ctx, cfg.Jobs, deps); err != nil {
		return nil, errors.Join(err, j.queue.Close())
	}
	return j, nil
}

// Close lets go of the work under way, which stays in the queue.
func (j *Jobs) Close() error { return errors.Join(j.Manager.Close(), j.queue.Close()) }

// Opener opens what jobs read from.
func Opener(cfg Config, log *slog.Logger) func(context.Context, jobs.Spec) (source.Source, error) {
	return func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		s, err := OpenSource(ctx, cfg, spec, func(text string) { log.Info("ingest", "note", text) })
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// target opens what a job writes to.
func (c *Core) target(ctx context.Context, collection, partition string) (index.Index, error) {
	photos, err := c.Make(ctx, collection)
	if err != nil || partition == "" {
		return photos, err
	}
	return httpapi.MakePartition(ctx, photos, partition)
}

// home names a model and an index, so that a process works only on the jobs of its own.
func (c Config) home(model string) string {
	if c.Index.Kind == IndexMilvus {
		return model + " in " + c.Index.Milvus.Address + "/" + c.Index.Milvus.Database
	}
	file := c.Index.Local.config(c.Data).File
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	return model + " in " + file
}
