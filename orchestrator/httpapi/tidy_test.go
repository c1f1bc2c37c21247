package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source/upload"
)

// TestUploadListsGo starts a service a day after another one took uploads: the list of a job that is forgotten goes, those of
// one that may be retried and of one that is not done stay, and so do all pictures.
func TestUploadListsGo(t *testing.T) {
	t.Parallel()
	cfg := apptest.Config(t)
	cfg.Jobs.History = 1
	uploads := filepath.Join(cfg.Data, "uploads")
	lists := func() []string {
		found, err := filepath.Glob(filepath.Join(uploads, "requests", "*.upload"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	service, err := app.OpenService(t.Context(), cfg, "test", apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	first := client{t: t, base: service.URL()}
	red := apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White))
	forgotten := first.sendForm(bulk, part{"red.jpg", red})
	of := lists()
	first.sendForm(bulk, part{"yellow.jpg", apptest.JPEG(t, apptest.Picture(80, apptest.Yellow, apptest.White))})
	unfinished := slices.DeleteFunc(lists(), func(list string) bool { return list == of[0] })
	retried := first.sendForm(bulk, part{"green.png", apptest.PNG(t, apptest.Picture(100, apptest.Green, apptest.White))}, part{"broken.jpg", []byte("\xff\xd8\xff\xe0nonsense")})
	if retried.Failed != 1 || len(of) != 1 || len(unfinished) != 1 || len(lists()) != 3 {
		t.Fatalf("%+v; %v, %v", retried, of, lists())
	}
	stop()
	if err := errors.Join(<-ended, service.Close()); err != nil {
		t.Fatal(err)
	}
	queue, err := app.OpenQueue(t.Context(), cfg, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	paused := pauseAnother(t, queue, unfinished[0])
	if err := queue.Close(); err != nil {
		t.Fatal(err)
	}
	for _, list := range lists() {
		if err := os.Chtimes(list, time.Now().Add(-25*time.Hour), time.Now().Add(-25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	c := serve(t, "", func(changed *app.Config) { *changed = cfg })
	for deadline := time.Now().Add(20 * time.Second); slices.Contains(lists(), of[0]); {
		if time.Now().After(deadline) {
			t.Fatal("the list of a job that is forgotten stays")
		}
		<-time.After(10 * time.Millisecond) // between looks
	}
	c.call(http.MethodGet, "/v1/jobs/"+forgotten.ID, nil, http.StatusNotFound, nil)
	if len(lists()) != 2 {
		t.Fatalf("lists: %v", lists())
	}
	var job httpapi.Job
	c.call(http.MethodPost, "/v1/jobs/"+retried.ID+"/retry", nil, http.StatusOK, &job)
	if job = c.wait(job.ID); job.State != "done" || job.Failed != 1 || job.Indexed != 1 {
		t.Errorf("retried: %+v", job)
	}
	c.call(http.MethodPost, "/v1/jobs/"+paused+"/resume", nil, http.StatusOK, &job)
	if job = c.wait(job.ID); job.State != "done" || job.Indexed != 1 {
		t.Errorf("resumed: %+v", job)
	}
	hits := c.searchIn("mine", "apple")
	at := slices.IndexFunc(hits, func(hit httpapi.Hit) bool { return filepath.Base(hit.Path) == "red.jpg" })
	if len(hits) != 3 || at < 0 {
		t.Fatalf("%+v", hits)
	}
	if _, original := c.send(http.MethodGet, hits[at].Original, "", nil); !bytes.Equal(original, red) {
		t.Errorf("the original has %d bytes", len(original))
	}
}

// pauseAnother makes a job of a list, for another collection, which nobody works on yet.
func pauseAnother(t *testing.T, queue *app.Jobs, list string) string {
	before, err := queue.Sources(t.Context())
	if err != nil || before[list] || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	job, _, err := queue.Start(t.Context(), jobs.Spec{Sources: []string{list}, Collection: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Pause(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if after, err := queue.Sources(t.Context()); err != nil || !after[list] {
		t.Fatalf("%v, %v", after, err)
	}
	return job.ID
}

// TestCleanUploads removes uploaded files whose records were deleted, and keeps those that any collection shows or a job names.
func TestCleanUploads(t *testing.T) {
	t.Parallel()
	var cfg app.Config
	c := serve(t, "", func(given *app.Config) { cfg = *given })
	red := apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White))
	green := apptest.PNG(t, apptest.Picture(100, apptest.Green, apptest.White))
	yellow := apptest.PNG(t, apptest.Picture(90, apptest.Yellow, apptest.White))
	c.sendForm(bulk, part{"red.jpg", red}, part{"green.png", green}, part{"half.zip", packZip(t, "1.png", yellow)}, part{"gone.zip", packZip(t, "2.png", yellow)})
	c.sendForm("/v1/collections/other/upload", part{"green.png", green})
	clean := func(dry bool) upload.Cleaned {
		t.Helper()
		done, err := app.CleanUploads(t.Context(), cfg, apptest.Log(t), dry)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	var deletion httpapi.Deletion
	c.call(http.MethodPost, "/v1/collections/mine/delete", map[string]string{"filter": `path.endsWith("red.jpg") || path.endsWith("green.png") || path.endsWith("2.png")`}, http.StatusOK, &deletion)
	if deletion.Count != 3 {
		t.Fatalf("%+v", deletion)
	}
	uploads := filepath.Join(cfg.Data, "uploads")
	for _, file := range left(t, uploads) {
		if err := os.Chtimes(file, time.Now().Add(-25*time.Hour), time.Now().Add(-25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if done := clean(false); done.Files != 0 { // the jobs are remembered
		t.Errorf("%+v", done)
	}
	if err := os.RemoveAll(filepath.Join(uploads, "requests")); err != nil { // as when they are forgotten
		t.Fatal(err)
	}
	if done := clean(true); done.Files != 2 || len(left(t, uploads)) != 4 {
		t.Errorf("dry: %+v, %v", done, left(t, uploads))
	}
	if done := clean(false); done.Files != 2 {
		t.Errorf("%+v", done)
	}
	var names []string
	for _, file := range left(t, uploads) {
		names = append(names, filepath.Base(file))
	}
	if slices.Sort(names); !slices.Equal(names, []string{"green.png", "half.zip"}) {
		t.Errorf("left: %v", names)
	}
	cfg.Index.Kind = app.IndexMilvus
	if _, err := app.CleanUploads(t.Context(), cfg, apptest.Log(t), true); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("with another index beside it: %v", err)
	}
}
