// Package jobs runs ingests that a request asked for and tells how they stand.
//
// Jobs run one after the other in this process and are remembered until it ends. They need no durable queue to lose
// nothing: an ingest that was cut short repeats nothing that is indexed when it is asked for again.
//
// The package is not for the work itself (ingest) nor for the command line, which runs an ingest in its own process.
package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// State is where a job stands.
type State string

// The states; the last three are final.
const (
	Queued   State = "queued"
	Running  State = "running"
	Done     State = "done"
	Failed   State = "failed"
	Canceled State = "canceled"
)

// Config bounds the queue.
type Config struct {
	Waiting int `koanf:"waiting"` // jobs that may wait; more are refused as Overloaded
	History int `koanf:"history"` // finished jobs that are remembered
}

// Default lets sixteen jobs wait.
func Default() Config { return Config{Waiting: 16, History: 100} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("waiting", c.Waiting, 1, 100_000, 16),
		fault.Between("history", c.History, 1, 100_000, 100),
	)
}

// Job is a snapshot of one ingest.
type Job struct {
	ID         string
	Collection string
	Path       string
	State      State
	Created    time.Time
	Progress   ingest.Progress
	Err        error // why it failed
}

// job is a Job at work. Manager.mu guards its fields; run has its own lock.
type job struct {
	Job
	run    *ingest.Run
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // a job's life is its own, not that of the request that made it
}

// Manager queues jobs and runs them one at a time. It is safe for concurrent use.
type Manager struct {
	cfg      Config
	ingester *ingest.Ingester
	log      *slog.Logger
	queue    chan *job
	stop     context.CancelFunc
	life     context.Context //nolint:containedctx // ends with Close
	done     chan struct{}

	mu   sync.Mutex
	jobs []*job // oldest first
}

// Open starts the worker. Close is owed.
func Open(cfg Config, ingester *ingest.Ingester, log *slog.Logger) *Manager {
	life, stop := context.WithCancel(context.Background())
	m := &Manager{cfg: cfg, ingester: ingester, log: log, queue: make(chan *job, cfg.Waiting), stop: stop, life: life, done: make(chan struct{})}
	go m.work()
	return m
}

// Close cancels what runs and waits, and returns when nothing runs any more. What was indexed stays.
func (m *Manager) Close() error {
	m.stop()
	<-m.done
	return nil
}

// Start queues an ingest of path into the collection. Faults: those of source.NewFolders, Overloaded, Unavailable.
func (m *Manager) Start(path, collection string, into index.Index) (Job, error) {
	src, err := source.NewFolders(path)
	if err != nil {
		return Job{}, err
	}
	if m.life.Err() != nil {
		return Job{}, fault.Unavailable("the service is shutting down")
	}
	ctx, cancel := context.WithCancel(m.life)
	j := &job{
		Job:    Job{ID: rand.Text(), Collection: collection, Path: path, State: Queued, Created: time.Now()},
		run:    m.ingester.NewRun(src, into, nil),
		ctx:    ctx,
		cancel: cancel,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case m.queue <- j:
	default:
		cancel()
		return Job{}, fault.Overloaded("%d jobs are waiting, as many as the configuration allows; try again when one is done", m.cfg.Waiting).After(10 * time.Second)
	}
	m.forget()
	m.jobs = append(m.jobs, j)
	return j.snapshot(), nil
}

// forget drops the oldest finished jobs over the history. The caller holds mu.
func (m *Manager) forget() {
	for len(m.jobs) >= m.cfg.History {
		oldest := slices.IndexFunc(m.jobs, func(j *job) bool { return j.State.final() })
		if oldest < 0 {
			return
		}
		m.jobs = slices.Delete(m.jobs, oldest, oldest+1)
	}
}

func (s State) final() bool { return s == Done || s == Failed || s == Canceled }

// List gives the jobs, newest first.
func (m *Manager) List() []Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Job, 0, len(m.jobs))
	for _, j := range slices.Backward(m.jobs) {
		all = append(all, j.snapshot())
	}
	return all
}

// Get gives one job. Fault: NotFound.
func (m *Manager) Get(id string) (Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(id)
	if err != nil {
		return Job{}, err
	}
	return j.snapshot(), nil
}

// Cancel ends a job that waits or runs; a finished one stays as it is. Fault: NotFound.
func (m *Manager) Cancel(id string) (Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(id)
	if err != nil {
		return Job{}, err
	}
	j.cancel()
	if j.State == Queued {
		j.State = Canceled
	}
	return j.snapshot(), nil
}

func (m *Manager) find(id string) (*job, error) {
	i := slices.IndexFunc(m.jobs, func(j *job) bool { return j.ID == id })
	if i < 0 {
		return nil, fault.NotFound("there is no job %q; jobs are remembered until the service restarts", id)
	}
	return m.jobs[i], nil
}

func (j *job) snapshot() Job {
	out := j.Job
	out.Progress = j.run.Progress()
	return out
}

// work runs the jobs in the order they came.
func (m *Manager) work() {
	defer close(m.done)
	for {
		select {
		case j := <-m.queue:
			m.do(j)
		case <-m.life.Done():
			return
		}
	}
}

func (m *Manager) do(j *job) {
	defer j.cancel()
	if !m.turn(j, Running, nil) {
		return
	}
	err := j.run.Do(j.ctx)
	switch {
	case err == nil:
		m.turn(j, Done, nil)
	case errors.Is(err, context.Canceled) && j.ctx.Err() != nil:
		m.turn(j, Canceled, nil)
	default:
		m.turn(j, Failed, err)
		m.log.Error("ingest failed", "job", j.ID, "item", j.Path, "kind", fault.KindOf(err), "err", err)
	}
}

// turn moves a job on and reports false if it was cancelled before it began.
func (m *Manager) turn(j *job, to State, err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j.State == Canceled {
		return false
	}
	j.State, j.Err = to, err
	return true
}
