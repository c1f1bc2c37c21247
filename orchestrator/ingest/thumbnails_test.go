package ingest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/thumbnail"
)

// hashOf is the SHA-256 of a file, as records have it.
func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func gone() (io.ReadCloser, int64, error) { return nil, 0, fault.NotFound("it has gone") }

// TestThumbnailsAtIngest finds them kept after an ingest, without the originals, and one for twins.
func TestThumbnailsAtIngest(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	red, green := apptest.JPEG(t, apptest.Picture(600, apptest.Red, apptest.White)), apptest.PNG(t, apptest.Picture(80, apptest.Green, apptest.White))
	root := apptest.Write(t, map[string][]byte{"1.jpg": red, "2.png": green, "3.jpg": red, "text.jpg": []byte("text"), "cut.jpg": red[:500]})
	all, _ := items(t, folders(t, root))
	result, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: folders(t, root), Items: all})
	if err != nil || result.Indexed != 3 || len(result.Failures) != 2 || result.Times.Thumbnail <= 0 {
		t.Errorf("%+v, %v", result, err)
	}
	for name, file := range map[string][]byte{"JPEG": red, "PNG": green} {
		if small, err := core.Thumbnails.Get(t.Context(), hashOf(file), gone); err != nil || len(small) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(small), err)
		}
	}
	if core.Thumbnails.Known(hashOf(red[:500])) {
		t.Error("a damaged picture has a thumbnail")
	}
}

// reading counts what is opened.
type reading struct {
	source.Source
	opened atomic.Int32
}

func (r *reading) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	r.opened.Add(1)
	return r.Source.Open(ctx, item)
}

// TestUnchangedWithoutThumbnail does not read a picture again only because its thumbnail is missing.
func TestUnchangedWithoutThumbnail(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	root := many(t, 5)
	old := time.Now().Add(-time.Hour)
	all, _ := items(t, folders(t, root))
	for i := range all {
		if err := os.Chtimes(all[i].Path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	src := &reading{Source: folders(t, root)}
	all, _ = items(t, src)
	without := ingest.New(ingest.Default(), core.Decoder, core.Spec, core.Encoder)
	if first, err := without.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all}); err != nil || first.Indexed != 5 || first.Times.Thumbnail != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || again.Unchanged != 5 || src.opened.Load() != 5 {
		t.Errorf("%+v, %v; %d were opened, want each once", again, err, src.opened.Load())
	}
}

// keeper counts what becomes of thumbnails, and has some already.
type keeper struct {
	has        []string
	kept       atomic.Int32
	unreadable atomic.Int32
}

func (k *keeper) Look() (side, quality int) { return 32, 80 }
func (k *keeper) Known(hash string) bool    { return slices.Contains(k.has, hash) }
func (k *keeper) Keep(_ context.Context, _ string, small []byte) {
	if k.kept.Add(1); len(small) < 4 {
		k.unreadable.Add(1)
	}
}

// TestThumbnailsOnce makes none that is there already, and one for twins.
func TestThumbnailsOnce(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	root := many(t, 12)
	one, err := os.ReadFile(filepath.Join(root, "03.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "twin.jpg"), one, 0o600); err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(filepath.Join(root, "04.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	small := &keeper{has: []string{hashOf(two)}}
	ingester := ingest.New(ingest.Default(), core.Decoder, core.Spec, core.Encoder)
	ingester.KeepThumbnails(small)
	src := folders(t, root)
	all, _ := items(t, src)
	result, err := ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || result.Indexed != 13 || small.kept.Load() != 11 || small.unreadable.Load() != 0 {
		t.Errorf("%+v, %v; kept %d, want 11", result, err, small.kept.Load())
	}
}

// TestThumbnailsNowhere indexes everything where no thumbnail can be kept.
func TestThumbnailsNowhere(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	ingester := ingest.New(ingest.Default(), core.Decoder, core.Spec, core.Encoder)
	ingester.KeepThumbnails(thumbnail.New(thumbnail.NewFolder("/dev/null/nowhere"), thumbnail.Default(), core.Decoder, apptest.Log(t)))
	src := folders(t, many(t, 5))
	all, _ := items(t, src)
	if result, err := ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all}); err != nil || result.Indexed != 5 {
		t.Errorf("%+v, %v", result, err)
	}
}
