package httpapi_test

import (
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
)

// collectionPhotos is made by the first request that names it, as serveParts opens collections.
const collectionPhotos = "/v1/collections/photos"

func makePhotos(c client) {
	c.t.Helper()
	c.call(http.MethodPost, collectionPhotos+"/search", map[string]string{"text": "apple"}, http.StatusOK, nil)
}

func TestBuilding(t *testing.T) {
	t.Parallel()
	c, p := serveParts(t, nil)
	makePhotos(c)
	want := httpapi.Building(p.db.building)
	var got httpapi.Building
	c.call(http.MethodGet, collectionPhotos+"/index", nil, http.StatusOK, &got)
	if !reflect.DeepEqual(got, want) || len(p.db.calls) != 0 {
		t.Errorf("index = %+v after %v", got, p.db.calls)
	}
	var details httpapi.Details
	c.call(http.MethodGet, collectionPhotos, nil, http.StatusOK, &details)
	if details.Name != "photos" || details.Width != p.enc.card.Width || details.Index == nil || !reflect.DeepEqual(*details.Index, want) {
		t.Errorf("details = %+v", details)
	}
	c.call(http.MethodPost, collectionPhotos+"/index", nil, http.StatusAccepted, &got)
	if !slices.Equal(p.db.calls, []string{"flush", "build"}) || got.State != index.BuildRunning {
		t.Errorf("a new index = %+v after %v", got, p.db.calls)
	}
	p.db.building = index.Building{State: index.BuildFailed, Reason: "no memory"}
	_, text := c.send(http.MethodGet, collectionPhotos+"/index", "", nil)
	if want := `{"type":"","metric":"","total":0,"covered":0,"state":"failed","reason":"no memory"}`; strings.TrimSpace(string(text)) != want {
		t.Errorf("a failure is told as %s", text)
	}
	c.call(http.MethodGet, "/v1/collections/nowhere/index", nil, http.StatusNotFound, nil)
	c.call(http.MethodPost, "/v1/collections/a-b/index", nil, http.StatusBadRequest, nil)
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	c, _ := serveParts(t, nil)
	makePhotos(c)
	for range 2 {
		if _, body := c.send(http.MethodPut, collectionPhotos+"/partitions/y2024", "", nil); len(body) != 0 {
			t.Errorf("the answer is %s", body)
		}
	}
	c.call(http.MethodPut, collectionPhotos+"/partitions/bad", nil, http.StatusBadRequest, nil)

	// An ingest makes the partition that it names.
	var info httpapi.Info
	c.call(http.MethodGet, "/v1/info", nil, http.StatusOK, &info)
	var job httpapi.Job
	c.call(http.MethodPost, collectionPhotos+"/ingest", map[string]string{"path": filepath.Join(info.Roots[0], "leaf"), "partition": "leaves"}, http.StatusAccepted, &job)
	if job = c.wait(job.ID); job.State != "done" || job.Indexed != 3 {
		t.Fatalf("job = %+v", job)
	}
	var list struct{ Partitions []httpapi.Partition }
	c.call(http.MethodGet, collectionPhotos+"/partitions", nil, http.StatusOK, &list)
	want := []httpapi.Partition{{Name: "_default"}, {Name: "leaves", Count: 3}, {Name: "y2024"}}
	if !slices.Equal(list.Partitions, want) {
		t.Errorf("partitions = %v", list.Partitions)
	}
	var details httpapi.Details
	c.call(http.MethodGet, collectionPhotos, nil, http.StatusOK, &details)
	if !slices.Equal(details.Partitions, want) {
		t.Errorf("details = %+v", details)
	}
	for partition, found := range map[string]int{"leaves": 3, "y2024": 0, "": 0} {
		var answer httpapi.Answer
		c.call(http.MethodPost, collectionPhotos+"/search", map[string]string{"text": "leaf", "partition": partition}, http.StatusOK, &answer)
		if len(answer.Hits) != found {
			t.Errorf("%d hits in partition %q, want %d", len(answer.Hits), partition, found)
		}
		c.upload(collectionPhotos+"/search/upload", apple(t), map[string]string{"partition": partition}, http.StatusOK, &answer)
		if len(answer.Hits) != found {
			t.Errorf("%d hits of a picture in partition %q, want %d", len(answer.Hits), partition, found)
		}
	}
	c.call(http.MethodPost, collectionPhotos+"/search", map[string]string{"text": "leaf", "partition": "nowhere"}, http.StatusNotFound, nil)
	if resp, _ := c.send(http.MethodDelete, collectionPhotos+"/partitions/leaves", "", nil); resp.StatusCode != http.StatusNoContent {
		t.Errorf("status of a drop is %d", resp.StatusCode)
	}
	c.call(http.MethodDelete, collectionPhotos+"/partitions/leaves", nil, http.StatusNotFound, nil)
}

