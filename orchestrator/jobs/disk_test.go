package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/jobs/natsd"
	"clipseek/orchestrator/source"
)

// smallDisk is a folder with a disk of its own. fill leaves no room on it, and free gives all of that back.
func smallDisk(t *testing.T) (dir string, fill, free func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("a disk of its own cannot be made (not root?): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	fill = func() {
		file, err := os.OpenFile(ballast, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = file.Write(make([]byte, 4096))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		file.Close()
	}
	free = func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
	return dir, fill, free
}

// TestDiskFills has the disk of the index, of the queue, and of both fill up in the middle of a job. The job says so and
// waits; when there is room again it comes to its end by itself, with nothing lost or doubled.
func TestDiskFills(t *testing.T) {
	for name, on := range map[string]struct{ index, queue bool }{"index": {index: true}, "queue": {queue: true}, "both": {index: true, queue: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, fill, free := smallDisk(t)
			cfg := childConfig(t.TempDir(), apptest.Config(t).Encoder.ONNX.Library)
			if on.queue {
				cfg.Data = filepath.Join(dir, "data")
			}
			cfg.Index.Local.File = filepath.Join(t.TempDir(), "index.db")
			if on.index {
				cfg.Index.Local.File = filepath.Join(dir, "index.db")
			}
			cfg.Ingest.Patience = 0 // a batch goes back to the queue at once
			core := apptest.OpenCore(t, cfg)
			all, err := app.OpenJobs(t.Context(), cfg, core, apptest.Log(t))
			if err != nil {
				t.Fatal(err)
			}
			defer all.Close()
			all.Work("")
			const n, bad = 90, 7
			folder := album(t, n, bad)
			job := start(t, all.Manager, folder)
			until(t, all.Manager, job.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed > 10 })
			fill()
			full := until(t, all.Manager, job.ID, "waiting for room", func(j jobs.Job) bool { return j.State.Final() || j.Waiting != "" })
			if full.State != jobs.Running || !strings.Contains(full.Waiting, "no room") && !strings.Contains(full.Waiting, "is its disk full?") {
				t.Errorf("on the full disk the job is %+v", full)
			}
			t.Logf("waiting: %s", full.Waiting)
			free()
			want(t, until(t, all.Manager, job.ID, "done", final), jobs.Done, n+bad, n, 0, bad)
			if failures := failuresOf(t, all.Manager, job.ID); len(failures) != bad {
				t.Errorf("ledger = %+v", failures)
			}
			photos, err := core.Make(t.Context(), cfg.Collection)
			if err != nil {
				t.Fatal(err)
			}
			if rows, err := photos.(index.Counter).Count(t.Context(), nil); err != nil || rows != n {
				t.Errorf("%d rows, %v", rows, err)
			}
		})
	}
}

// TestFolderVanishes removes the folder in the middle of a job: what has been listed and is gone is in the ledger, and when
// the folder is back, a retry makes it whole.
func TestFolderVanishes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m, _ := p.manage(fast())
	m.Work("")
	files := albumFiles(t, 60, 0)
	folder := apptest.Write(t, files)
	job := start(t, m, folder)
	p.open <- struct{}{}
	until(t, m, job.ID, "begun", func(j jobs.Job) bool { return j.Progress.Indexed >= 4 && j.Progress.Listed })
	gone := folder + "-gone"
	if err := os.Rename(folder, gone); err != nil {
		t.Fatal(err)
	}
	close(p.open)
	job = until(t, m, job.ID, "done", final)
	failures := failuresOf(t, m, job.ID)
	if job.State != jobs.Done || job.Progress.Indexed+job.Progress.Failed != 60 || job.Progress.Failed == 0 || len(failures) != int(job.Progress.Failed) {
		t.Errorf("%d in the ledger, the job is %+v", len(failures), job)
	}
	for path, f := range failures {
		if f.Kind != "not_found" || !strings.Contains(f.Reason, path+" is not there") {
			t.Errorf("ledger: %+v", f)
		}
	}
	if err := os.Rename(gone, folder); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	want(t, until(t, m, job.ID, "whole", final), jobs.Done, 60, 60, 0, 0)
}

// counting is an encoder that counts what it encodes.
type counting struct {
	encoder.Encoder
	pictures atomic.Int64
}

func (c *counting) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	c.pictures.Add(int64(batch.N))
	return c.Encoder.EncodeImages(ctx, batch)
}

// first lets only so many items be opened; whoever opens another waits for ever.
type first struct {
	source.Source
	left *atomic.Int64
}

func (f first) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if f.left.Add(-1) < 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.Source.Open(ctx, item)
}

// TestLargeFolder lists 100,000 files in one folder, of a few pictures, in flat memory; the twins among them are encoded
// once.
func TestLargeFolder(t *testing.T) {
	const n, different, parallel = 100_000, 4, 3
	p := newPlace(t)
	count, left := &counting{Encoder: p.core.Encoder}, &atomic.Int64{}
	left.Store(2000)
	folder := largeFolder(t, n, different)
	node, err := natsd.Open(t.Context(), p.dir, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	cfg := jobs.Default()
	cfg.Parallel = parallel
	m, err := jobs.Open(t.Context(), cfg, jobs.Deps{
		Conn: node.Conn(),
		Open: func(ctx context.Context, s jobs.Spec) (source.Source, error) {
			inner, err := p.source(ctx, s)
			return first{inner, left}, err
		},
		Index:    func(ctx context.Context, name, _ string) (index.Index, error) { return p.core.Make(ctx, name) },
		Ingester: ingest.New(ingest.Default(), p.core.Decoder, p.core.Spec, count), Log: apptest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Work("")
	began, peak := time.Now(), uint64(0)
	job := start(t, m, folder)
	job = until(t, m, job.ID, "listed, and some done", func(j jobs.Job) bool {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		peak = max(peak, memory.Sys-memory.HeapReleased)
		return j.Progress.Listed && j.Progress.Indexed >= 1000
	})
	t.Logf("%d listed and %d indexed in %.1f s, at most %d MiB, %d encoded", job.Progress.Found, job.Progress.Indexed, time.Since(began).Seconds(), peak>>20, count.pictures.Load())
	if _, err := m.Cancel(t.Context(), job.ID); err != nil {
		t.Error(err)
	}
	if job.Progress.Found != n || job.Progress.Failed != 0 || peak > 500<<20 {
		t.Errorf("the job is %+v, with %d MiB; want at most 500", job, peak>>20)
	}
	if got := count.pictures.Load(); got < different || got > different*parallel { // batches at the same time may each encode it
		t.Errorf("%d pictures were encoded, want %d, at most %d times each", got, different, parallel)
	}
}

// largeFolder is a folder of n files that are links to a few pictures; a file takes no more than so many links.
func largeFolder(t *testing.T, n, different int) string {
	t.Helper()
	folder := t.TempDir()
	for i := range n {
		path := filepath.Join(folder, fmt.Sprintf("IMG_%06d.jpg", i))
		var err error
		if i < different {
			err = os.WriteFile(path, apptest.JPEG(t, apptest.Picture(40+i, apptest.Red, apptest.White)), 0o600)
		} else {
			err = os.Link(filepath.Join(folder, fmt.Sprintf("IMG_%06d.jpg", i%different)), path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
