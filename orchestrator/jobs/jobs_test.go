package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/jobs/natsd"
	"clipseek/orchestrator/source"
)

// gate is the real encoder behind a gate, so that a test decides when a batch goes through: one for each value received,
// all when it is closed.
type gate struct {
	encoder.Encoder
	open chan struct{}
}

func (g gate) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	select {
	case <-g.open:
		return g.Encoder.EncodeImages(ctx, batch)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fast is a configuration whose pauses a test can wait for.
func fast() jobs.Config {
	cfg := jobs.Default()
	cfg.Batch, cfg.Pause, cfg.Lease = 4, 20*time.Millisecond, 500*time.Millisecond
	return cfg
}

// place is a data folder with a running model, on which managers are opened and closed.
type place struct {
	t      *testing.T
	core   *app.Core
	photos index.Index
	dir    string
	open   chan struct{} // of the gate
	source func(context.Context, jobs.Spec) (source.Source, error)
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return newPlaceIn(t, apptest.Config(t))
}

func newPlaceIn(t *testing.T, cfg app.Config) *place {
	t.Helper()
	p := &place{t: t, core: apptest.OpenCore(t, cfg), dir: filepath.Join(cfg.Data, "jobs"), open: make(chan struct{}), source: app.Opener(app.Default(), apptest.Log(t))}
	var err error
	if p.photos, err = p.core.Make(t.Context(), app.DefaultCollection); err != nil {
		t.Fatal(err)
	}
	return p
}

// manage opens a manager, as a process does; stop closes it, as an orderly end does.
func (p *place) manage(cfg jobs.Config) (m *jobs.Manager, stop func()) {
	p.t.Helper()
	node, err := natsd.Open(p.t.Context(), p.dir, apptest.Log(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	impatient := ingest.Default()
	impatient.Patience, impatient.Group = 0, 4
	m, err = jobs.Open(p.t.Context(), cfg, jobs.Deps{
		Conn: node.Conn(), Open: func(ctx context.Context, s jobs.Spec) (source.Source, error) { return p.source(ctx, s) },
		Index:    func(ctx context.Context, name, _ string) (index.Index, error) { return p.core.Make(ctx, name) },
		Ingester: ingest.New(impatient, p.core.Decoder, p.core.Spec, gate{p.core.Encoder, p.open}), Log: apptest.Log(p.t),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	closed := false
	stop = func() {
		if closed {
			return
		}
		closed = true
		if err := errors.Join(m.Close(), node.Close()); err != nil {
			p.t.Error(err)
		}
	}
	p.t.Cleanup(stop)
	return m, stop
}

// until waits for a job to be as it should; the test's own deadline bounds it.
func until(t *testing.T, m *jobs.Manager, id string, what string, holds func(jobs.Job) bool) jobs.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last jobs.Job
	for job := range m.Watch(ctx, id, 5*time.Millisecond) {
		if last = job; holds(job) {
			return job
		}
	}
	t.Fatalf("never %s; the job is %+v", what, last)
	return last
}

func final(j jobs.Job) bool { return j.State.Final() }

func start(t *testing.T, m *jobs.Manager, folder string) jobs.Job {
	t.Helper()
	job, _, err := m.Start(t.Context(), jobs.Spec{Sources: []string{folder}, Collection: app.DefaultCollection})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// album is a folder of n pictures that all differ, and some broken files.
func album(t *testing.T, n, broken int) string {
	t.Helper()
	return apptest.Write(t, albumFiles(t, n, broken))
}

func albumFiles(t *testing.T, n, broken int) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for i := range n {
		disc := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 53), 255}
		files[fmt.Sprintf("%02d/%03d.jpg", i%7, i)] = apptest.JPEG(t, apptest.Picture(48+i%40, disc, apptest.White))
	}
	for i := range broken {
		files[fmt.Sprintf("%02d/broken%d.jpg", i%7, i)] = []byte(fmt.Sprintf("no picture %d", i))
	}
	return files
}

func failuresOf(t *testing.T, m *jobs.Manager, id string) map[string]jobs.Failure {
	t.Helper()
	all := map[string]jobs.Failure{}
	for f, err := range m.Failures(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[f.Path]; twice {
			t.Errorf("%s is in the ledger twice", f.Path)
		}
		all[f.Path] = f
	}
	return all
}

// want compares the counts found, indexed, unchanged and failed.
func want(t *testing.T, j jobs.Job, state jobs.State, found, indexed, unchanged, failed int64) {
	t.Helper()
	if p := j.Progress; j.State != state || p.Found != found || p.Indexed != indexed || p.Unchanged != unchanged || p.Failed != failed {
		t.Errorf("%s: found %d indexed %d unchanged %d failed %d, want %s: %d %d %d %d\n%+v", j.State, p.Found, p.Indexed, p.Unchanged, p.Failed,
			state, found, indexed, unchanged, failed, j)
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	close(p.open)
	m, _ := p.manage(fast())
	folder := album(t, 30, 3)
	if err := os.Symlink("nowhere", filepath.Join(folder, "gone.jpg")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "caf\xe9.jpg"), apptest.JPEG(t, apptest.Picture(50, apptest.Red, apptest.Red)), 0o600); err != nil {
		t.Fatal(err)
	}
	job := start(t, m, folder)
	if job.State != jobs.Queued || job.Path() != folder {
		t.Errorf("a new job is %+v", job)
	}
	if same := start(t, m, folder); same.ID != job.ID {
		t.Errorf("asked for twice: %s and %s", job.ID, same.ID)
	}
	m.Work("")
	done := until(t, m, job.ID, "done", final)
	want(t, done, jobs.Done, 35, 30, 0, 5)
	if done.Ended.IsZero() || done.Progress.Elapsed <= 0 || done.Progress.Bytes == 0 || done.Progress.Times.Encode <= 0 || done.Progress.Times.Decode <= 0 {
		t.Errorf("the summary lacks something: %+v", done)
	}
	failures := failuresOf(t, m, job.ID)
	if len(failures) != 5 || failures[filepath.Join(folder, "gone.jpg")].Kind != "not_found" || failures[filepath.Join(folder, "caf\uFFFD.jpg")].Kind != "invalid" {
		t.Errorf("ledger = %+v", failures)
	}
	again := start(t, m, folder)
	if again.ID == job.ID {
		t.Error("a finished job is begun again")
	}
	want(t, until(t, m, again.ID, "done", final), jobs.Done, 35, 0, 30, 5)
	list, err := m.List(t.Context())
	if err != nil || len(list) != 2 || list[0].ID != again.ID {
		t.Errorf("list = %+v, %v", list, err)
	}
}

func TestRestartInTheMiddle(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	folder := album(t, 40, 5)
	// The listing stops in the middle, twice.
	var listed atomic.Int32
	stopAt := func(n int32) {
		listed.Store(-n)
		p.source = func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
			inner, err := app.OpenSource(ctx, app.Default(), spec, nil)
			return halting{inner, &listed}, err
		}
	}
	stopAt(17)
	m, stop := p.manage(fast())
	job := start(t, m, folder)
	m.Work("")
	p.open <- struct{}{}
	p.open <- struct{}{}
	until(t, m, job.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed > 0 && j.Progress.Found > 0 })
	stop()
	stopAt(20)
	m, stop = p.manage(fast())
	m.Work("")
	p.open <- struct{}{}
	until(t, m, job.ID, "listed further", func(j jobs.Job) bool { return j.Progress.Found > 4 })
	stop()
	p.source = app.Opener(app.Default(), apptest.Log(t))
	close(p.open)
	m, _ = p.manage(fast())
	m.Work("")
	want(t, until(t, m, job.ID, "done", final), jobs.Done, 45, 40, 0, 5)
	if failures := failuresOf(t, m, job.ID); len(failures) != 5 {
		t.Errorf("ledger = %+v", failures)
	}
	if n, err := p.photos.(index.Counter).Count(t.Context(), nil); err != nil || n != 40 {
		t.Errorf("%d records, %v", n, err)
	}
}

