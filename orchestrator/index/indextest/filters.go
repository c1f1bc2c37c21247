package indextest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
)

func mustParse(t *testing.T, text string) *index.Filter {
	t.Helper()
	f, err := filter.Parse(text)
	check(t, err)
	return f
}

// texts are strings that go wrong where quoting, patterns or encodings are handled carelessly.
func texts() []string {
	return []string{
		"apple", "Apple", "apples", "app", "", " ", "红苹果", "红", "苹果", "\u00e9", "e\u0301", "🍎", "🍏", "\ud7ff", "\ue000", "\U0010ffff", "\U0010ffff\U0010ffff",
		`a"b`, `a'b`, `a\b`, `\`, `a''b`, "a`b", "100%", "%", "_", "a_b", "axb", "a*b", "a?b", "[a]", "a\nb", "a\tb", "--", ";", "null", "true", "3", "3.0", "$.a", "{}", `["3"]`,
		"2024/06/a.jpg", "2024/06", "2024-06-01T00:00:00Z",
	}
}

// values are what fields without a type may have.
func values() []any {
	list := []any{
		nil, true, false, int64(0), int64(1), int64(3), int64(-3), int64(math.MaxInt64), int64(math.MinInt64), 0.0, 3.0, 0.1, -2.5, 1e300, 5e-324, 1.0 / 3,
		[]string{}, []string{"3"}, []string{"apple", "红"}, []string{""},
	}
	for _, text := range texts() {
		list = append(list, text)
	}
	return list
}

// library is records that have every value in fields with and without a type.
func library(vector func() []float32) []index.Record {
	var records []index.Record
	add := func(fields map[string]any) {
		path := fmt.Sprintf("2024/%02d/%03d.jpg", len(records)%12, len(records))
		if n := len(records); n < len(texts()) && texts()[n] != "" {
			path = texts()[n]
		}
		records = append(records, index.Record{ID: int64(1000 - len(records)), Path: path, Vector: vector(), Fields: fields})
	}
	for i, text := range texts() {
		add(map[string]any{index.FieldLabel: text, index.FieldWidth: int64(i * 100), "n": int64(i)})
	}
	for _, value := range values() {
		add(map[string]any{"n": value, "m": "x"})
	}
	for month := 1; month <= 12; month++ {
		add(map[string]any{index.FieldTakenAt: fmt.Sprintf("2024-%02d-15T12:00:00Z", month), index.FieldHeight: int64(month), "flag": month%2 == 0})
	}
	add(nil)
	return records
}

func testFilters(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	r := newRand(1)
	records := library(func() []float32 { return unit(r, 4) })
	check(t, idx.Upsert(t.Context(), records))
	for _, text := range []string{
		`label == "apple"`, `label != "apple"`, `!(label == "apple")`, `label == ""`, `label < "b"`, `label >= "é"`, `label > "\ud7ff"`,
		`label == "红苹果"`, `label.startsWith("红")`, `label.endsWith("果")`, `label.contains("苹")`, `label.startsWith("")`, `!label.contains("")`,
		`label.contains("%")`, `label.contains("_")`, `label.startsWith("a_")`, `label.endsWith("\\")`, `label.contains("'")`, `label.contains("\"")`,
		`label == "a'b" || label == "a\"b" || label == "a\\b"`, `label.startsWith("\U0010ffff")`, `label.startsWith("\ud7ff")`, `label.endsWith("🍎")`,
		`label in ["apple", "红", "%", "'"]`, `!(label in ["apple"])`, `label in []`, `!(label in [])`,
		`has(label)`, `!has(label)`, `label == null`, `label != null`, `has(id) && has(path)`, `has(n)`, `n != null`,
		`width == 300`, `width != 300`, `width > 299.5 && width <= 500`, `!(width < 1000)`, `width in [0, 100, 100.0, 2.5]`,
		`id == 990`, `id >= 995 || id < 910`, `id in [1000, 999, 7]`, `path.startsWith("2024/0")`, `path.endsWith(".jpg") && !path.contains("/1")`,
		`taken_at >= "2024-06"`, `taken_at < "2024-06-15T12:00:00Z"`, `taken_at.startsWith("2024-1")`, `taken_at == "2024-03-15T12:00:00Z"`, `!(taken_at > "2024")`,
		`flag`, `!flag`, `flag == false`, `flag != false`, `flag in [true]`,
		`n == 3`, `n == 3.0`, `n == "3"`, `n != 3`, `n < 3`, `n >= 3`, `n > -9223372036854775808`, `n == 9223372036854775807`, `n == 0.1`, `n <= 0.1`, `n < "b"`, `n == true`, `n == false`, `n != true`,
		`n in [3, "3", true]`, `n in [0.1, 1e300]`, `!(n in [3])`, `n.startsWith("a")`, `n.contains("%")`, `n.endsWith("")`, `n.contains("\"")`, `"3" in n`, `"" in n`, `!("红" in n)`,
		`missing == 1`, `missing != 1`, `!missing`, `has(missing)`, `missing in [1]`, `"a" in missing`,
		`!(label == "apple" && missing == 1)`, `!(label == "apple" || missing == 1)`, `!(!has(label) || width > 100 && n < 30)`,
		`(label == "apple" || n == 5) && !(width > 400) || m == "x" && n in [1, 2]`,
	} {
		f := mustParse(t, text)
		wantMatches(t, idx, records, f, text)
	}
}

