package index_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// The ids must never change: they are in databases. The values are by Python:
// int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 1.
func TestID(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int64{
		"":                    0x71d86221_4c7e0e0a,
		"a":                   0x654bc089_650ddee5,
		"2024/红苹果.jpg":        0x9080ff7c0e25df5,
		"s3://bucket/key.png": 0x5dc197f97c685ff9,
	} {
		if got := index.ID(key); got != want {
			t.Errorf("ID(%q) = %#x, want %#x", key, got, want)
		}
	}
}

func TestFieldsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	fields := map[string]any{
		"whole": int64(3), "float": 3.0, "tiny": 5e-324, "huge": 1.7976931348623157e308, "most": int64(math.MaxInt64), "text": "<&\u2028\"\\",
		"yes": true, "list": []string{"a", ""}, "none": []string{},
	}
	encoded, err := index.EncodeFields(map[string]any{"gone": nil, "float": 3.0})
	if err != nil || encoded != `{"float":3.0}` {
		t.Errorf("EncodeFields = %s, %v", encoded, err)
	}
	if encoded, err = index.EncodeFields(fields); err != nil {
		t.Fatal(err)
	}
	got, err := index.DecodeFields(map[string]any{"label": "apple"}, encoded)
	if err != nil {
		t.Fatal(err)
	}
	fields["label"] = "apple"
	if !reflect.DeepEqual(got, fields) {
		t.Errorf("got  %#v\nwant %#v", got, fields)
	}
	for _, bad := range []string{"{", `[]`, `{"a":{"b":1}}`, `{"a":[1]}`, `{"a":null}`, `{"a":99999999999999999999}`} {
		if got, err := index.DecodeFields(nil, bad); err == nil {
			t.Errorf("DecodeFields(%s) = %v", bad, got)
		}
	}
}

func FuzzDecodeFields(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":2.0,"c":"x","d":true,"e":["y"]}`, `{"a":1e400}`, `{"a":-0}`, `{"":[]}`, `{"a":"\ud800"}`, "{"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := index.DecodeFields(nil, text)
		if err != nil || len(fields) == 0 {
			return
		}
		encoded, err := index.EncodeFields(fields)
		if err != nil {
			t.Fatalf("fields of %q cannot be encoded: %v", text, err)
		}
		again, err := index.DecodeFields(nil, encoded)
		if err != nil || !reflect.DeepEqual(again, fields) {
			t.Errorf("%q became %#v, then %#v, %v", text, fields, again, err)
		}
	})
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 6, 1, 11, 30, 0, 999, time.FixedZone("CEST", 7200))
	if got := index.Timestamp(at); got != "2024-06-01T09:30:00Z" {
		t.Errorf("Timestamp = %s", got)
	}
	back, err := index.ParseTimestamp(index.Timestamp(at))
	if err != nil || !back.Equal(at.Truncate(time.Second)) {
		t.Errorf("ParseTimestamp = %v, %v", back, err)
	}
}

func TestColumnsHaveTheirTypes(t *testing.T) {
	t.Parallel()
	for _, column := range index.Columns() {
		if got := index.TypeOf(column.Name); got != column.Type || got == index.TypeAny {
			t.Errorf("%s is listed as %v and typed as %v", column.Name, column.Type, got)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	record := index.Record{ID: 1, Path: "a.jpg", Vector: []float32{1, 0}}
	with := func(name string, value any) index.Record {
		r := record
		r.Fields = map[string]any{name: value}
		return r
	}
	long := record
	long.Vector = []float32{3, 4}
	for want, err := range map[string]error{
		`record "a.jpg": a vector of width 2 does not fit a collection of width 768; use the model that the collection was made with`: record.Validate(768),
		`record "a.jpg": a vector of L2 norm 5 is not an embedding; normalize it to 1`:                                                long.Validate(2),
		`record "a.jpg": field width is "800"; it needs a whole number`:                                                               with("width", "800").Validate(2),
		`record "a.jpg": field x is a Go int; a field is a string, int64, float64, bool or []string`:                                  with("x", 1).Validate(2),
		`record "a.jpg": field taken_at is a time and needs a string such as "2024-06-01T09:30:00Z", in UTC; it is "today"`:           with("taken_at", "today").Validate(2),
		`record "a.jpg": "package" cannot name a field; the filter language keeps the word for itself`:                                with("package", "x").Validate(2),
		`"my photos" cannot name a collection; use letters, digits and _, not a digit first, at most 255`:                             index.CheckCollection("my photos"),
		`hits 16384 to 16400 are out of reach; offset and limit together are at most 16384; narrow the search with a filter`: index.Query{
			Vector: []float32{1, 0}, Limit: 16, Offset: 16384}.Validate(2),
		`collection "c" holds vectors of width 512 from model "a", and this is model "b" of width 768; use model "a" of width 512, or name another ` +
			`collection for this model, or drop the collection and ingest again`: index.Spec{Collection: "c", Width: 768, Model: "b"}.Matches(index.Info{Name: "c", Width: 512, Model: "a"}),
	} {
		if got := fault.Public(err); err == nil || got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if err := with("x", strings.Repeat("a", 1000)).Validate(2); err != nil {
		t.Error(err)
	}
}
