package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/model/modeltest"
)

// TestPicturesAlone runs the service with a model that has no text tower.
func TestPicturesAlone(t *testing.T) {
	t.Parallel()
	lemon := apptest.PNG(t, apptest.Picture(100, apptest.Yellow, apptest.White))
	root := apptest.Write(t, map[string][]byte{
		"lemon/1.png": lemon,
		"apple/1.jpg": apptest.JPEG(t, apptest.Picture(120, apptest.Red, apptest.White)),
	})
	dir := modeltest.Pictures{}.Write(t, t.TempDir())
	c := serve(t, "", func(cfg *app.Config) {
		cfg.Model = dir
		fill(t, *cfg, root)
	})
	var info httpapi.Info
	c.call("GET", "/v1/info", nil, http.StatusOK, &info)
	if info.Model.Text || info.Model.Name != modeltest.PicturesName || info.Model.Languages == nil {
		t.Errorf("info = %+v", info.Model)
	}
	var ready struct{ Ready bool }
	c.call("GET", "/readyz", nil, http.StatusOK, &ready)
	if !ready.Ready {
		t.Error("not ready")
	}
	const path = "/v1/collections/text_image_vector/search"
	var answer httpapi.Answer
	c.upload(path+"/upload", lemon, nil, http.StatusOK, &answer)
	if len(answer.Hits) != 2 || !strings.HasSuffix(answer.Hits[0].Path, "lemon/1.png") || answer.Hits[0].Score < 0.999 || answer.Weak {
		t.Fatalf("hits = %+v", answer.Hits)
	}
	like := answer.Hits[0].ID
	c.call("POST", path, map[string]any{"like": like}, http.StatusOK, &answer)
	if len(answer.Hits) != 1 || !strings.HasSuffix(answer.Hits[0].Path, "apple/1.jpg") {
		t.Errorf("like it = %+v", answer.Hits)
	}
	var problem httpapi.Problem
	refused := func(how string) {
		t.Helper()
		if problem.Kind != "invalid" || !strings.Contains(problem.Detail, "colours has no text tower") || !strings.Contains(problem.Detail, "search with a picture") {
			t.Errorf("%s: %+v", how, problem)
		}
		problem = httpapi.Problem{}
	}
	c.call("POST", path, map[string]any{"text": "lemon"}, http.StatusBadRequest, &problem)
	refused("a text")
	c.call("POST", path, map[string]any{"text": "lemon", "like": like}, http.StatusBadRequest, &problem)
	refused("a text and a picture")
	c.upload(path+"/upload", lemon, map[string]string{"text": "lemon"}, http.StatusBadRequest, &problem)
	refused("a text and an upload")
}
