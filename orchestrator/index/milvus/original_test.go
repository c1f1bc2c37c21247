package milvus_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
	"clipseek/orchestrator/index/milvus"
)

const model = "test-model@1"

// python runs testdata/original.py, which uses pymilvus.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(serverstest.Home(t), "python", "bin", "python"), append([]string{"-W", "ignore", "testdata/original.py"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return out
}

// original makes collections as the original program did, or variants of them, named as the variant.
func original(t *testing.T, cfg milvus.Config, width, rows int, variants ...string) {
	t.Helper()
	python(t, append([]string{"make", cfg.Address, cfg.Database, strconv.Itoa(width), strconv.Itoa(rows)}, variants...)...)
}

func axis(i, width int) []float32 {
	v := make([]float32, width)
	v[i%width] = 1
	return v
}

func parse(t *testing.T, text string) *index.Filter {
	t.Helper()
	f, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The original program's collection is searched and extended as it stands, and stays one that the original can read.
func TestOriginalCollection(t *testing.T) {
	t.Parallel()
	const width, rows = 16, 2_000
	cfg := config(t)
	original(t, cfg, width, rows, "original")
	db := open(t, cfg)

	infos, err := db.Collections(t.Context())
	check(t, err)
	if want := []index.Info{{Name: "original", Width: width, Count: rows}}; !slices.Equal(infos, want) {
		t.Errorf("got %+v, want %+v", infos, want)
	}
	if _, err := db.Open(t.Context(), index.Spec{Collection: "original", Width: 8, Model: model}); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("another width: %v, want Conflict", err)
	}
	photos := openCollection(t, db, "original", width)
	hits, err := photos.Search(t.Context(), index.Query{Vector: axis(3, width), Limit: 3})
	check(t, err)
	var got []string
	for _, h := range hits {
		got = append(got, fmt.Sprintf("%d %s %v", h.ID, h.Path, h.Score))
	}
	if want := []string{"3 pictures/3.jpg 1", "19 pictures/19.jpg 1", "35 pictures/35.jpg 1"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}

	key := "shop/红苹果.jpg"
	added := index.Record{ID: index.ID(key), Path: key, Vector: axis(3, width), Fields: map[string]any{"label": "红苹果", "width": int64(640), "price": 2.0, "tags": []string{"a"}}}
	replaced := index.Record{ID: 3, Path: "pictures/new.jpg", Vector: axis(4, width), Fields: map[string]any{"label": "pear"}}
	check(t, photos.Upsert(t.Context(), []index.Record{added, replaced}))
	hits, err = photos.Search(t.Context(), index.Query{Vector: axis(3, width), Limit: 1, Filter: parse(t, `label == "红苹果" && price == 2`)})
	check(t, err)
	if len(hits) != 1 || hits[0].ID != added.ID {
		t.Errorf("the added record is not found: %v", hits)
	}
	n, err := photos.(index.Counter).Count(t.Context(), nil)
	check(t, err)
	if n != rows+1 {
		t.Errorf("there are %d records, want %d", n, rows+1)
	}

	var read []map[string]any
	check(t, json.Unmarshal(python(t, "read", cfg.Address, cfg.Database, "original", `label in ["红苹果", "pear"]`), &read))
	if len(read) != 2 || read[0]["path"] != "pictures/new.jpg" || read[1]["label"] != "红苹果" || read[1]["width"] != 640.0 {
		t.Errorf("pymilvus reads %v", read)
	}

	long := replaced
	long.Path = strings.Repeat("é", 129)
	err = photos.Upsert(t.Context(), []index.Record{{ID: 77, Path: "77", Vector: axis(0, width)}, long})
	if fault.KindOf(err) != fault.KindTooLarge || !strings.Contains(fault.Public(err), "258 bytes") || !strings.Contains(fault.Public(err), "256") {
		t.Errorf("a path over VARCHAR(256): %v, want TooLarge", err)
	}
	records, err := photos.Get(t.Context(), []int64{77})
	check(t, err)
	if records[0].Path != "pictures/77.jpg" {
		t.Errorf("a batch that was refused has written %+v", records[0])
	}
}

// What cannot serve is refused with every reason, and not listed.
func TestForeignCollections(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	db := open(t, cfg)
	reasons := map[string]string{
		"auto_id":      "it gives ids itself (auto_id)",
		"string_id":    "its column m_id is VARCHAR and must be INT64",
		"binary":       "its column embeding is BINARY_VECTOR and must be FLOAT_VECTOR; its metric is HAMMING and must be IP or COSINE",
		"other_vector": "it has a column embedding, which records could not fill; it has no column embeding, which must be FLOAT_VECTOR",
		"no_path":      "it has no column path, which must be VARCHAR",
		"path_number":  "its column path is INT64 and must be VARCHAR",
		"extra":        "it has a column shop, which records could not fill",
		"l2":           "its metric is L2",
	}
	original(t, cfg, 8, 0, slices.Collect(maps.Keys(reasons))...)
	for variant, want := range reasons {
		_, err := db.Open(t.Context(), index.Spec{Collection: variant, Width: 8, Model: model})
		if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), want) {
			t.Errorf("%s: %v\nwant Conflict with %q", variant, err, want)
		}
	}
	infos, err := db.Collections(t.Context())
	check(t, err)
	if len(infos) != 0 {
		t.Errorf("collections that cannot serve are listed: %v", infos)
	}
}

