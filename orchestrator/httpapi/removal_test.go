package httpapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
)

func TestDeletePictures(t *testing.T) {
	t.Parallel()
	root := photos(t)
	c := serve(t, root, func(cfg *app.Config) { cfg.Ingest.Roots = []string{root} })
	all := c.search(map[string]any{"text": "fruit"}).Hits
	if len(all) != 8 {
		t.Fatalf("%d pictures", len(all))
	}
	del := func(body map[string]any, want int64) {
		t.Helper()
		for _, dry := range []bool{true, false} {
			body["dry_run"] = dry
			var out httpapi.Deletion
			c.call(http.MethodPost, collection+"/delete", body, http.StatusOK, &out)
			if out != (httpapi.Deletion{Count: want, DryRun: dry, Complete: true}) {
				t.Errorf("%v: %+v, want %d", body, out, want)
			}
		}
	}
	del(map[string]any{"ids": []string{all[0].ID, all[1].ID, all[0].ID, "7"}}, 2)
	del(map[string]any{"filter": `label == "leaf" && id != ` + all[2].ID}, int64(remaining(c.search(map[string]any{"text": "fruit"}).Hits, "leaf", all[2].ID)))
	if resp, body := c.send(http.MethodDelete, collection+"/pictures/"+all[2].ID, "", nil); resp.StatusCode != http.StatusNoContent {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	c.call(http.MethodDelete, collection+"/pictures/"+all[2].ID, nil, http.StatusNotFound, nil)
	c.call(http.MethodGet, collection+"/pictures/"+all[2].ID, nil, http.StatusNotFound, nil)
	rest := len(c.search(map[string]any{"text": "fruit"}).Hits)
	del(map[string]any{"source": root}, int64(rest))
	if _, err := os.Stat(all[0].Path); err != nil {
		t.Errorf("a file: %v", err)
	}

	for name, tc := range map[string]struct {
		path   string
		body   map[string]any
		status int
		detail string
	}{
		"nothing":            {collection, map[string]any{}, 400, "an empty filter never means every picture, `clipseek collection drop NAME`"},
		"an empty filter":    {collection, map[string]any{"filter": ""}, 400, "an empty filter never means"},
		"a blank filter":     {collection, map[string]any{"filter": " "}, 400, "an empty filter never means"},
		"no ids":             {collection, map[string]any{"ids": []string{}}, 400, "nothing says what to delete"},
		"two ways":           {collection, map[string]any{"filter": "id == 1", "source": "/x"}, 400, "exclude each other"},
		"a bad filter":       {collection, map[string]any{"filter": "label = 3"}, 400, "filter 1:"},
		"a bad id":           {collection, map[string]any{"ids": []string{"x"}}, 400, "is not the id of a picture"},
		"a relative source":  {collection, map[string]any{"source": "photos"}, 400, "neither an absolute path nor a URL"},
		"an unknown field":   {collection, map[string]any{"filters": "id == 1"}, 422, "unexpected property"},
		"another collection": {"/v1/collections/nowhere", map[string]any{"filter": "id == 1"}, 404, `no collection "nowhere"`},
		"a bad name":         {"/v1/collections/a-b", map[string]any{"filter": "id == 1"}, 400, "cannot name a collection"},
		"a partition":        {collection, map[string]any{"filter": "id == 1", "partition": "y2024"}, 409, "no partitions"},
	} {
		var problem httpapi.Problem
		c.call(http.MethodPost, tc.path+"/delete", tc.body, tc.status, &problem)
		if !strings.Contains(problem.Detail, tc.detail) {
			t.Errorf("%s: %+v", name, problem)
		}
	}
	c.call(http.MethodDelete, collection+"/pictures/x", nil, http.StatusBadRequest, nil)
	c.call(http.MethodDelete, "/v1/collections/nowhere/pictures/1", nil, http.StatusNotFound, nil)
}

// left counts the hits of a label but for one.
func remaining(hits []httpapi.Hit, label, but string) (n int) {
	for _, hit := range hits {
		if hit.Fields[index.FieldLabel] == label && hit.ID != but {
			n++
		}
	}
	return n
}

func TestSync(t *testing.T) {
	t.Parallel()
	root := photos(t)
	c := serve(t, root, func(cfg *app.Config) { cfg.Ingest.Roots = []string{root} })
	leaves, err := filepath.Glob(filepath.Join(root, "leaf", "*"))
	if err != nil || len(leaves) != 3 {
		t.Fatal(leaves, err)
	}
	if err := os.Remove(leaves[0]); err != nil {
		t.Fatal(err)
	}
	ask := func() (gone httpapi.Gone) {
		t.Helper()
		c.call(http.MethodPost, collection+"/gone", map[string]any{"path": root}, http.StatusOK, &gone)
		return gone
	}
	ingest := func(body map[string]any) httpapi.Job {
		t.Helper()
		body["path"] = root
		var job httpapi.Job
		c.call(http.MethodPost, collection+"/ingest", body, http.StatusAccepted, &job)
		return c.wait(job.ID)
	}
	if gone := ask(); gone.Count != 1 || gone.Rows != 8 || gone.Doubt != "" || len(gone.Examples) != 1 || gone.Examples[0] != leaves[0] {
		t.Errorf("gone = %+v", gone)
	}
	if job := ingest(map[string]any{}); job.Removed != 0 || job.State != "done" {
		t.Errorf("without sync: %+v", job)
	}
	if job := ingest(map[string]any{"sync": true}); job.Removed != 1 || job.Notice != "" || job.Unchanged != 7 {
		t.Errorf("with sync: %+v", job)
	}
	for _, leaf := range leaves[1:] {
		if err := os.Remove(leaf); err != nil {
			t.Fatal(err)
		}
	}
	if gone := ask(); gone.Count != 2 || gone.Emptied != 2 || !strings.Contains(gone.Doubt, "is a disk not mounted") {
		t.Errorf("gone = %+v", gone)
	}
	if job := ingest(map[string]any{"sync": true}); job.Removed != 0 || job.State != "done" || !strings.Contains(job.Notice, "set the limit to 2 (--sync-limit, sync_limit)") {
		t.Errorf("in doubt: %+v", job)
	}
	if job := ingest(map[string]any{"sync": true, "sync_limit": 2}); job.Removed != 2 || job.Notice != "" {
		t.Errorf("with a limit: %+v", job)
	}
	c.call(http.MethodPost, collection+"/ingest", map[string]any{"path": root, "sync_limit": 2}, http.StatusBadRequest, nil)
	c.call(http.MethodPost, collection+"/ingest", map[string]any{"path": root, "sync": true, "sync_limit": -1}, http.StatusUnprocessableEntity, nil)
	c.call(http.MethodPost, collection+"/gone", map[string]any{"path": "/etc"}, http.StatusForbidden, nil)
	c.call(http.MethodPost, collection+"/gone", map[string]any{"path": filepath.Join(root, "nowhere")}, http.StatusNotFound, nil)
	c.call(http.MethodPost, "/v1/collections/nowhere/gone", map[string]any{"path": root}, http.StatusNotFound, nil)
	c.call(http.MethodPost, collection+"/gone", map[string]any{"path": root, "partition": "y2024"}, http.StatusConflict, nil)
}
