package index_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func compare(field string, op index.Op, value any) index.Expr {
	return index.Compare{Field: field, Op: op, Value: value}
}

func not(e index.Expr) index.Expr { return index.Not{Term: e} }

// TestMatches spells the meaning of filters out: every index is compared with Matches.
func TestMatches(t *testing.T) {
	t.Parallel()
	record := index.Record{ID: 7, Path: "2024/红 100%.jpg", Fields: map[string]any{
		"label": "apple", "width": int64(800), "taken_at": "2024-06-01T09:30:00Z", "yes": true, "no": false, "nothing": nil,
		"three": int64(3), "float": 3.0, "text": "3", "big": int64(math.MaxInt64), "tags": []string{"a", "b"},
	}}
	for _, tc := range []struct {
		expr index.Expr
		want bool
	}{
		{compare("label", index.Equal, "apple"), true},
		{compare("label", index.Equal, "Apple"), false},
		{compare("label", index.Less, "apples"), true},
		{compare("label", index.GreaterOrEqual, "apple"), true},
		{compare("label", index.Greater, "apple"), false},
		{compare("id", index.LessOrEqual, int64(7)), true},
		{compare("width", index.Greater, 799.5), true},
		{compare("taken_at", index.GreaterOrEqual, "2024-06"), true},
		{compare("taken_at", index.Less, "2024-06-01"), false},

		{compare("missing", index.Equal, "x"), false},
		{not(compare("missing", index.Equal, "x")), true},
		{compare("nothing", index.Less, int64(1)), false},
		{not(compare("nothing", index.Less, int64(1))), true},
		{index.Has{Field: "nothing"}, false},
		{index.Has{Field: "no"}, true},
		{index.Has{Field: "path"}, true},
		{not(index.And{Terms: []index.Expr{compare("missing", index.Equal, "x"), compare("label", index.Equal, "apple")}}), true},
		{not(index.Or{Terms: []index.Expr{compare("missing", index.Equal, "x"), compare("label", index.Equal, "apple")}}), false},

		{compare("three", index.Equal, 3.0), true},
		{compare("float", index.Equal, int64(3)), true},
		{compare("text", index.Equal, int64(3)), false},
		{compare("text", index.Less, int64(4)), false},
		{compare("three", index.Equal, "3"), false},
		{compare("big", index.Less, int64(math.MaxInt64)), false},
		{compare("big", index.Greater, int64(math.MaxInt64-1)), true},
		{compare("yes", index.Equal, true), true},
		{compare("yes", index.Equal, int64(1)), false},
		{compare("no", index.Equal, false), true},
		{compare("missing", index.Equal, false), false},
		{compare("three", index.Equal, true), false},

		{index.In{Field: "three", Values: []any{"3", 3.0}}, true},
		{index.In{Field: "three", Values: []any{"3"}}, false},
		{index.In{Field: "three"}, false},
		{not(index.In{Field: "missing", Values: []any{true}}), true},
		{index.Match{Field: "path", Place: index.AtStart, Text: "2024/红"}, true},
		{index.Match{Field: "path", Place: index.Anywhere, Text: "%"}, true},
		{index.Match{Field: "path", Place: index.Anywhere, Text: "_"}, false},
		{index.Match{Field: "path", Place: index.AtEnd, Text: ".JPG"}, false},
		{index.Match{Field: "text", Place: index.AtEnd}, true},
		{index.Match{Field: "three", Place: index.AtEnd, Text: "3"}, false},
		{index.Match{Field: "tags", Place: index.Anywhere, Text: "a"}, false},
		{index.Contains{Field: "tags", Text: "a"}, true},
		{index.Contains{Field: "tags", Text: ""}, false},
		{index.Contains{Field: "text", Text: "3"}, false},
		{compare("tags", index.Equal, "a"), false},
		{index.And{}, true},
		{index.Or{}, false},
	} {
		f, err := index.NewFilter(tc.expr)
		if err != nil {
			t.Errorf("%#v: %v", tc.expr, err)
			continue
		}
		if got := f.Matches(record); got != tc.want {
			t.Errorf("%#v is %t, want %t", tc.expr, got, tc.want)
		}
	}
	if none := (*index.Filter)(nil); !none.Matches(record) {
		t.Error("no filter does not match")
	}
}

func TestFilterLimits(t *testing.T) {
	t.Parallel()
	deep := compare("a", index.Equal, true)
	for range index.MaxDepth {
		deep = not(deep)
	}
	many := index.Or{Terms: make([]index.Expr, index.MaxConditions+1)}
	for i := range many.Terms {
		many.Terms[i] = index.Has{Field: "a"}
	}
	values := make([]any, index.MaxValues+1)
	for i := range values {
		values[i] = int64(i)
	}
	for name, expr := range map[string]index.Expr{
		"nested more than":     deep,
		"more than 1000":       many,
		"more than 20000":      index.In{Field: "a", Values: values},
		"cannot name a field":  index.Has{Field: "a') OR 1=1 --"},
		"cannot be compared":   compare("label", index.Equal, []string{"x"}),
		"a number is finite":   compare("a", index.Less, math.Inf(1)),
		"not UTF-8 or has a N": index.Match{Field: "a", Text: "\xff"},
	} {
		if _, err := index.NewFilter(expr); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), name) {
			t.Errorf("got %v, want Invalid that says %q", err, name)
		}
	}
	if _, err := index.NewFilter(nil); err == nil {
		t.Error("no expression is no filter")
	}
}

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		prefix, end string
		ok          bool
	}{
		{"a", "b", true}, {"az", "a{", true}, {"\x7f", "\u0080", true}, {"\ud7ff", "\ue000", true}, {"a\U0010ffff", "b", true}, {"\U0010ffff", "", false}, {"", "", false},
	} {
		end, ok := index.PrefixEnd(tc.prefix)
		if end != tc.end || ok != tc.ok {
			t.Errorf("PrefixEnd(%q) = %q, %t", tc.prefix, end, ok)
		}
		for _, text := range []string{"", "a", "az", "b", "\u0080", "\ue000", "\U0010ffffx", "a\U0010ffff\U0010ffff", tc.prefix + "x"} {
			inside := text >= tc.prefix && (!ok || text < end)
			if inside != strings.HasPrefix(text, tc.prefix) {
				t.Errorf("%s is on the wrong side of the range of %q", fmt.Sprintf("%q", text), tc.prefix)
			}
		}
	}
}
