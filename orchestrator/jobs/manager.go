package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// Deps are the parts that jobs are done with. The manager closes none of them.
type Deps struct {
	Conn *nats.Conn
	// Mend, if not nil, has this process's NATS server start again. It is called, perhaps often, while the queue does not take
	// what it is given: a server that once found the disk full takes nothing more.
	Mend func()
	// Open makes a source of what a Spec names. It is asked once for each job and process.
	// What comes back is closed if it is an io.Closer.
	Open func(ctx context.Context, spec Spec) (source.Source, error)
	// Index opens the collection and partition, and makes them if need be.
	Index func(ctx context.Context, collection, partition string) (index.Index, error)
	// Home names the model and the index that this process works for. Jobs of others are shown and left alone.
	Home string
	// Ingester does batches; nil where the process only looks at jobs.
	Ingester *ingest.Ingester
	Log      *slog.Logger
}

// Manager makes jobs, works on them, and tells how they stand. It is safe for concurrent use.
type Manager struct {
	cfg   Config
	deps  Deps
	store *store
	log   *slog.Logger

	life   context.Context //nolint:containedctx // ends with Close
	stop   context.CancelFunc
	wait   sync.WaitGroup
	slots  chan struct{} // one for each batch under way; whoever waits longest is next, so jobs take turns
	caught chan struct{} // closed when all jobs there were are known
	alone  sync.RWMutex  // held for writing by a batch under which processes have died

	mu      sync.Mutex
	jobs    map[string]*job
	changed chan struct{} // closed and replaced whenever a snapshot may look different
	works   bool
	only    string // the job that this process works on; "" is all
	stuck   func(error)
	failed  func(Failure)
}

// job is what this process knows of a job. Manager.mu guards it.
type job struct {
	id       string
	rec      record
	revision uint64
	tally    *tally // nil when it is final
	caught   chan struct{}
	unfollow context.CancelFunc
	unwork   context.CancelFunc // nil while this process does not work on it
	waiting  string
}

// Open makes what is needed in NATS and learns which jobs there are. Work begins with Work or Run. Close is owed.
// Fault: Unavailable.
func Open(ctx context.Context, cfg Config, deps Deps) (*Manager, error) {
	s, err := openStore(ctx, cfg, deps)
	if err != nil {
		return nil, err
	}
	bucket, err := s.js.Stream(ctx, "KV_"+jobBucket)
	if err != nil {
		return nil, unanswered(err)
	}
	life, stop := context.WithCancel(context.Background())
	m := &Manager{
		cfg: cfg, deps: deps, store: s, log: deps.Log, life: life, stop: stop, slots: make(chan struct{}, cfg.Parallel),
		caught: make(chan struct{}), jobs: map[string]*job{}, changed: make(chan struct{}),
	}
	m.wait.Go(func() {
		s.follow(life, bucket, "$KV."+jobBucket+".>", m.hear, sync.OnceFunc(func() { close(m.caught) }))
	})
	select {
	case <-m.caught:
		return m, nil
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), m.Close())
	}
}

// Close lets go of the batches under way, which go back to the queue, and returns when nothing runs any more.
func (m *Manager) Close() error {
	m.stop()
	m.wait.Wait()
	return nil
}

// Work begins to work on a job, or on all for "", also those that are yet to come.
func (m *Manager) Work(only string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.works, m.only = true, only
	for _, j := range m.jobs {
		m.react(j)
	}
}

// Start accepts a job: when it returns, the job is on the disk. A job of the same spec that is not finished is that job;
// fresh tells which. Faults: those of Deps.Open, Overloaded, Unavailable.
func (m *Manager) Start(ctx context.Context, spec Spec) (_ Job, fresh bool, err error) {
	if m.life.Err() != nil {
		return Job{}, false, fault.Unavailable("the service is shutting down")
	}
	src, err := m.deps.Open(ctx, spec)
	if err == nil {
		err = closeSource(src)
	}
	if err != nil {
		return Job{}, false, err
	}
	same, unfinished := m.sameAs(spec)
	if same != "" {
		job, err := m.Resume(ctx, same)
		return job, false, err
	}
	if err := m.room(unfinished); err != nil {
		return Job{}, false, err
	}
	id := rand.Text()
	rec := record{Spec: spec, Home: m.deps.Home, State: Queued, Created: time.Now().UTC()}
	text, err := encode(rec)
	if err != nil {
		return Job{}, false, err
	}
	revision, err := m.store.jobs.Create(ctx, id, text)
	if err != nil {
		return Job{}, false, unanswered(err)
	}
	first, err := m.claim(ctx, rec, id)
	if err != nil {
		return Job{}, false, unanswered(err)
	}
	if first != id { // another process was faster
		if err := m.store.jobs.Purge(ctx, id); err != nil {
			return Job{}, false, unanswered(err)
		}
		job, err := m.Resume(ctx, first)
		return job, false, err
	}
	m.know(id, rec, revision)
	m.prune(ctx)
	job, err := m.Get(ctx, id)
	return job, true, err
}

