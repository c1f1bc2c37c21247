package httpapi_test

import (
	"bytes"
	"image"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/jobs"
)

// TestThumbnailsWithoutOriginals serves what the ingest made, of pictures that are no longer there.
func TestThumbnailsWithoutOriginals(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]string{"folder": "", "object store": "file://" + t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := apptest.Write(t, map[string][]byte{
				"1.jpg": apptest.JPEG(t, apptest.Picture(600, apptest.Red, apptest.White)),
				"2.png": apptest.PNG(t, apptest.Picture(80, apptest.Green, apptest.White)),
			})
			c := serve(t, "", func(cfg *app.Config) {
				cfg.Thumbnail.Store = store
				fill(t, *cfg, root)
			})
			if err := os.RemoveAll(root); err != nil {
				t.Fatal(err)
			}
			hits := c.search(map[string]any{"text": "fruit"}).Hits
			if len(hits) != 2 {
				t.Fatalf("%d hits", len(hits))
			}
			for _, hit := range hits {
				resp, small := c.send(http.MethodGet, hit.Thumbnail, "", nil)
				if cfg, format, err := image.DecodeConfig(bytes.NewReader(small)); err != nil || format != "jpeg" || cfg.Width != 320 && cfg.Width != 80 {
					t.Errorf("%s: %d, %v %s %+v", hit.Path, resp.StatusCode, err, format, cfg)
				}
			}
		})
	}
}

// TestThumbnailCaching has browsers keep a thumbnail for ever where its address tells the picture, and ask otherwise.
func TestThumbnailCaching(t *testing.T) {
	t.Parallel()
	root := apptest.Write(t, map[string][]byte{"1.jpg": apptest.JPEG(t, apptest.Picture(60, apptest.Red, apptest.White))})
	c := serve(t, root, nil)
	hit := c.search(map[string]any{"text": "apple"}).Hits[0]
	hash, _ := hit.Fields["sha256"].(string)
	path, versioned, _ := strings.Cut(hit.Thumbnail, "?")
	if hash == "" || versioned != "v="+hash[:16] {
		t.Fatalf("%s does not tell the picture %s", hit.Thumbnail, hash)
	}
	const ever, ask = "private, max-age=31536000, immutable", "private, no-cache"
	first, small := c.send(http.MethodGet, hit.Thumbnail, "", nil)
	tag := first.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"`+hash) || first.Header.Get("Cache-Control") != ever || len(small) == 0 {
		t.Errorf("%d bytes, %v", len(small), first.Header)
	}
	for name, tc := range map[string]struct {
		path, have string
		status     int
		keep       string
	}{
		"the same":            {hit.Thumbnail, tag, http.StatusNotModified, ever},
		"one of several":      {path, `"other", W/` + tag, http.StatusNotModified, ask},
		"any":                 {path, "*", http.StatusNotModified, ask},
		"another":             {hit.Thumbnail, `"other"`, http.StatusOK, ever},
		"no version":          {path, "", http.StatusOK, ask},
		"an outdated version": {path + "?v=0000000000000000", "", http.StatusOK, ask},
	} {
		resp, content := c.send(http.MethodGet, tc.path, "", nil, "If-None-Match", tc.have)
		if resp.StatusCode != tc.status || resp.Header.Get("Cache-Control") != tc.keep || resp.Header.Get("ETag") != tag {
			t.Errorf("%s: %d, %v", name, resp.StatusCode, resp.Header)
		}
		if whole := tc.status == http.StatusOK; whole != bytes.Equal(content, small) || !whole && len(content) > 0 {
			t.Errorf("%s: %d bytes", name, len(content))
		}
	}
}

// TestThumbnailStage tells of the work on thumbnails in a job.
func TestThumbnailStage(t *testing.T) {
	t.Parallel()
	root := apptest.Write(t, map[string][]byte{"1.jpg": apptest.JPEG(t, apptest.Picture(600, apptest.Red, apptest.White))})
	c := serve(t, "", func(cfg *app.Config) { cfg.Ingest.Roots = []string{filepath.Dir(root)} })
	var job httpapi.Job
	c.call(http.MethodPost, collection+"/ingest", map[string]any{"path": root}, http.StatusAccepted, &job)
	if done := c.wait(job.ID); done.State != string(jobs.Done) || done.Stages.Thumbnail <= 0 {
		t.Errorf("%s, stages %+v", done.State, done.Stages)
	}
}
