package search_test

import (
	"strings"
	"testing"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/source"
)

func TestQueryFaults(t *testing.T) {
	t.Parallel()
	cfg := search.Default()
	id := int64(7)
	for name, tc := range map[string]struct {
		query search.Query
		kind  fault.Kind
		want  string
	}{
		"nothing":         {search.Query{}, fault.KindInvalid, "empty"},
		"blanks":          {search.Query{Text: " \t\n　"}, fault.KindInvalid, "empty"},
		"too long":        {search.Query{Text: strings.Repeat("x", 10_001)}, fault.KindTooLarge, "10001 bytes"},
		"negative limit":  {search.Query{Text: "x", Limit: -1}, fault.KindInvalid, "limit is -1"},
		"limit too large": {search.Query{Text: "x", Limit: 1001}, fault.KindInvalid, "limit is 1001"},
		"out of reach":    {search.Query{Like: &id, Offset: 16_384}, fault.KindInvalid, "offset is 16384"},
		"filter":          {search.Query{Text: "x", Filter: "label =="}, fault.KindInvalid, "filter"},
	} {
		err := tc.query.Validate(cfg)
		if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.want) {
			t.Errorf("%s: %v, want %v with %q", name, err, tc.kind, tc.want)
		}
	}
	if err := (search.Query{Text: "x", Filter: `label == "a"`}).Validate(cfg); err != nil {
		t.Error(err)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	err := search.Config{Limit: 20, MaxLimit: 10}.Validate()
	for _, want := range []string{"limit = 20", "max_text"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// TestTexts asks the real program with texts that the tokenizer judges.
func TestTexts(t *testing.T) {
	t.Parallel()
	cfg := apptest.Config(t)
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.NewFolders(apptest.Write(t, map[string][]byte{"apple/1.jpg": apptest.JPEG(t, apptest.Picture(80, apptest.Red, apptest.White))}))
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Ingester.NewRun(src, photos, nil).Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("apple ", 100)
	if _, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: long}); fault.KindOf(err) != fault.KindTooLarge || !strings.Contains(fault.Public(err), "77") {
		t.Errorf("over-long text: %v", err)
	}
	if _, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: "caf\xe9"}); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("not UTF-8: %v", err)
	}
	cut := search.Default()
	cut.Truncate = true
	truncating := search.New(cut, core.Tokenizer, core.Decoder, core.Spec, core.Encoder)
	answer, err := truncating.Search(t.Context(), photos, search.Query{Text: long})
	if err != nil || len(answer.Hits) != 1 {
		t.Errorf("truncated: %+v, %v", answer, err)
	}
	if answer, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: "a steam engine in the snow"}); err != nil || !answer.Weak {
		t.Errorf("what is not there: %+v, %v", answer, err)
	}
}
