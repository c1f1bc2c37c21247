package ingest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
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
	"clipseek/orchestrator/source"
)

// run is what became of all items of a source.
type run struct {
	ingest.Result
	Found int
}

// folders is the source of what is below root.
func folders(t *testing.T, root string) source.Source {
	t.Helper()
	src, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// items lists a source; those that cannot be had are failures.
func items(t *testing.T, src source.Source) ([]source.Item, []ingest.Failure) {
	t.Helper()
	var all []source.Item
	var failures []ingest.Failure
	for item, err := range src.Items(t.Context(), "") {
		if err != nil {
			failures = append(failures, ingest.NewFailure(item, err))
			continue
		}
		all = append(all, item)
	}
	return all, failures
}

// do brings root into the collection in batches of 7.
func do(t *testing.T, core *app.Core, photos index.Index, root string) run {
	t.Helper()
	return doAll(t, core, photos, folders(t, root))
}

// doAll is do for any source.
func doAll(t *testing.T, core *app.Core, photos index.Index, src source.Source) run {
	t.Helper()
	all, failures := items(t, src)
	out := run{Found: len(all) + len(failures), Result: ingest.Result{Failures: failures}}
	for batch := range slices.Chunk(all, 7) {
		result, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: batch})
		if err != nil {
			t.Fatal(err)
		}
		out.Indexed += result.Indexed
		out.Unchanged += result.Unchanged
		out.Bytes += result.Bytes
		out.Failures = append(out.Failures, result.Failures...)
	}
	return out
}

func open(t *testing.T) (*app.Core, index.Index) {
	t.Helper()
	cfg := apptest.Config(t)
	cfg.Ingest.Group = 4
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	return core, photos
}

// check compares the counts found, indexed, unchanged and failed.
func check(t *testing.T, r run, found, indexed, unchanged, failed int) {
	t.Helper()
	if r.Found != found || r.Indexed != indexed || r.Unchanged != unchanged || len(r.Failures) != failed {
		t.Errorf("found %d indexed %d unchanged %d failed %d, want %d %d %d %d\n%+v",
			r.Found, r.Indexed, r.Unchanged, len(r.Failures), found, indexed, unchanged, failed, r.Failures)
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
		rel, err := filepath.Rel(root, f.Item.Path)
		if err != nil {
			t.Fatal(err)
		}
		reasons[filepath.ToSlash(rel)] = f
	}
	for name, b := range bad {
		if f := reasons[name]; f.Kind.String() != b.kind || !strings.Contains(f.Reason, b.reason) {
			t.Errorf("%s: kind %q, reason %q; want %q and something of %q", name, f.Kind, f.Reason, b.kind, b.reason)
		}
	}
	if f := reasons["bad/gone.jpg"]; f.Kind != fault.KindNotFound {
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
	again := func(found, indexed, unchanged int) {
		t.Helper()
		check(t, doAll(t, core, photos, timeless{folders(t, root)}), found, indexed, unchanged, 0)
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
	if len(p.Failures) != 1 || p.Failures[0].Kind != fault.KindForbidden {
		t.Errorf("failures = %+v", p.Failures)
	}
}

// stopping cancels a context when the n-th picture is opened.
type stopping struct {
	source.Source
	left   *atomic.Int32
	cancel context.CancelFunc
}

func (s stopping) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	if s.left.Add(-1) < 0 {
		s.cancel()
	}
	return s.Source.Open(ctx, item)
}

func many(t *testing.T, n int) string {
	t.Helper()
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("%02d.jpg", i)] = append(apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White)), byte(i))
	}
	return apptest.Write(t, files)
}

func TestBatchStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	src := folders(t, many(t, 30))
	all, _ := items(t, src)
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := &atomic.Int32{}
	left.Store(15)
	if _, err := core.Ingester.Do(ctx, ingest.Work{Collection: photos, Source: stopping{src, left, cancel}, Items: all}); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled batch gives %v", err)
	}
	stopped, err := photos.(index.Counter).Count(t.Context(), nil)
	if err != nil || stopped >= 30 {
		t.Fatalf("%d were written, %v", stopped, err)
	}
	again, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all, Since: began})
	if err != nil || again.Indexed != 30 || again.Unchanged != 0 {
		t.Errorf("done again: %+v, %v; what the first attempt wrote counts", again, err)
	}
	third, err := core.Ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all})
	if err != nil || third.Indexed != 0 || third.Unchanged != 30 {
		t.Errorf("another ingest: %+v, %v", third, err)
	}
}

// counting is the real encoder, which counts pictures, and refuses those whose first byte it is told.
type counting struct {
	encoder.Encoder
	pictures atomic.Int64
	refuse   func(imageprep.Batch) error
}

func (c *counting) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	if c.refuse != nil {
		if err := c.refuse(batch); err != nil {
			return nil, err
		}
	}
	c.pictures.Add(int64(batch.N))
	return c.Encoder.EncodeImages(ctx, batch)
}

func TestTwinsAreEncodedOnce(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	enc := &counting{Encoder: core.Encoder}
	ingester := ingest.New(ingest.Default(), core.Decoder, core.Spec, enc)
	one, two := apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White)), apptest.JPEG(t, apptest.Picture(60, apptest.Green, apptest.White))
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("%02d.jpg", i)] = [][]byte{one, two, one[:300]}[i%3]
	}
	src := folders(t, apptest.Write(t, files))
	all, _ := items(t, src)
	for _, batch := range [][]source.Item{all[:12], all[12:]} {
		if _, err := ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: batch}); err != nil {
			t.Fatal(err)
		}
	}
	if n := enc.pictures.Load(); n != 2 {
		t.Errorf("%d pictures were encoded, want the 2 that differ", n)
	}
	if a, b := record(t, photos, all[0].Path), record(t, photos, all[18].Path); !slices.Equal(a.Vector, b.Vector) || a.Path == b.Path {
		t.Error("twins have not one vector, or one path")
	}
	if n, err := photos.(index.Counter).Count(t.Context(), nil); err != nil || n != 14 {
		t.Errorf("%d records, %v; want all but the 6 broken files", n, err)
	}
}

func TestOneRefusedPicture(t *testing.T) {
	t.Parallel()
	root := many(t, 9)
	if err := os.WriteFile(filepath.Join(root, "odd.png"), apptest.PNG(t, apptest.Picture(60, apptest.Green, apptest.Green)), 0o600); err != nil {
		t.Fatal(err)
	}
	src := folders(t, root)
	all, _ := items(t, src)
	green := func(batch imageprep.Batch) error {
		for i := range batch.N {
			if batch.Image(i)[1] == apptest.Green.G {
				return fault.Internal("the encoder breaks over this picture")
			}
		}
		return nil
	}
	for name, tc := range map[string]struct {
		refuse func(imageprep.Batch) error
		fails  bool
		failed int
	}{
		"one picture":   {green, false, 1},
		"every picture": {func(imageprep.Batch) error { return fault.Internal("broken") }, true, 0},
	} {
		core, photos := open(t)
		ingester := ingest.New(ingest.Default(), core.Decoder, core.Spec, &counting{Encoder: core.Encoder, refuse: tc.refuse})
		result, err := ingester.Do(t.Context(), ingest.Work{Collection: photos, Source: src, Items: all})
		if (err != nil) != tc.fails || len(result.Failures) != tc.failed {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	err := ingest.Config{Workers: -1, Patience: -1}.Validate()
	for _, want := range []string{"group", "workers", "readers", "read_ahead", "patience"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}
