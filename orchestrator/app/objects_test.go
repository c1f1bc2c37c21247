package app_test

import (
	"encoding/json"
	"fmt"
	"image/color"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
)

// store puts n pictures below the prefix album of the bucket photos.
func store(t *testing.T, server *servers.S3, n int) {
	t.Helper()
	dir := filepath.Join(server.Buckets, "photos", "album")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		disc := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 53), 255}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d é?.jpg", i)), apptest.JPEG(t, apptest.Picture(48+i%40, disc, apptest.White)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func objectsConfig(t *testing.T, server *servers.S3) app.Config {
	t.Helper()
	cfg := apptest.Config(t)
	cfg.Objects.Endpoint, cfg.Objects.Retries = server.Endpoint, 0
	return cfg
}

// TestObjectStoreDiesDuringIngest kills the store while pictures are read from it: what fails is tried again.
func TestObjectStoreDiesDuringIngest(t *testing.T) {
	const n = 60
	server := serverstest.S3(t, servers.S3Config{})
	store(t, server, n)
	cfg := objectsConfig(t, server)
	cfg.Jobs.Batch, cfg.Jobs.Tries, cfg.Jobs.Pause = 10, 8, 200*time.Millisecond
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), "pictures")
	if err != nil {
		t.Fatal(err)
	}
	now := start(t, cfg, core, "pictures", "s3://photos/album/")
	poll(t, "some pictures", func() bool { return now().Progress.Indexed >= 10 })
	server.Kill()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	poll(t, "the job's end", func() bool { return now().State.Final() })
	if job := now(); job.State != jobs.Done || job.Progress.Indexed != n || job.Progress.Failed != 0 {
		t.Errorf("the job ends with %+v", job)
	}
	if count, err := photos.(index.Counter).Count(t.Context(), nil); err != nil || count != n {
		t.Errorf("%d rows, %v; want %d", count, err, n)
	}
}

// TestServiceReadsObjects asks a running service for an ingest, a search, and the found picture's original and thumbnail.
func TestServiceReadsObjects(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	store(t, server, 3)
	cfg := objectsConfig(t, server)
	cfg.Ingest.Buckets = []string{"s3://photos/album"}
	s := serve(t, cfg)
	ask := func(path string) (int, string) {
		body, err := json.Marshal(map[string]string{"path": path})
		if err != nil {
			t.Fatal(err)
		}
		status, _, answer := s.get(http.MethodPost, "/v1/collections/text_image_vector/ingest", string(body))
		return status, answer
	}
	for path, want := range map[string]int{
		"s3://photos": 403, "s3://photos/albums/": 403, "s3://other/album/": 403, "s3://photos/album/../x.jpg": 422, "s3://photos/album/nothing": 404,
	} {
		if status, answer := ask(path); status != want && (want != 422 || status != 400) {
			t.Errorf("%s: %d %s, want %d", path, status, answer, want)
		}
	}
	if _, _, answer := s.get(http.MethodGet, "/v1/info", ""); !strings.Contains(answer, `"s3://photos/album"`) {
		t.Errorf("the service says %s", answer)
	}
	if status, answer := ask("s3://photos/album/"); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	s.works(3)
	_, _, answer := s.search()
	var found struct {
		Hits []struct {
			ID     string `json:"id"`
			Path   string `json:"path"`
			Fields struct{ Label string }
		} `json:"hits"`
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil || len(found.Hits) != 3 || !strings.HasPrefix(found.Hits[0].Path, "s3://photos/album/00") {
		t.Fatalf("%s, %v", answer, err)
	}
	hit := found.Hits[0]
	want, err := os.ReadFile(filepath.Join(server.Buckets, strings.TrimPrefix(hit.Path, "s3://")))
	if err != nil {
		t.Fatal(err)
	}
	at := "/v1/collections/text_image_vector/pictures/" + hit.ID
	if status, header, content := s.get(http.MethodGet, at+"/original", ""); status != 200 || content != string(want) || header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("original: %d, %d bytes, %v", status, len(content), header)
	}
	if status, header, content := s.get(http.MethodGet, at+"/thumbnail", ""); status != 200 || header.Get("Content-Type") != "image/jpeg" || content == "" {
		t.Errorf("thumbnail: %d, %s", status, content)
	}
	server.Kill()
	if status, _, content := s.get(http.MethodGet, at+"/original", ""); status != http.StatusServiceUnavailable || !strings.Contains(content, "the store does not answer") {
		t.Errorf("original of a dead store: %d, %s", status, content)
	}
}

func TestObjectsThatAreRefused(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"s3://photos/album.zip": "copy it to this machine", "s3://photos/list.txt": "copy it to this machine", "s3://photos/t.parquet": "copy it to this machine",
		"gs://photos/album.zip": "copy it to this machine", "azblob://photos/list.txt": "copy it to this machine", "azblob://photos?sig=x": "is no object of a store",
		"gcs://photos/x": "gcs:// is no source of pictures", "azure://photos": "azblob://CONTAINER/PREFIX", "file:///x": "file:// is no source of pictures",
		"https://example.org/x": "s3://BUCKET/PREFIX", "s3://photos?endpoint=https://example.org": "is no object of a store",
	} {
		_, err := app.OpenSource(t.Context(), app.Default(), jobs.Spec{Sources: []string{address}}, nil)
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
