package search_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/tokenizer"
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
	core, photos := indexed(t, apptest.Config(t), apptest.Write(t, map[string][]byte{"apple/1.jpg": apptest.JPEG(t, apptest.Picture(80, apptest.Red, apptest.White))}))
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

// indexed opens the program and indexes the pictures of a folder.
func indexed(t *testing.T, cfg app.Config, folder string) (*app.Core, index.Index) {
	t.Helper()
	core := apptest.OpenCore(t, cfg)
	photos, err := core.Make(t.Context(), cfg.Collection)
	if err != nil {
		t.Fatal(err)
	}
	apptest.Ingest(t, core, photos, folder)
	return core, photos
}

// mean is the normalized mean of the texts' vectors, by the encoder alone.
func mean(t *testing.T, core *app.Core, texts ...string) encoder.Vector {
	t.Helper()
	total := make(encoder.Vector, core.Card.Width)
	for _, text := range texts {
		tokens, err := core.Tokenizer.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		vectors, err := core.Encoder.EncodeText(t.Context(), []tokenizer.Tokens{tokens})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range vectors[0] {
			total[i] += x
		}
	}
	encoder.Normalize(total)
	return total
}

// TestPrompts compares scores with those of vectors that are averaged here.
func TestPrompts(t *testing.T) {
	t.Parallel()
	tooLong := "{} " + strings.Repeat("y ", 76)
	cfg := apptest.Config(t)
	cfg.Model = apptest.Templated(t, fmt.Sprintf("[%q, %q, %q, %q]", "{}", "a photo of a {}", tooLong, "一张{}的照片"))
	core, photos := indexed(t, cfg, apptest.Write(t, map[string][]byte{"lemon/1.jpg": apptest.JPEG(t, apptest.Picture(80, apptest.Yellow, apptest.White))}))
	records, err := photos.Get(t.Context(), []int64{onlyID(t, core, photos)})
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	picture := records[0].Vector
	plain := search.Default()
	plain.Prompts = false
	off := search.New(plain, core.Tokenizer, core.Decoder, core.Spec, core.Encoder)
	if !core.Searcher.Prompts() || off.Prompts() {
		t.Error("by default templates are used, and not where the configuration says so")
	}
	for name, tc := range map[string]struct {
		searcher *search.Searcher
		query    search.Query
		used     bool
		want     encoder.Vector
	}{
		"by default":          {core.Searcher, search.Query{Text: "a lemon"}, true, mean(t, core, "lemon", "a photo of a lemon")},
		"Chinese":             {core.Searcher, search.Query{Text: "柠檬"}, true, mean(t, core, "柠檬", "一张柠檬的照片")},
		"not asked for":       {core.Searcher, search.Query{Text: "a lemon", Prompts: new(false)}, false, mean(t, core, "a lemon")},
		"long":                {core.Searcher, search.Query{Text: "lemons on a table"}, false, mean(t, core, "lemons on a table")},
		"off":                 {off, search.Query{Text: "a lemon"}, false, mean(t, core, "a lemon")},
		"off, but asked for":  {off, search.Query{Text: "a lemon", Prompts: new(true)}, true, mean(t, core, "lemon", "a photo of a lemon")},
		"with a picture":      {core.Searcher, search.Query{Text: "lemon", Image: apptest.JPEG(t, apptest.Picture(80, apptest.Yellow, apptest.White))}, true, nil},
		"with one of indexed": {core.Searcher, search.Query{Image: apptest.JPEG(t, apptest.Picture(80, apptest.Yellow, apptest.White)), Prompts: new(true)}, false, picture},
	} {
		answer, err := tc.searcher.Search(t.Context(), photos, tc.query)
		if err != nil || len(answer.Hits) != 1 {
			t.Errorf("%s: %+v, %v", name, answer, err)
			continue
		}
		if tc.want == nil { // the text's mean is one part of two
			tc.want = mean(t, core, "lemon", "a photo of a lemon")
			for i, x := range picture {
				tc.want[i] += x
			}
			encoder.Normalize(tc.want)
		}
		if want := encoder.Dot(tc.want, picture); answer.Prompts != tc.used || math.Abs(float64(answer.Hits[0].Score)-want) > 1e-4 {
			t.Errorf("%s: templates used: %v, score %.5f; want %v, %.5f", name, answer.Prompts, answer.Hits[0].Score, tc.used, want)
		}
	}
	if _, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: "caf\xe9"}); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("not UTF-8: %v", err)
	}
}

// onlyID is the id of the only picture.
func onlyID(t *testing.T, core *app.Core, photos index.Index) int64 {
	t.Helper()
	answer, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: "anything"})
	if err != nil || len(answer.Hits) != 1 {
		t.Fatal(answer, err)
	}
	return answer.Hits[0].ID
}

// TestLanguages asks the multilingual demo model for the ten fruits of the sample pictures in both of its languages.
func TestLanguages(t *testing.T) {
	t.Parallel()
	const each = 3
	names := map[string][]string{
		"apple": {"apple", "苹果", "蘋果"}, "apricot": {"apricot", "杏子"}, "banana": {"banana", "香蕉"}, "blueberry": {"blueberry", "蓝莓"},
		"cherry": {"cherry", "樱桃"}, "grape": {"grape", "葡萄"}, "lemon": {"lemon", "柠檬"}, "litchi": {"litchi", "荔枝"}, "mango": {"mango", "芒果"},
	}
	files := map[string][]byte{}
	for label := range names {
		paths, err := filepath.Glob(filepath.Join(apptest.Root(t), "triton_models", "samples", label, "*.jpg"))
		if err != nil || len(paths) < each {
			t.Fatalf("%s: %d pictures, %v", label, len(paths), err)
		}
		for _, path := range paths[:each] {
			if files[label+"/"+filepath.Base(path)], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	core, photos := indexed(t, apptest.Config(t), apptest.Write(t, files))
	for label, queries := range names {
		for _, query := range queries {
			answer, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: query, Limit: each})
			if err != nil || len(answer.Hits) != each || answer.LanguageNote != "" || answer.Weak {
				t.Errorf("%s: %+v, %v", query, answer, err)
			}
			for _, hit := range answer.Hits {
				if hit.Fields[index.FieldLabel] != label {
					t.Errorf("%s finds %s", query, hit.Path)
				}
			}
		}
	}
	answer, err := core.Searcher.Search(t.Context(), photos, search.Query{Text: "яблоко"})
	if err != nil || !strings.Contains(answer.LanguageNote, "English and Chinese") || !strings.Contains(answer.LanguageNote, "Cyrillic") {
		t.Errorf("Russian: %+v, %v", answer, err)
	}
}
