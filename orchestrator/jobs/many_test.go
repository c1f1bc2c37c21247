package jobs_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
)

// endless is a source of n items. The first are not there; whoever opens another waits for ever.
type endless struct{ n int }

func (endless) Name() string { return "endless" }

func (e endless) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		first, _ := strconv.Atoi(after)
		for i := first + 1; i <= e.n && ctx.Err() == nil; i++ {
			path := fmt.Sprintf("/srv/pictures/of/somebody/%06d/IMG_%08d.jpg", i/1000, i)
			item := source.Item{Key: path, Path: path, Source: "/srv/pictures", Label: "somebody", Bytes: 1 << 20, Modified: time.Unix(int64(i), 0), Place: strconv.Itoa(i)}
			if !yield(item, nil) {
				return
			}
		}
	}
}

const missing = 20_000

func (endless) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if n, _ := strconv.Atoi(item.Place); n > missing {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, fault.NotFound("it is not there")
}

// TestManyItems lists and queues items, of which some are done meanwhile, in flat memory: 100,000, or as many as
// JOBS_TEST_ITEMS says. A million take a minute and less memory than is allowed here.
func TestManyItems(t *testing.T) {
	n := 100_000
	if asked, err := strconv.Atoi(os.Getenv("JOBS_TEST_ITEMS")); err == nil {
		n = asked
	}
	const mostMiB = 500
	p := newPlace(t)
	p.source = func(context.Context, jobs.Spec) (source.Source, error) { return endless{n}, nil }
	cfg := jobs.Default()
	cfg.Ahead = 30_000
	m, _ := p.manage(cfg)
	m.Work("")
	job := start(t, m, "everything")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	peak := uint64(0)
	began := time.Now()
	for job = range m.Watch(ctx, job.ID, 20*time.Millisecond) {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		peak = max(peak, memory.Sys-memory.HeapReleased)
		if job.Progress.Listed {
			break
		}
	}
	t.Logf("%d items in %.1f s, %d failed meanwhile, at most %d MiB", job.Progress.Found, time.Since(began).Seconds(), job.Progress.Failed, peak>>20)
	if job.Progress.Found != int64(n) || peak > mostMiB<<20 {
		t.Errorf("%d items were listed, with %d MiB; want %d with at most %d", job.Progress.Found, peak>>20, n, mostMiB)
	}
	if _, err := m.Cancel(t.Context(), job.ID); err != nil {
		t.Error(err)
	}
}