// What other programs put into dynamic fields, and records cannot have, is as if it were not there.
func TestForeignFields(t *testing.T) {
	t.Parallel()
	const width, rows = 8, 300
	cfg := config(t)
	original(t, cfg, width, rows, "odd")
	photos := openCollection(t, open(t, cfg), "odd", width)
	records, err := photos.Get(t.Context(), []int64{1, 2})
	check(t, err)
	if got, want := fmt.Sprint(records[0].Fields, records[1].Fields), "map[mixed:[a] numbers:[]] map[label:pear mixed:[a] numbers:[]]"; got != want {
		t.Errorf("the fields are %s, want %s", got, want)
	}
	for text, want := range map[string]int64{
		"has(label)": 200, "!has(label)": 100, "has(nothing)": 0, "nothing == null": rows, "has(object)": 0, "!has(object)": rows,
		"has(numbers)": rows, `"a" in mixed`: rows, `label != "pear"`: 200, `has(nothing) || label == "pear"`: 100, `label.contains("ppl")`: 100,
	} {
		n, err := photos.(index.Counter).Count(t.Context(), parse(t, text))
		check(t, err)
		hits, err := photos.Search(t.Context(), index.Query{Vector: axis(0, width), Limit: index.MaxWindow, Filter: parse(t, text)})
		check(t, err)
		if n != want || int64(len(hits)) != want {
			t.Errorf("%s counts %d and finds %d, want %d", text, n, len(hits), want)
		}
	}
}

// A collection without dynamic fields is searched, and extended with records that have none.
func TestStaticCollection(t *testing.T) {
	t.Parallel()
	const width, rows = 8, 100
	cfg := config(t)
	original(t, cfg, width, rows, "static")
	photos := openCollection(t, open(t, cfg), "static", width)
	check(t, photos.Upsert(t.Context(), []index.Record{{ID: 1000, Path: "a.jpg", Vector: axis(0, width)}}))
	for text, want := range map[string]int{`label == "apple"`: 0, `!has(label)`: rows + 1, `path.endsWith(".jpg") && id >= 1000`: 1} {
		hits, err := photos.Search(t.Context(), index.Query{Vector: axis(0, width), Limit: 1000, Filter: parse(t, text)})
		check(t, err)
		if len(hits) != want {
			t.Errorf("%s finds %d, want %d", text, len(hits), want)
		}
	}
	err := photos.Upsert(t.Context(), []index.Record{{ID: 1, Path: "b.jpg", Vector: axis(0, width), Fields: map[string]any{"label": "apple"}}})
	if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), "label") {
		t.Errorf("a field where none can be: %v, want Conflict", err)
	}
}

// COSINE serves; a collection without an index is made searchable by Build.
func TestOtherIndexes(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	db := open(t, cfg)
	original(t, cfg, 8, 100, "cosine", "no_index")
	hits, err := openCollection(t, db, "cosine", 8).Search(t.Context(), index.Query{Vector: axis(5, 8), Limit: 2})
	check(t, err)
	if len(hits) != 2 || hits[0].ID != 5 || hits[0].Score != 1 {
		t.Errorf("found %v", hits)
	}
	bare := openCollection(t, db, "no_index", 8)
	check(t, bare.Upsert(t.Context(), []index.Record{{ID: 1, Path: "a.jpg", Vector: axis(0, 8)}}))
	_, err = bare.Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 1})
	if fault.KindOf(err) != fault.KindUnavailable || !strings.Contains(fault.Public(err), "index") {
		t.Errorf("a search without an index: %v, want Unavailable", err)
	}
	check(t, bare.(index.Builder).Build(t.Context()))
	check(t, bare.(index.Loader).Load(t.Context()))
	hits, err = bare.Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 1})
	check(t, err)
	if len(hits) != 1 {
		t.Errorf("found %v", hits)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%v)", err, fault.KindOf(err))
	}
}

func openCollection(t testing.TB, db *milvus.Database, name string, width int) index.Index {
	t.Helper()
	idx, err := db.Open(t.Context(), index.Spec{Collection: name, Width: width, Model: model})
	check(t, err)
	t.Cleanup(func() { check(t, idx.Close()) })
	return idx
}
