package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
)

type duplicateList struct {
	Pictures, Groups, Extra int
	Duplicates              []struct {
		First  struct{ ID, Path, Thumbnail string }
		Others []struct {
			Path  string
			Score float32
			Same  bool
		}
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	red := apptest.PNG(t, apptest.Picture(100, apptest.Red, apptest.White))
	root := apptest.Write(t, map[string][]byte{
		"apple/red.png": red, "apple/again.png": red, "lemon/yellow.png": apptest.PNG(t, apptest.Picture(100, apptest.Yellow, apptest.White)),
	})
	c := serve(t, root, func(cfg *app.Config) { fillMany(t, *cfg, httpapi.MostCompared+1) })
	var got duplicateList
	c.call(http.MethodGet, collection+"/duplicates?threshold=0.9999", nil, http.StatusOK, &got)
	if got.Groups != 1 || got.Extra != 1 || len(got.Duplicates) != 1 || len(got.Duplicates[0].Others) != 1 {
		t.Fatalf("duplicates: %+v", got)
	}
	first, other := got.Duplicates[0].First, got.Duplicates[0].Others[0]
	if !strings.Contains(first.Path, "/apple/") || !strings.Contains(other.Path, "/apple/") || first.Path == other.Path || !other.Same || other.Score < 0.9999 {
		t.Errorf("group: %+v", got.Duplicates[0])
	}
	if resp, _ := c.send(http.MethodGet, first.Thumbnail, "", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("thumbnail: %d", resp.StatusCode)
	}
	c.call(http.MethodGet, collection+"/duplicates?filter=label%3D%3D%22lemon%22", nil, http.StatusOK, &got)
	if got.Pictures != 1 || got.Groups != 0 || got.Duplicates == nil || len(got.Duplicates) != 0 {
		t.Errorf("duplicates of lemons: %+v", got)
	}
	for name, tc := range map[string]struct {
		path   string
		status int
		detail string
	}{
		"low threshold": {collection + "/duplicates?threshold=0.1", http.StatusBadRequest, "cosine of 0.8 to 1"},
		"bad filter":    {collection + "/duplicates?filter=label%3D%3D", http.StatusBadRequest, "filter"},
		"no collection": {"/v1/collections/nowhere/duplicates", http.StatusNotFound, "nowhere"},
		"too many":      {"/v1/collections/many/duplicates", http.StatusRequestEntityTooLarge, "clipseek collection duplicates"},
	} {
		var problem struct{ Detail string }
		if c.call(http.MethodGet, tc.path, nil, tc.status, &problem); !strings.Contains(problem.Detail, tc.detail) {
			t.Errorf("%s: %q", name, problem.Detail)
		}
	}
}

// fillMany makes a collection of n small vectors.
func fillMany(t *testing.T, cfg app.Config, n int) {
	t.Helper()
	db, err := app.OpenDatabase(t.Context(), cfg, apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	many, err := db.Open(t.Context(), index.Spec{Collection: "many", Width: 1, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	records := make([]index.Record, n)
	for i := range records {
		records[i] = index.Record{ID: int64(i), Path: fmt.Sprint(i), Vector: []float32{1}}
	}
	if err := many.Upsert(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// One request compares at a time.
func TestDuplicatesByTurns(t *testing.T) {
	t.Parallel()
	c, p := serveParts(t, nil)
	begun, end := make(chan struct{}), make(chan struct{})
	p.db.fail = func(context.Context) error {
		close(begun)
		<-end
		return fault.NotFound("there is no collection %q", "photos")
	}
	first := make(chan int)
	go func() {
		resp, err := http.Get(c.base + "/v1/collections/photos/duplicates")
		if err != nil {
			first <- 0
			return
		}
		_ = resp.Body.Close()
		first <- resp.StatusCode
	}()
	<-begun
	if resp := c.call(http.MethodGet, "/v1/collections/photos/duplicates", nil, http.StatusTooManyRequests, nil); resp.Header.Get("Retry-After") == "" {
		t.Error("nothing tells when to try again")
	}
	close(end)
	if status := <-first; status != http.StatusNotFound {
		t.Errorf("the first gets %d", status)
	}
}
