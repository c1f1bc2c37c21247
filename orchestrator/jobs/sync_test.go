package jobs_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
)

func startSync(t *testing.T, m *jobs.Manager, limit int64, folders ...string) jobs.Job {
	t.Helper()
	job, _, err := m.Start(t.Context(), jobs.Spec{Sources: folders, Collection: app.DefaultCollection, Sync: jobs.Sync{On: true, Limit: limit}})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func count(t *testing.T, photos index.Index) int64 {
	t.Helper()
	n, err := photos.(index.Counter).Count(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSync removes what has gone at the end of a job, and nothing that is in doubt, from each index there is.
func TestSync(t *testing.T) {
	t.Parallel()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		testSync(t, newPlace(t))
	})
	t.Run("Milvus", func(t *testing.T) {
		t.Parallel()
		cfg := apptest.Config(t)
		cfg.Index.Kind, cfg.Index.Milvus.Address = app.IndexMilvus, serverstest.Milvus(t, servers.MilvusConfig{}).GRPC
		testSync(t, newPlaceIn(t, cfg))
	})
}

func testSync(t *testing.T, p *place) {
	close(p.open)
	m, _ := p.manage(fast())
	m.Work("")
	folder, other := album(t, 14, 1), album(t, 1, 0)
	until(t, m, startSync(t, m, 0, folder, other).ID, "done", final)
	remove := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove("00/000.jpg", "01/001.jpg")
	if err := os.WriteFile(filepath.Join(folder, "02", "002.jpg"), []byte("broken now"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := jobs.Spec{Sources: []string{folder}}
	if gone, err := m.Gone(t.Context(), p.photos, spec); err != nil || gone.Count != 2 || gone.Rows != 14 || count(t, p.photos) != 15 {
		t.Errorf("gone = %+v, %v", gone, err)
	}
	done := until(t, m, startSync(t, m, 0, folder).ID, "done", final)
	want(t, done, jobs.Done, 13, 0, 11, 2)
	if n := count(t, p.photos); done.Progress.Removed != 2 || done.Progress.Notice != "" || n != 13 {
		t.Errorf("%d records, %+v", n, done.Progress)
	}

	remove("00/007.jpg", "01/008.jpg") // leaves a folder with what is broken, and an empty one
	done = until(t, m, startSync(t, m, 0, folder).ID, "done", final)
	if n := count(t, p.photos); done.State != jobs.Done || done.Progress.Removed != 0 || n != 13 || !strings.Contains(done.Progress.Notice, "set the limit to 2") {
		t.Errorf("%d records, %+v", n, done)
	}
	if _, err := m.Retry(t.Context(), done.ID); err != nil { // which looks again
		t.Fatal(err)
	}
	done = until(t, m, done.ID, "done", final)
	if done.Progress.Removed != 0 || done.Progress.Notice == "" {
		t.Errorf("after a retry: %+v", done.Progress)
	}
	done = until(t, m, startSync(t, m, 2, folder).ID, "done", final)
	if n := count(t, p.photos); done.Progress.Removed != 2 || done.Progress.Notice != "" || n != 11 {
		t.Errorf("%d records, %+v", n, done.Progress)
	}
	plain := until(t, m, start(t, m, other).ID, "done", final)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Start(t.Context(), jobs.Spec{Sources: []string{folder}, Collection: app.DefaultCollection, Sync: jobs.Sync{On: true}}); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("a folder that has vanished: %v", err)
	}
	if n := count(t, p.photos); n != 11 || plain.Progress.Removed != 0 {
		t.Errorf("%d records are left, %+v", n, plain)
	}
}

// TestSyncOfBrokenListing has a source that cannot be listed to its end: the job fails, and nothing is removed.
func TestSyncOfBrokenListing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	close(p.open)
	m, _ := p.manage(fast())
	m.Work("")
	folder := album(t, 6, 0)
	until(t, m, startSync(t, m, 0, folder).ID, "done", final)
	p.source = func(ctx context.Context, spec jobs.Spec) (source.Source, error) {
		inner, err := app.OpenSource(ctx, app.Default(), spec, nil)
		return failing{inner}, err
	}
	if err := os.Remove(filepath.Join(folder, "00", "000.jpg")); err != nil {
		t.Fatal(err)
	}
	done := until(t, m, startSync(t, m, 0, folder).ID, "failed", final)
	if n := count(t, p.photos); done.State != jobs.Failed || done.Progress.Removed != 0 || done.Progress.Notice == "" || n != 6 {
		t.Errorf("%d records, %+v", n, done)
	}
}

// failing is a source whose listing breaks.
type failing struct{ source.Source }

func (f failing) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range f.Source.Items(ctx, after) {
			if !yield(item, err) {
				return
			}
		}
		yield(source.Item{}, fault.Forbidden("the rest cannot be listed"))
	}
}

// shortsighted is a source that kills the process when it has looked at so many records.
type shortsighted struct {
	source.Source
	parts []source.Source
	left  int
}

func (s *shortsighted) Traces() []source.Traces {
	all := s.parts[0].(source.Tracer).Traces()
	inner := all[0].File
	all[0].File = func(path, from string) (string, bool) {
		if s.left--; s.left < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return inner(path, from)
	}
	return all
}

// TestSyncKilled kills a process while it removes what has gone, twice; the next goes on and the count is right.
func TestSyncKilled(t *testing.T) {
	t.Parallel()
	const rows, there = 3_500, 4
	folder, data := album(t, there, 0), t.TempDir()
	cfg := childConfig(data, apptest.Config(t).Encoder.ONNX.Library)
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	vector := make([]float32, core.Card.Width)
	vector[0] = 1
	records := make([]index.Record, rows)
	for i := range records {
		path := fmt.Sprintf("%s/gone/%d.jpg", folder, i)
		records[i] = index.Record{ID: index.ID(path), Path: path, Vector: vector, Fields: map[string]any{index.FieldSource: folder}}
	}
	if err := photos.Upsert(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	left := rows
	for range 2 { // in the second page of what it removes
		p := begin(t, data, folder, fmt.Sprintf("%s=%d", childSync, left+there+1_500))
		if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process was to be killed: %v\n%s", err, p.err)
		}
		left -= 1_000
		if n := count(t, photos); n != int64(left+there) {
			t.Fatalf("%d records are left, want %d", n, left+there)
		}
	}
	job := begin(t, data, folder, childSync+"=0").end(t)
	want(t, job, jobs.Done, there, there, 0, 0)
	if n := count(t, photos); job.Progress.Removed != rows || job.Progress.Notice != "" || n != there {
		t.Errorf("%d records, %+v", n, job.Progress)
	}
}