func TestAliases(t *testing.T) {
	t.Parallel()
	c, _ := serveParts(t, nil)
	makePhotos(c)
	var alias httpapi.Alias
	c.call(http.MethodPut, "/v1/aliases/current", map[string]string{"collection": "photos"}, http.StatusOK, &alias)
	c.call(http.MethodPut, "/v1/aliases/current", map[string]string{"collection": "nowhere"}, http.StatusNotFound, nil)
	c.call(http.MethodPut, "/v1/aliases/current", nil, http.StatusBadRequest, nil)
	var list struct{ Aliases []httpapi.Alias }
	c.call(http.MethodGet, "/v1/aliases", nil, http.StatusOK, &list)
	want := httpapi.Alias{Alias: "current", Collection: "photos"}
	if alias != want || !slices.Equal(list.Aliases, []httpapi.Alias{want}) {
		t.Errorf("alias = %v, aliases = %v", alias, list.Aliases)
	}
	var details httpapi.Details // of the alias
	c.call(http.MethodGet, "/v1/collections/current", nil, http.StatusOK, &details)
	if details.Name != "photos" || !slices.Equal(details.Aliases, []string{"current"}) {
		t.Errorf("details = %+v", details)
	}
	if resp, _ := c.send(http.MethodDelete, "/v1/aliases/current", "", nil); resp.StatusCode != http.StatusNoContent {
		t.Errorf("status of a drop is %d", resp.StatusCode)
	}
	c.call(http.MethodDelete, "/v1/aliases/current", nil, http.StatusNotFound, nil)
	c.call(http.MethodGet, "/v1/aliases", nil, http.StatusOK, &list)
	if len(list.Aliases) != 0 {
		t.Errorf("aliases = %v", list.Aliases)
	}
}

// TestLocalIndexLacks asks a local index for what it has not.
func TestLocalIndexLacks(t *testing.T) {
	t.Parallel()
	root := photos(t)
	c := serve(t, root, func(cfg *app.Config) { cfg.Ingest.Roots = []string{root} })
	var details httpapi.Details
	c.call(http.MethodGet, collection, nil, http.StatusOK, &details)
	if details.Count != 8 || details.StoredBytes == 0 || details.Index != nil || details.Partitions != nil || details.Aliases != nil {
		t.Errorf("details = %+v", details)
	}
	for name, tc := range map[string]struct {
		method, path string
		body         any
		detail       string
	}{
		"index":            {"GET", collection + "/index", nil, "text_image_vector: this collection lives in an index that looks at every vector"},
		"build":            {"POST", collection + "/index", nil, "looks at every vector"},
		"partitions":       {"GET", collection + "/partitions", nil, "text_image_vector: this collection lives in an index that has no partitions"},
		"make a partition": {"PUT", collection + "/partitions/y2024", nil, "no partitions"},
		"drop a partition": {"DELETE", collection + "/partitions/y2024", nil, "no partitions"},
		"search in one":    {"POST", collection + "/search", map[string]string{"text": "leaf", "partition": "y2024"}, "no partitions"},
		"ingest into one":  {"POST", collection + "/ingest", map[string]string{"path": root, "partition": "y2024"}, "no partitions"},
		"aliases":          {"GET", "/v1/aliases", nil, "this index has no aliases"},
		"set an alias":     {"PUT", "/v1/aliases/photos", map[string]string{"collection": "text_image_vector"}, "no aliases"},
		"drop an alias":    {"DELETE", "/v1/aliases/photos", nil, "no aliases"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client{t: t, base: c.base}
			var problem httpapi.Problem
			c.call(tc.method, tc.path, tc.body, http.StatusConflict, &problem)
			if problem.Kind != "conflict" || !strings.Contains(problem.Detail, tc.detail) {
				t.Errorf("problem = %+v, want a detail with %q", problem, tc.detail)
			}
		})
	}
}

// TestUpkeepNeedsTheKey sends what changes a collection without the key.
func TestUpkeepNeedsTheKey(t *testing.T) {
	t.Parallel()
	c, p := serveParts(t, func(cfg *httpapi.Config, _ *parts) { cfg.APIKey = "0123456789abcdef" })
	makePhotos(c)
	stranger := client{t: t, base: c.base}
	for path, method := range map[string]string{
		collectionPhotos + "/index":            http.MethodPost,
		collectionPhotos + "/partitions/y2024": http.MethodPut,
		collectionPhotos + "/partitions/_none": http.MethodDelete,
		"/v1/aliases/current":                  http.MethodPut,
		"/v1/aliases/other":                    http.MethodDelete,
	} {
		stranger.call(method, path, nil, http.StatusUnauthorized, nil)
	}
	resp, content := c.send(http.MethodPost, collectionPhotos+"/index", "", nil, "Origin", "http://evil.example")
	c.decode(resp, content, http.StatusForbidden, nil)
	if len(p.db.calls) != 0 {
		t.Errorf("a stranger did %v", p.db.calls)
	}
}
