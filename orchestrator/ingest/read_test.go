package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/web"
)

// turnstile holds callers back until so many are inside at once, then lets these go, and so on.
type turnstile struct {
	wanted  int
	reached func(inside int) // is told each time, if not nil

	mu     sync.Mutex
	inside int
	gate   chan struct{}
}

func newTurnstile(wanted int) *turnstile {
	return &turnstile{wanted: wanted, gate: make(chan struct{})}
}

func (s *turnstile) pass(ctx context.Context) error {
	s.mu.Lock()
	s.inside++
	gate := s.gate
	if s.reached != nil {
		s.reached(s.inside)
	}
	if s.inside == s.wanted {
		close(gate)
		s.gate, s.inside = make(chan struct{}), 0
	}
	s.mu.Unlock()
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// slow is a source whose pictures open by turns.
type slow struct {
	source.Source
	turns *turnstile
}

func (s slow) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if err := s.turns.pass(ctx); err != nil {
		return nil, err
	}
	return s.Source.Open(ctx, item)
}

const (
	readers = 8
	workers = 2
)

func readersConfig() ingest.Config {
	cfg := ingest.Default()
	cfg.Readers, cfg.Workers = readers, workers
	return cfg
}

// patience is how long a test waits for what would never come; it fails then.
const patience = time.Minute

// TestFilesAreReadAhead has files that do not open before so many are asked for as there are readers, with fewer workers.
func TestFilesAreReadAhead(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	ingester := ingest.New(readersConfig(), core.Decoder, core.Spec, core.Encoder)
	src := slow{folders(t, many(t, 3*readers)), newTurnstile(readers)}
	all, _ := items(t, src)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := ingester.Do(ctx, ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || result.Indexed != 3*readers || len(result.Failures) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestReadingEndsWithItsContext asks for one file more than there are readers, so that none ever opens, and ends the batch
// when all readers wait.
func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	ingester := ingest.New(readersConfig(), core.Decoder, core.Spec, core.Encoder)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	src := slow{folders(t, many(t, 3*readers)), newTurnstile(readers + 1)}
	src.turns.reached = func(inside int) {
		if inside == readers {
			cancel()
		}
	}
	all, _ := items(t, src)
	result, err := ingester.Do(ctx, ingest.Work{Collection: photos, Source: src, Items: all})
	if !errors.Is(err, context.Canceled) || result.Indexed != 0 || len(result.Failures) != 0 {
		t.Errorf("%+v, %v; want the end of the context and nothing else", result, err)
	}
}

// TestListIsFetchedByReaders has a server that answers nobody before as many have asked as there are readers.
func TestListIsFetchedByReaders(t *testing.T) {
	t.Parallel()
	turns := newTurnstile(readers)
	picture := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turns.pass(r.Context()) == nil {
			_, _ = w.Write(append(bytes.Clone(picture), r.URL.Path...))
		}
	}))
	t.Cleanup(server.Close)
	cfg := web.Default()
	cfg.AllowPrivate, cfg.PerHost = true, 2*readers
	client, err := web.New(cfg, 1<<20, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	var list strings.Builder
	for i := range 2 * readers {
		fmt.Fprintf(&list, "%s/%d.jpg\n", server.URL, i)
	}
	path := filepath.Join(t.TempDir(), "urls.txt")
	if err := os.WriteFile(path, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := web.NewList(path, client)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := items(t, src)
	core, photos := open(t)
	ingester := ingest.New(readersConfig(), core.Decoder, core.Spec, core.Encoder)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := ingester.Do(ctx, ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || result.Indexed != 2*readers || len(result.Failures) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
}

// panics is a source that breaks over one picture.
type panics struct{ source.Source }

func (p panics) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if strings.HasSuffix(item.Path, "03.jpg") {
		panic("odd")
	}
	return p.Source.Open(ctx, item)
}

func TestPanicOfASource(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	src := panics{folders(t, many(t, 30))}
	all, _ := items(t, src)
	result, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || result.Indexed != 29 || len(result.Failures) != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}
