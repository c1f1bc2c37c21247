package jobs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
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
)

// gate is the real encoder behind a gate, so that a test decides when a batch goes through.
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

// setup gives a manager whose encoder waits at the gate, a collection, and a folder of three pictures.
func setup(t *testing.T, cfg jobs.Config) (m *jobs.Manager, photos index.Index, folder string, open chan struct{}) {
	t.Helper()
	all := apptest.Config(t)
	core := apptest.OpenCore(t, all)
	photos, err := core.Make(t.Context(), app.DefaultCollection)
	if err != nil {
		t.Fatal(err)
	}
	open = make(chan struct{})
	impatient := ingest.Default()
	impatient.Patience = 0 // what does not answer fails at once
	m = jobs.Open(cfg, ingest.New(impatient, core.Decoder, core.Spec, gate{core.Encoder, open}), apptest.Log(t))
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	files := map[string][]byte{}
	for i := range 3 {
		files[fmt.Sprintf("%d.png", i)] = apptest.PNG(t, apptest.Picture(40+i, apptest.Red, apptest.White))
	}
	return m, photos, apptest.Write(t, files), open
}

// until waits for a state; the test's own deadline bounds it.
func until(t *testing.T, m *jobs.Manager, id string, state jobs.State) jobs.Job {
	t.Helper()
	for {
		job, err := m.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if job.State == state {
			return job
		}
		if t.Context().Err() != nil {
			t.Fatalf("the job is %s, want %s", job.State, state)
		}
		time.Sleep(time.Millisecond) // between questions, not for a result
	}
}

func start(t *testing.T, m *jobs.Manager, photos index.Index, folder string) jobs.Job {
	t.Helper()
	job, err := m.Start(folder, app.DefaultCollection, photos)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestQueue(t *testing.T) {
	t.Parallel()
	m, photos, folder, open := setup(t, jobs.Config{Waiting: 2, History: 3})
	first := start(t, m, photos, folder)
	until(t, m, first.ID, jobs.Running)
	second, third := start(t, m, photos, folder), start(t, m, photos, folder)
	if _, err := m.Start(folder, app.DefaultCollection, photos); fault.KindOf(err) != fault.KindOverloaded || fault.RetryAfter(err) == 0 {
		t.Errorf("a fourth job: %v", err)
	}
	if job, err := m.Cancel(second.ID); err != nil || job.State != jobs.Canceled {
		t.Errorf("a waiting job that is cancelled: %+v, %v", job, err)
	}
	close(open)
	if done := until(t, m, first.ID, jobs.Done); done.Progress.Indexed != 3 || done.Progress.Elapsed <= 0 {
		t.Errorf("first = %+v", done)
	}
	if done := until(t, m, third.ID, jobs.Done); done.Progress.Indexed+done.Progress.Unchanged != 3 {
		t.Errorf("third = %+v", done)
	}
	fourth := start(t, m, photos, folder) // the history holds three: the oldest is forgotten
	until(t, m, fourth.ID, jobs.Done)
	list := m.List()
	if len(list) != 3 || list[0].ID != fourth.ID || list[2].ID != second.ID || list[2].State != jobs.Canceled {
		t.Errorf("list = %+v", list)
	}
	if _, err := m.Get(first.ID); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a forgotten job: %v", err)
	}
}

func TestCancelRunning(t *testing.T) {
	t.Parallel()
	m, photos, folder, open := setup(t, jobs.Default())
	job := start(t, m, photos, folder)
	until(t, m, job.ID, jobs.Running)
	if _, err := m.Cancel(job.ID); err != nil {
		t.Fatal(err)
	}
	until(t, m, job.ID, jobs.Canceled)
	close(open)
	again := start(t, m, photos, folder)
	if done := until(t, m, again.ID, jobs.Done); done.Progress.Indexed != 3 {
		t.Errorf("asked again: %+v", done)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	m, photos, folder, _ := setup(t, jobs.Default())
	if _, err := m.Start(filepath.Join(folder, "nowhere"), app.DefaultCollection, photos); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := m.Cancel("x"); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("an unknown job: %v", err)
	}
	if err := photos.Close(); err != nil {
		t.Fatal(err)
	}
	job := start(t, m, photos, folder)
	if failed := until(t, m, job.ID, jobs.Failed); fault.KindOf(failed.Err) != fault.KindUnavailable {
		t.Errorf("a closed index: %+v", failed)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Start(folder, app.DefaultCollection, photos); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("after Close: %v", err)
	}
	if err := (jobs.Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "waiting") || !strings.Contains(err.Error(), "history") {
		t.Errorf("an empty configuration: %v", err)
	}
}