// halting is a source whose listing waits for ever after some items.
type halting struct {
	source.Source
	left *atomic.Int32 // counts up to 0
}

func (h halting) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range h.Source.Items(ctx, after) {
			if h.left.Add(1) > 0 {
				<-ctx.Done()
				yield(source.Item{}, ctx.Err())
				return
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func TestQueueBounds(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cfg := fast()
	cfg.Waiting, cfg.History = 2, 1
	m, stop := p.manage(cfg)
	folders := []string{album(t, 2, 1), album(t, 2, 1), album(t, 2, 1)}
	first := start(t, m, folders[0])
	second := start(t, m, folders[1])
	if _, _, err := m.Start(t.Context(), jobs.Spec{Sources: folders[2:], Collection: "c"}); fault.KindOf(err) != fault.KindOverloaded || fault.RetryAfter(err) == 0 {
		t.Errorf("a third job: %v", err)
	}
	if _, _, err := m.Start(t.Context(), jobs.Spec{Sources: []string{filepath.Join(folders[0], "nowhere")}}); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := m.Cancel(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	close(p.open)
	m.Work("")
	until(t, m, second.ID, "done", final)
	third := start(t, m, folders[2])
	until(t, m, third.ID, "done", final)
	forgotten := time.After(30 * time.Second)
	for {
		list, err := m.List(t.Context())
		if err == nil && len(list) == 1 && list[0].ID == third.ID {
			break
		}
		select {
		case <-forgotten:
			t.Fatalf("old jobs are not forgotten: %+v, %v", list, err)
		case <-time.After(5 * time.Millisecond): // between questions, not for a result
		}
	}
	stop()
	if _, _, err := m.Start(t.Context(), jobs.Spec{Sources: folders[:1]}); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	err := errors.Join(jobs.Config{}.Validate(), jobs.NATS{Credentials: "x"}.Validate())
	for _, key := range []string{"waiting", "history", "batch", "ahead", "parallel", "tries", "pause", "lease", "replicas", "url"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v lacks %s", err, key)
		}
	}
}
