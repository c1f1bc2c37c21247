package jobs_test

import (
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
)

func TestPauseResumeCancel(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m, _ := p.manage(fast())
	m.Work("")
	folder := album(t, 24, 0)
	job := start(t, m, folder)
	p.open <- struct{}{}
	until(t, m, job.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed >= 4 })
	if paused, err := m.Pause(t.Context(), job.ID); err != nil || paused.State != jobs.Paused {
		t.Errorf("paused: %+v, %v", paused, err)
	}
	if _, err := m.Retry(t.Context(), job.ID); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("a retry of a paused job: %v", err)
	}
	if _, err := m.Resume(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	p.open <- struct{}{}
	until(t, m, job.ID, "gone on", func(j jobs.Job) bool { return j.Progress.Indexed >= 8 })
	canceled, err := m.Cancel(t.Context(), job.ID)
	if err != nil || canceled.State != jobs.Canceled || canceled.Progress.Indexed < 8 || canceled.Progress.Indexed == 24 {
		t.Errorf("canceled: %+v, %v", canceled, err)
	}
	if again, err := m.Cancel(t.Context(), job.ID); err != nil || again.State != jobs.Canceled {
		t.Errorf("canceled again: %+v, %v", again, err)
	}
	if _, err := m.Pause(t.Context(), job.ID); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("a canceled job is paused: %v", err)
	}
	close(p.open)
	if _, err := m.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	want(t, until(t, m, job.ID, "done", final), jobs.Done, 24, 24, 0, 0)
	if _, err := m.Get(t.Context(), "x"); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("an unknown job: %v", err)
	}
}

// TestTurns runs a long job and one that comes later, one batch at a time: they take turns.
func TestTurns(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cfg := fast()
	cfg.Parallel = 1
	m, _ := p.manage(cfg)
	m.Work("")
	long := start(t, m, album(t, 60, 0))
	p.open <- struct{}{}
	until(t, m, long.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed >= 4 })
	short := start(t, m, album(t, 16, 0))
	for range 10 { // batches of four: as many of each but for what was begun before
		p.open <- struct{}{}
	}
	until(t, m, short.ID, "done in its turns", func(j jobs.Job) bool { return j.State == jobs.Done })
	if now, err := m.Get(t.Context(), long.ID); err != nil || now.State.Final() {
		t.Errorf("the long job is %+v, %v", now, err)
	}
	close(p.open)
	want(t, until(t, m, long.ID, "done", final), jobs.Done, 60, 60, 0, 0)
}

// flaky is a source that is away for the first tries of some items.
type flaky struct {
	source.Source
	away map[string]*atomic.Int32 // by the name of the file: tries to come that fail
}

func (f flaky) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if n, ok := f.away[filepath.Base(item.Path)]; ok && n.Add(-1) >= 0 {
		return nil, fault.Unavailable("%s: the network disk is away", item.Path)
	}
	return f.Source.Open(ctx, item)
}

func TestTriesAgainWhereItHelps(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	close(p.open)
	away := map[string]*atomic.Int32{"001.jpg": {}, "002.jpg": {}, "009.jpg": {}}
	away["001.jpg"].Store(1)
	away["002.jpg"].Store(2)
	away["009.jpg"].Store(1_000_000)
	p.source = func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		inner, err := app.OpenSource(ctx, app.Default(), spec, nil)
		return flaky{inner, away}, err
	}
	m, _ := p.manage(fast())
	m.Work("")
	folder := album(t, 12, 1)
	job := start(t, m, folder)
	want(t, until(t, m, job.ID, "done", final), jobs.Done, 13, 11, 0, 2)
	lost := filepath.Join(folder, "02", "009.jpg")
	if f := failuresOf(t, m, job.ID)[lost]; f.Kind != "unavailable" || !strings.Contains(f.Reason, "network disk") {
		t.Errorf("ledger: %+v", f)
	}
	if left := 1_000_000 - away["009.jpg"].Load(); left != 3 {
		t.Errorf("%d tries, want 3", left)
	}
	// Somebody mends both and asks.
	away["009.jpg"].Store(0)
	if err := os.WriteFile(filepath.Join(folder, "00", "broken0.jpg"), apptest.JPEG(t, apptest.Picture(70, apptest.Yellow, apptest.Red)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	want(t, until(t, m, job.ID, "done", final), jobs.Done, 13, 13, 0, 0)
	if all := failuresOf(t, m, job.ID); len(all) != 0 {
		t.Errorf("ledger = %+v", all)
	}
}

// TestCanceledWhileSomeWait cancels a job whose items wait for another try, and has it go on.
func TestCanceledWhileSomeWait(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	close(p.open)
	away := map[string]*atomic.Int32{"001.jpg": {}, "005.jpg": {}}
	for _, n := range away {
		n.Store(1)
	}
	p.source = func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		inner, err := app.OpenSource(ctx, app.Default(), spec, nil)
		return flaky{inner, away}, err
	}
	cfg := fast()
	cfg.Pause = time.Hour
	m, _ := p.manage(cfg)
	m.Work("")
	job := start(t, m, album(t, 12, 1))
	until(t, m, job.ID, "done but for two", func(j jobs.Job) bool { return j.Progress.Indexed == 10 && j.Progress.Failed == 1 })
	if _, err := m.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	want(t, until(t, m, job.ID, "done", final), jobs.Done, 13, 12, 0, 1)
	if failures := failuresOf(t, m, job.ID); len(failures) != 1 {
		t.Errorf("ledger = %+v", failures)
	}
}

// vanishing is a source that goes away in the middle of its listing.
type vanishing struct {
	source.Source
	gone *atomic.Bool
}

func (v vanishing) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		n := 0
		for item, err := range v.Source.Items(ctx, after) {
			if n++; n > 10 && v.gone.Load() {
				yield(source.Item{}, fault.NotFound("the disk is not there"))
				return
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func TestSourceVanishes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	close(p.open)
	gone := &atomic.Bool{}
	gone.Store(true)
	p.source = func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		inner, err := app.OpenSource(ctx, app.Default(), spec, nil)
		return vanishing{inner, gone}, err
	}
	m, _ := p.manage(fast())
	m.Work("")
	job := start(t, m, album(t, 20, 0))
	failed := until(t, m, job.ID, "failed", final)
	want(t, failed, jobs.Failed, 10, 10, 0, 0)
	if failed.Error != "the disk is not there" || failed.Kind != "not_found" {
		t.Errorf("failed with %q, %q", failed.Kind, failed.Error)
	}
	gone.Store(false)
	if _, err := m.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	again := until(t, m, job.ID, "done", final)
	want(t, again, jobs.Done, 20, 20, 0, 0)
	if again.Error != "" {
		t.Errorf("after a retry: %+v", again)
	}
}

func TestCollectionIsDropped(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m, _ := p.manage(fast())
	m.Work("")
	job := start(t, m, album(t, 20, 0))
	p.open <- struct{}{}
	until(t, m, job.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed > 0 })
	if err := p.core.Database().Drop(t.Context(), app.DefaultCollection); err != nil {
		t.Fatal(err)
	}
	close(p.open)
	if failed := until(t, m, job.ID, "failed", final); failed.State != jobs.Failed || failed.Kind != "not_found" {
		t.Errorf("the job is %+v", failed)
	}
}