// Room tells ahead of Start whether another job would be refused. Fault: Overloaded.
func (m *Manager) Room() error {
	_, unfinished := m.sameAs(Spec{})
	return m.room(unfinished)
}

func (m *Manager) room(unfinished int) error {
	if unfinished >= m.cfg.Waiting {
		return fault.Overloaded("%d jobs are unfinished, as many as the configuration allows; try again when one is done, or cancel one", unfinished).After(10 * time.Second)
	}
	return nil
}

// sameAs finds the unfinished job of a spec, and counts all that are unfinished.
func (m *Manager) sameAs(spec Spec) (id string, unfinished int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other, j := range m.jobs {
		if j.rec.State.Final() {
			continue
		}
		unfinished++
		if j.rec.Home == m.deps.Home && reflect.DeepEqual(j.rec.Spec, spec) {
			id = other
		}
	}
	return id, unfinished
}

// hear takes a message of the bucket.
func (m *Manager) hear(message jetstream.Msg) {
	id := batchOf(message.Subject())
	at, err := message.Metadata()
	if err != nil || strings.Contains(message.Subject(), claims) {
		return
	}
	if message.Headers().Get("KV-Operation") != "" { // deleted
		m.mu.Lock()
		defer m.mu.Unlock()
		if j, ok := m.jobs[id]; ok {
			m.release(j)
			delete(m.jobs, id)
			m.tell()
		}
		return
	}
	var rec record
	if err := decode(message.Data(), &rec); err != nil {
		m.log.Error("a job cannot be read", "job", id, "err", err)
		return
	}
	m.know(id, rec, at.Sequence.Stream)
}

// know takes a job's record, unless a later one is known.
func (m *Manager) know(id string, rec record, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.jobs[id]
	if !ok {
		j = &job{id: id}
		m.jobs[id] = j
	}
	if revision <= j.revision {
		return
	}
	j.rec, j.revision = rec, revision
	m.react(j)
	m.tell()
}

// react begins and ends what this process does for a job, as its state asks. The caller holds mu.
func (m *Manager) react(j *job) {
	if m.life.Err() != nil {
		return
	}
	if j.rec.State.Final() {
		m.release(j)
		return
	}
	if j.tally == nil {
		m.followResults(j)
	}
	mine := m.works && (m.only == "" || m.only == j.id) && m.deps.Ingester != nil && j.rec.Home == m.deps.Home
	switch active := mine && j.rec.State != Paused; {
	case active && j.unwork == nil:
		ctx, stop := context.WithCancel(m.life)
		j.unwork = stop
		m.wait.Go(func() { m.run(ctx, j.id) })
	case !active && j.unwork != nil:
		j.unwork()
		j.unwork = nil
	}
}

// release ends what this process does for a job. The caller holds mu.
func (m *Manager) release(j *job) {
	if j.unwork != nil {
		j.unwork()
		j.unwork = nil
	}
	if j.unfollow != nil {
		j.unfollow()
		j.unfollow, j.tally = nil, nil
	}
	j.waiting = ""
}

// followResults keeps a tally for the job. The caller holds mu.
func (m *Manager) followResults(j *job) {
	ctx, stop := context.WithCancel(m.life)
	t, caught := newTally(j.rec.Created), make(chan struct{})
	j.tally, j.caught, j.unfollow = t, caught, stop
	take := func(message jetstream.Msg) {
		var o outcome
		at, err := message.Metadata()
		if err == nil {
			err = decode(message.Data(), &o)
		}
		if err != nil {
			m.log.Error("the outcome of a batch cannot be read", "job", j.id, "batch", batchOf(message.Subject()), "err", err)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		t.take(batchOf(message.Subject()), o, at.Timestamp)
		t.newest = max(t.newest, at.Sequence.Stream)
		m.tell()
	}
	m.wait.Go(func() {
		m.store.follow(ctx, m.store.results, resultSubject(j.id, "*"), take, sync.OnceFunc(func() { close(caught) }))
	})
}

// tell wakes whoever waits for a change. The caller holds mu.
func (m *Manager) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *Manager) waitFor(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j, ok := m.jobs[id]; ok {
		j.waiting = ""
		if err != nil {
			j.waiting = fault.Public(err)
		}
		m.tell()
	}
}