// wantMatches compares what an index finds with what the filter means.
func wantMatches(t *testing.T, idx index.Index, records []index.Record, f *index.Filter, text string) {
	t.Helper()
	var want []int64
	for _, r := range records {
		if f.Matches(r) {
			want = append(want, r.ID)
		}
	}
	slices.Sort(want)
	if got := all(t, idx, records[0].Vector, f); !slices.Equal(got, want) {
		t.Errorf("%s\n got %v\nwant %v", text, got, want)
	}
	if counter, ok := idx.(index.Counter); ok {
		n, err := counter.Count(t.Context(), f)
		check(t, err)
		if n != int64(len(want)) {
			t.Errorf("%s counts %d, want %d", text, n, len(want))
		}
	}
}

func testRandomFilters(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	r := newRand(2)
	records := library(func() []float32 { return unit(r, 4) })
	check(t, idx.Upsert(t.Context(), records))
	for range 400 {
		expr := randomExpr(r, 4)
		f, err := index.NewFilter(expr)
		check(t, err)
		wantMatches(t, idx, records, f, fmt.Sprintf("%#v", expr))
	}
}

// randomExpr makes an expression of at most this depth that passes the check.
func randomExpr(r *rand.Rand, depth int) index.Expr {
	terms := func() []index.Expr {
		list := make([]index.Expr, r.IntN(4))
		for i := range list {
			list[i] = randomExpr(r, depth-1)
		}
		return list
	}
	if depth > 0 {
		switch r.IntN(5) {
		case 0:
			return index.And{Terms: terms()}
		case 1:
			return index.Or{Terms: terms()}
		case 2:
			return index.Not{Term: randomExpr(r, depth-1)}
		}
	}
	for {
		if condition := randomCondition(r); index.CheckCondition(condition) == nil {
			return condition
		}
	}
}

func randomCondition(r *rand.Rand) index.Expr {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	value := func() any { return values()[r.IntN(len(values()))] }
	field := pick("id", "path", "label", "width", "height", "taken_at", "flag", "n", "m", "missing")
	text := texts()[r.IntN(len(texts()))]
	switch r.IntN(5) {
	case 0:
		return index.In{Field: field, Values: []any{value(), value(), value()}[:r.IntN(4)]}
	case 1:
		return index.Match{Field: field, Place: index.Place(r.IntN(3)), Text: text[:len(text)/2+len(text)%2]}
	case 2:
		return index.Contains{Field: field, Text: text}
	case 3:
		return index.Has{Field: field}
	}
	return index.Compare{Field: field, Op: index.Op(r.IntN(5)), Value: value()}
}

func testLongLists(t *testing.T, open Open) {
	idx := openWidth(t, openDatabase(t, open), 4)
	r := newRand(1)
	records := library(func() []float32 { return unit(r, 4) })
	check(t, idx.Upsert(t.Context(), records))
	const n = 10_000
	numbers, names := make([]any, n), make([]any, n)
	for i := range n {
		numbers[i] = int64(i * 3)
		names[i] = fmt.Sprintf("名前 %d", i)
	}
	names[n-1] = "apple"
	apple := index.Compare{Field: index.FieldLabel, Value: "apple"}
	nested, many := index.Expr(apple), make([]index.Expr, index.MaxConditions)
	for range index.MaxDepth/2 - 1 {
		nested = index.Not{Term: index.Or{Terms: []index.Expr{index.Compare{Field: "n", Value: int64(1)}, nested}}}
	}
	for i := range many {
		many[i] = index.Compare{Field: index.FieldLabel, Value: fmt.Sprint(i)}
	}
	many[0] = apple
	for name, expr := range map[string]index.Expr{
		"ids":     index.In{Field: index.FieldID, Values: numbers},
		"strings": index.In{Field: index.FieldLabel, Values: names},
		"untyped": index.Not{Term: index.In{Field: "n", Values: numbers}},
		"both": index.And{Terms: []index.Expr{index.In{Field: index.FieldID, Values: numbers},
			index.Not{Term: index.In{Field: index.FieldLabel, Values: names}}}},
		"many conditions": index.Or{Terms: many},
		"nested":          nested,
	} {
		f, err := index.NewFilter(expr)
		check(t, err)
		wantMatches(t, idx, records, f, name)
	}
}
