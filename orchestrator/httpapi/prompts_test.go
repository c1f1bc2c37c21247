package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/httpapi"
)

func TestPrompts(t *testing.T) {
	t.Parallel()
	model := apptest.Templated(t, `["{}", "a photo of a {}"]`)
	c := serve(t, photos(t), func(cfg *app.Config) { cfg.Model = model })
	var info httpapi.Info
	c.call(http.MethodGet, "/v1/info", nil, http.StatusOK, &info)
	if !info.Prompts || !slices.Equal(info.Model.Prompts, []string{"{}", "a photo of a {}"}) || !slices.Equal(info.Model.Languages, []string{"en", "zh"}) {
		t.Errorf("info = %+v", info)
	}
	with, without := c.search(map[string]any{"text": "apple"}), c.search(map[string]any{"text": "apple", "prompts": false})
	if !with.Prompts || without.Prompts || with.Hits[0].Score == without.Hits[0].Score {
		t.Errorf("with templates: %v, %v; without: %v, %v", with.Prompts, with.Hits[0].Score, without.Prompts, without.Hits[0].Score)
	}
	if long := c.search(map[string]any{"text": "apples on a table", "prompts": true}); long.Prompts {
		t.Error("a long text was put into templates")
	}
	file := apptest.JPEG(t, apptest.Picture(90, apptest.Red, apptest.White))
	for value, want := range map[string]bool{"true": true, "false": false} {
		var answer httpapi.Answer
		c.upload(collection+"/search/upload", file, map[string]string{"text": "apple", "prompts": value}, http.StatusOK, &answer)
		if answer.Prompts != want {
			t.Errorf("uploaded with prompts=%s: %v", value, answer.Prompts)
		}
	}
	var byDefault httpapi.Answer
	c.upload(collection+"/search/upload", file, map[string]string{"text": "apple"}, http.StatusOK, &byDefault)
	if !byDefault.Prompts {
		t.Error("uploaded without a word on templates: the service's default is to use them")
	}
	c.upload(collection+"/search/upload", file, map[string]string{"text": "apple", "prompts": "perhaps"}, http.StatusUnprocessableEntity, nil)
	c.call(http.MethodPost, collection+"/search", map[string]any{"text": "apple", "prompts": "yes"}, http.StatusUnprocessableEntity, nil)
}

func TestLanguageNote(t *testing.T) {
	t.Parallel()
	c := serve(t, photos(t), nil)
	var info httpapi.Info
	c.call(http.MethodGet, "/v1/info", nil, http.StatusOK, &info)
	if info.Prompts || info.Model.Prompts == nil || len(info.Model.Prompts) != 0 {
		t.Errorf("the demo model has no templates: %+v", info)
	}
	if answer := c.search(map[string]any{"text": "яблоко", "prompts": true}); answer.Prompts || !strings.Contains(answer.LanguageNote, "Cyrillic") {
		t.Errorf("Russian: %+v", answer)
	}
	if answer := c.search(map[string]any{"text": "苹果"}); answer.LanguageNote != "" {
		t.Errorf("Chinese: %q", answer.LanguageNote)
	}
}
