package ingest_test

import (
	"context"
	"image/color"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// TestTwinsOfEarlierRuns: what a collection has under another path is not encoded again, whichever process encoded it.
func TestTwinsOfEarlierRuns(t *testing.T) {
	t.Parallel()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		testTwins(t, apptest.Config(t))
	})
	t.Run("Milvus", func(t *testing.T) {
		t.Parallel()
		cfg := apptest.Config(t)
		cfg.Index.Kind, cfg.Index.Milvus.Address = app.IndexMilvus, serverstest.Milvus(t, servers.MilvusConfig{}).GRPC
		testTwins(t, cfg)
	})
}

func testTwins(t *testing.T, cfg app.Config) {
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	paint := func(disc color.Color) []byte { return apptest.JPEG(t, apptest.Picture(60, disc, apptest.White)) }
	first := folders(t, apptest.Write(t, map[string][]byte{"red.jpg": paint(apptest.Red), "green.jpg": paint(apptest.Green)}))
	second := folders(t, apptest.Write(t, map[string][]byte{
		"a.jpg": paint(apptest.Red), "b.jpg": paint(apptest.Yellow), "c.jpg": paint(apptest.Green), "d.jpg": paint(apptest.Red), "e.jpg": paint(apptest.White),
	}))
	for _, tc := range []struct {
		name    string
		recent  int
		src     source.Source
		encoded int64
	}{{"first", 1000, first, 2}, {"second", 1000, second, 2}, {"third", 0, folders(t, apptest.Write(t, map[string][]byte{"z.jpg": paint(apptest.Red)})), 1}} {
		cfg := ingest.Default()
		cfg.Recent = tc.recent
		enc := &counting{Encoder: core.Encoder}
		all, _ := items(t, tc.src)
		result, err := ingest.New(cfg, core.Decoder, core.Spec, enc).Do(t.Context(), ingest.Work{Collection: photos, Source: tc.src, Items: all})
		if err != nil || result.Indexed != len(all) || enc.pictures.Load() != tc.encoded {
			t.Errorf("%s: %d of %d indexed, %d encoded (want %d), %v", tc.name, result.Indexed, len(all), enc.pictures.Load(), tc.encoded, err)
		}
		for _, item := range all { // each has the vector of its own picture
			r := record(t, photos, item.Path)
			untilRecalled(t, photos, r)
			hits, err := photos.Search(t.Context(), index.Query{Vector: r.Vector, Limit: 8})
			if err != nil {
				t.Fatal(err)
			}
			for _, hit := range hits {
				if same := hit.Fields[index.FieldSHA256] == r.Fields[index.FieldSHA256]; same && hit.Score < 0.99999 || !same && hit.Score > 0.99999 {
					t.Errorf("%s and %s: %v", r.Path, hit.Path, hit.Score)
				}
			}
		}
	}
}

// untilRecalled waits until a record is found by its hash: what has just been written need not be.
func untilRecalled(t *testing.T, photos index.Index, r index.Record) {
	t.Helper()
	hash, _ := r.Fields[index.FieldSHA256].(string)
	model, _ := r.Fields[index.FieldModel].(string)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		found, err := photos.(index.Recaller).Recall(ctx, model, []string{hash})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			return
		}
	}
}

// forgetful is an index that cannot be asked for hashes at the moment.
type forgetful struct{ index.Index }

func (forgetful) Recall(context.Context, string, []string) (map[string][]float32, error) {
	return nil, fault.Unavailable("it takes too long")
}

// TestRecallFails: what cannot be looked up is encoded.
func TestRecallFails(t *testing.T) {
	t.Parallel()
	core, photos := open(t)
	enc := &counting{Encoder: core.Encoder}
	src := folders(t, apptest.Write(t, map[string][]byte{
		"a.jpg": apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White)), "b.jpg": apptest.JPEG(t, apptest.Picture(60, apptest.Green, apptest.White)),
	}))
	all, _ := items(t, src)
	result, err := ingest.New(ingest.Default(), core.Decoder, core.Spec, enc).Do(t.Context(), ingest.Work{Collection: forgetful{photos}, Source: src, Items: all})
	if err != nil || result.Indexed != 2 || enc.pictures.Load() != 2 {
		t.Errorf("%+v, %d encoded, %v", result, enc.pictures.Load(), err)
	}
}
