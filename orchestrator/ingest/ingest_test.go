package ingest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// do runs one ingest of root and returns its summary.
func do(t *testing.T, core *app.Core, photos index.Index, root string) ingest.Progress {
	t.Helper()
	src, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	run := core.Ingester.NewRun(src, photos, nil)
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	return run.Progress()
}

func open(t *testing.T) (*app.Core, index.Index) {
	t.Helper()
	cfg := apptest.Config(t)
	cfg.Ingest.Group, cfg.Ingest.Batch = 4, 7
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	return core, photos
}

// check compares the counts found, indexed, unchanged and failed.
func check(t *testing.T, p ingest.Progress, found, indexed, unchanged, failed int64) {
	t.Helper()
	if p.Found != found || p.Indexed != indexed || p.Unchanged != unchanged || p.Failed != failed || !p.Listed {
		t.Errorf("found %d indexed %d unchanged %d failed %d (listed %v), want %d %d %d %d\n%+v",
			p.Found, p.Indexed, p.Unchanged, p.Failed, p.Listed, found, indexed, unchanged, failed, p.Failures)
	}
}

// bomb is a PNG whose header promises 30,000 x 30,000 pixels.
func bomb() []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), 30_000)
	header = binary.BigEndian.AppendUint32(header, 30_000)
	header = append(header, 8, 2, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	file = append(file, header...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(header))
}

func TestIngestSkipsWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	red := apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White))
	root := apptest.Write(t, map[string][]byte{
		"apple/1.jpg": red,
		"apple/2.png": apptest.PNG(t, apptest.Picture(80, apptest.Green, apptest.White)),
		"lemon/3.jpg": apptest.JPEG(t, apptest.Picture(90, apptest.Yellow, apptest.White)),
	})
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"apple/1.jpg", "apple/2.png", "lemon/3.jpg"} {
		if err := os.Chtimes(filepath.Join(root, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	check(t, do(t, core, photos, root), 3, 3, 0, 0)
	check(t, do(t, core, photos, root), 3, 0, 3, 0)

	path := filepath.Join(root, "apple/1.jpg")
	before := record(t, photos, path)
	later := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	check(t, do(t, core, photos, root), 3, 0, 3, 0) // the hash is the same
	touched := record(t, photos, path)
	if touched.Fields[index.FieldModifiedAt] != index.Timestamp(later) || touched.Vector[0] != before.Vector[0] {
		t.Errorf("a touched file: %v", touched.Fields)
	}

	if err := os.WriteFile(path, apptest.JPEG(t, apptest.Picture(64, apptest.Yellow, apptest.Red)), 0o644); err != nil {
		t.Fatal(err)
	}
	check(t, do(t, core, photos, root), 3, 1, 2, 0)
	if changed := record(t, photos, path); changed.Vector[0] == before.Vector[0] {
		t.Error("a changed file kept its vector")
	}
}

func record(t *testing.T, photos index.Index, path string) index.Record {
	t.Helper()
	records, err := photos.Get(t.Context(), []int64{index.ID(path)})
	if err != nil || len(records) != 1 {
		t.Fatalf("record of %s: %v, %v", path, records, err)
	}
	return records[0]
}

func TestIngestDescribesPictures(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	root := apptest.Write(t, map[string][]byte{"红苹果/a \"b\".png": apptest.PNG(t, apptest.Picture(70, apptest.Red, apptest.White))})
	check(t, do(t, core, photos, root), 1, 1, 0, 0)
	path := filepath.Join(root, "红苹果/a \"b\".png")
	r := record(t, photos, path)
	for field, want := range map[string]any{
		index.FieldLabel: "红苹果", index.FieldWidth: int64(70), index.FieldHeight: int64(70), index.FieldFormat: "png",
		index.FieldSource: root, index.FieldModel: core.Card.Identity(),
	} {
		if r.Fields[field] != want {
			t.Errorf("%s = %v, want %v", field, r.Fields[field], want)
		}
	}
	if r.Path != path || len(fmt.Sprint(r.Fields[index.FieldSHA256])) != 64 {
		t.Errorf("record = %+v", r)
	}
}

func TestIngestGoesOnAfterBadFiles(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	good := apptest.JPEG(t, apptest.Picture(200, apptest.Red, apptest.White))
	bad := map[string]struct {
		content []byte
		kind    string
		reason  string // part of it
	}{
		"bad/zero.jpg":      {nil, "invalid", "empty"},
		"bad/text.jpg":      {[]byte("just some words\n"), "invalid", "text"},
		"bad/truncated.jpg": {good[:len(good)/2], "invalid", "end"},
		"bad/broken.png":    {[]byte("\x89PNG\r\n\x1a\nnonsense"), "invalid", "PNG"},
		"bad/bomb.png":      {bomb(), "too_large", "30000 x 30000"},
	}
	files := map[string][]byte{}
	for i := range 9 {
		files[fmt.Sprintf("good/%d.jpg", i)] = append(good, byte(i)) // trailing bytes are no fault; the hash differs
	}
	for name, b := range bad {
		files[name] = b.content
	}
	root := apptest.Write(t, files)
	if err := os.Symlink("nowhere.jpg", filepath.Join(root, "bad/gone.jpg")); err != nil {
		t.Fatal(err)
	}
	p := do(t, core, photos, root)
	check(t, p, 15, 9, 0, 6)
	reasons := map[string]ingest.Failure{}
	for _, f := range p.Failures {
		rel, err := filepath.Rel(root, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		reasons[filepath.ToSlash(rel)] = f
	}
	for name, b := range bad {
		if f := reasons[name]; f.Kind != b.kind || !strings.Contains(f.Reason, b.reason) {
			t.Errorf("%s: kind %q, reason %q; want %q and something of %q", name, f.Kind, f.Reason, b.kind, b.reason)
		}
	}
	if f := reasons["bad/gone.jpg"]; f.Kind != "not_found" {
		t.Errorf("a broken link: %+v", f)
	}
	check(t, do(t, core, photos, root), 15, 0, 9, 6) // failures are tried again, the rest is not
}

// timeless is a source that knows neither sizes nor times, as lists of URLs do.
type timeless struct{ source.Source }

func (s timeless) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range s.Source.Items(ctx, after) {
			if item.Bytes, item.Modified = 0, (time.Time{}); !yield(item, err) {
				return
			}
		}
	}
}

// TestIngestTellsByHash changes a file of which nothing but its content can be known.
func TestIngestTellsByHash(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	red, green := apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White)), apptest.JPEG(t, apptest.Picture(64, apptest.Green, apptest.White))
	root := apptest.Write(t, map[string][]byte{"1.jpg": red, "2.jpg": red})
	again := func(found, indexed, unchanged int64) {
		t.Helper()
		folders, err := source.NewFolders(root)
		if err != nil {
			t.Fatal(err)
		}
		run := core.Ingester.NewRun(timeless{folders}, photos, nil)
		if err := run.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(t, run.Progress(), found, indexed, unchanged, 0)
	}
	again(2, 2, 0)
	path := filepath.Join(root, "1.jpg")
	if got := record(t, photos, path); got.Fields[index.FieldBytes] != int64(len(red)) || got.Fields[index.FieldModifiedAt] != nil {
		t.Errorf("fields = %v", got.Fields)
	}
	again(2, 0, 2)
	if err := os.WriteFile(path, green, 0o600); err != nil {
		t.Fatal(err)
	}
	again(2, 1, 1)
	check(t, do(t, core, photos, root), 2, 0, 2, 0) // and now the times are known
	if got := record(t, photos, path); got.Fields[index.FieldBytes] != int64(len(green)) || got.Fields[index.FieldModifiedAt] == nil {
		t.Errorf("fields = %v", got.Fields)
	}
}

func TestIngestUnreadableFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	core, photos := open(t)
	root := apptest.Write(t, map[string][]byte{"1.jpg": apptest.JPEG(t, apptest.Picture(50, apptest.Red, apptest.White))})
	if err := os.Chmod(filepath.Join(root, "1.jpg"), 0); err != nil {
		t.Fatal(err)
	}
	p := do(t, core, photos, root)
	check(t, p, 1, 0, 0, 1)
	if len(p.Failures) != 1 || p.Failures[0].Kind != "forbidden" {
		t.Errorf("failures = %+v", p.Failures)
	}
}

// stopping cancels a context when the n-th picture is opened.
type stopping struct {
	source.Source
	left   chan struct{}
	cancel context.CancelFunc
}

func (s stopping) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range s.Source.Items(ctx, after) {
			select {
			case <-s.left:
			default:
				s.cancel()
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func TestIngestStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	files := map[string][]byte{}
	for i := range 30 {
		files[fmt.Sprintf("%02d.jpg", i)] = append(apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White)), byte(i))
	}
	root := apptest.Write(t, files)
	src, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := make(chan struct{}, 50)
	for range 50 { // both listings together: the run stops in the middle
		left <- struct{}{}
	}
	run := core.Ingester.NewRun(stopping{src, left, cancel}, photos, nil)
	if err := run.Do(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run gives %v", err)
	}
	stopped := run.Progress()
	if stopped.Indexed >= 30 || stopped.Failed != 0 {
		t.Errorf("stopped with %+v", stopped)
	}
	rest := do(t, core, photos, root)
	if rest.Indexed != 30-stopped.Indexed || rest.Unchanged != stopped.Indexed {
		t.Errorf("went on with %d indexed and %d unchanged after %d", rest.Indexed, rest.Unchanged, stopped.Indexed)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	err := ingest.Config{Workers: -1}.Validate()
	for _, want := range []string{"batch", "group", "workers"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}
