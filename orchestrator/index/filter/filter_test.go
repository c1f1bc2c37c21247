package filter_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
)

func eq(field string, value any) index.Expr {
	return index.Compare{Field: field, Op: index.Equal, Value: value}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]index.Expr{
		`label == "apple"`:                    eq("label", "apple"),
		`"apple" == label`:                    eq("label", "apple"),
		`label != "apple"`:                    index.Not{Term: eq("label", "apple")},
		`800 <= width`:                        index.Compare{Field: "width", Op: index.GreaterOrEqual, Value: int64(800)},
		`width < 1.5e3`:                       index.Compare{Field: "width", Op: index.Less, Value: 1500.0},
		`n > -9223372036854775808`:            index.Compare{Field: "n", Op: index.Greater, Value: int64(-1 << 63)},
		`n == 0x10`:                           eq("n", int64(16)),
		`sharp`:                               eq("sharp", true),
		`!sharp`:                              index.Not{Term: eq("sharp", true)},
		`!!sharp`:                             eq("sharp", true),
		`sharp == false`:                      eq("sharp", false),
		`has(label)`:                          index.Has{Field: "label"},
		`label == null`:                       index.Not{Term: index.Has{Field: "label"}},
		`null != label`:                       index.Has{Field: "label"},
		`label in []`:                         index.In{Field: "label", Values: []any{}},
		`label in ["a", 'b']`:                 index.In{Field: "label", Values: []any{"a", "b"}},
		`n in [1, 2.0, "x", true,]`:           index.In{Field: "n", Values: []any{int64(1), 2.0, "x", true}},
		`"beach" in tags`:                     index.Contains{Field: "tags", Text: "beach"},
		`path.startsWith("2024/")`:            index.Match{Field: "path", Place: index.AtStart, Text: "2024/"},
		`path.endsWith(".jpg")`:               index.Match{Field: "path", Place: index.AtEnd, Text: ".jpg"},
		`path.contains("%_\\")`:               index.Match{Field: "path", Place: index.Anywhere, Text: `%_\`},
		`label == r"a\d"`:                     eq("label", `a\d`),
		`label == "红苹果 \U0001F34E \"x\""`:     eq("label", "红苹果 🍎 \"x\""),
		`taken_at >= "2024-06"`:               index.Compare{Field: "taken_at", Op: index.GreaterOrEqual, Value: "2024-06"},
		"label == 'a' // a note\n && id == 7": index.And{Terms: []index.Expr{eq("label", "a"), eq("id", int64(7))}},
		`a && b && (c || !d)`: index.And{Terms: []index.Expr{eq("a", true), eq("b", true),
			index.Or{Terms: []index.Expr{eq("c", true), index.Not{Term: eq("d", true)}}}}},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := filter.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Expr(), want) {
				t.Errorf("got %#v\nwant %#v", got.Expr(), want)
			}
		})
	}
}

func TestBlankIsNoFilter(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " \n\t "} {
		if f, err := filter.Parse(text); f != nil || err != nil {
			t.Errorf("Parse(%q) = %v, %v", text, f, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`label == 3`:                   `filter 1:10: label is a string and cannot be compared with 3; write "3"`,
		"width > 1 &&\n  label == 3":   `filter 2:12: label is a string and cannot be compared with 3; write "3"`,
		`"红" == label && width == "x"`: `filter 1:26: width is a whole number and cannot be compared with "x"`,
		`label in ["a", 7]`:            `filter 1:16: label is a string and cannot be compared with 7; write "7"`,
		`width.contains("8")`:          `filter 1:16: width is a whole number and has no contains; compare it with == < <= > >= or in`,
		`taken_at > "yesterday"`:       `filter 1:12: taken_at is a time and cannot be compared with "yesterday"; write a time in UTC such as "2024-06-01T09:30:00Z", or the start of one such as "2024-06"`,
		`taken_at == "2024-06"`:        `filter 1:13: taken_at is a time to the second and never equal to "2024-06"; write taken_at.startsWith("2024-06")`,
		`"a" in label`:                 `filter 1:8: label is a string, not a list; use label.contains("a") to look into a string`,
		`label`:                        `filter 1:1: label is a string and not a condition by itself; compare it, as in label == ..., or write has(label)`,
		`label == apple`:               `filter 1:10: a value is expected here, not the field apple; text stands in quotes: "apple"`,
		`"apple"`:                      `filter 1:1: the value "apple" is not a condition; write one such as label == "apple"`,
		`1 == 1`:                       `filter 1:6: the name of a field is expected here, not the value 1`,
		`a.b == 1`:                     `filter 1:2: fields have no parts, so .b is nothing; the name of a field stands alone`,
		`sharp < true`:                 `filter 1:9: sharp < true asks for an order of true and false; use == or !=`,
		`x < null`:                     `filter 1:5: null has no order; write has(x) or !has(x)`,
		`x in [null]`:                  `filter 1:7: x cannot be compared with null; use a string, a number, true or false`,
		`x == 3u`:                      `filter 1:6: numbers have no u: write 3`,
		`x == b"3"`:                    `filter 1:6: bytes cannot be compared; write the text without the b`,
		`x == "a\x00"`:                 `filter 1:6: x is compared with text that is not UTF-8 or has a NUL; no record has such text`,
		`x + 1`:                        `filter 1:3: the operator + is not part of a filter; use == != < <= > >= in && || ! startsWith endsWith contains has`,
		`x ? y : z`:                    `filter 1:3: the operator ? : is not part of a filter; use == != < <= > >= in && || ! startsWith endsWith contains has`,
		`size(x) == 1`:                 `filter 1:5: the name of a field is expected here, not the function size`,
		`x.matches("a.*")`:             `filter 1:10: a filter has no function matches; use startsWith, endsWith or contains`,
		`x.all(y, y == 1)`:             `filter 1:6: a filter has no function all; use startsWith, endsWith or contains`,
		`has(x, y)`:                    `filter 1:4: has asks about one field: has(label)`,
		`.x == 1`:                      `filter 1:2: ".x" cannot name a field; use letters, digits and _, not a digit first, at most 255`,
		`label ==`:                     `filter 1:9: the filter ends too early; a filter looks like label == "apple" && width >= 800`,
		`label = "a"`:                  `filter 1:7: unexpected '= '; a filter looks like label == "apple" && width >= 800`,
		"label == \"\xff\"":            `the filter is not UTF-8`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := filter.Parse(text)
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatalf("got %v (%v), want Invalid", err, fault.KindOf(err))
			}
			if got := fault.Public(err); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	list := func(n int) string {
		var b strings.Builder
		b.WriteString(`sha256 in ["`)
		for i := range n {
			fmt.Fprintf(&b, `%064x", "`, i)
		}
		return b.String() + `"]`
	}
	for name, tc := range map[string]struct {
		text string
		want string // "" is no fault
	}{
		"10,000 long values":   {list(10_000), ""},
		"too many bytes":       {list(20_000), "at most 1048576 are read"},
		"too many values":      {"n in [" + strings.Repeat("1,", 60_000) + "]", "more than 60000 words"},
		"many conditions":      {strings.Repeat("a||", 999) + "a", ""},
		"too many conditions":  {strings.Repeat("a||", 1000) + "a", "more than 1000 conditions"},
		"parentheses":          {strings.Repeat("(", 40) + "a" + strings.Repeat(")", 40), ""},
		"deep parentheses":     {strings.Repeat("(", 20_000), "recursion"},
		"deep lists":           {strings.Repeat("[", 20_000), "recursion"},
		"deep negation":        {strings.Repeat("!(b||", 60) + "a" + strings.Repeat(")", 60), "nested more than 50 deep"},
		"chain of negations":   {strings.Repeat("!", 1_000) + "a", ""},
		"chain of comparisons": {strings.Repeat("a<", 1_000) + "a", "recursion"},
		"chain of members":     {"a" + strings.Repeat(".a", 1_000), "recursion"},
		"chain of calls":       {"a" + strings.Repeat(".a()", 1_000), "recursion"},
		"chain of choices":     {strings.Repeat("a?b:", 1_000) + "c", "recursion"},
		"endless signs":        {strings.Repeat("!", 500_000) + "a", "more than 60000 words"},
		"endless raw strings":  {strings.Repeat(`r"\" `, 200_000)[:1_000_000], "more than 60000 words"},
		"endless quotes":       {strings.Repeat(`"""a"b""" `, 100_000), "more than 60000 words"},
		"endless text":         {`label == "` + strings.Repeat("( ", 500_000) + `"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filter.Parse(tc.text)
			switch {
			case tc.want == "" && err != nil:
				t.Fatal(fault.Public(err))
			case tc.want != "" && fault.KindOf(err) != fault.KindInvalid:
				t.Fatalf("got %v, want Invalid", err)
			case !strings.Contains(fault.Public(err), tc.want) && tc.want != "":
				t.Errorf("got %q, want %q in it", fault.Public(err), tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`label == "apple" && width >= 800 && path.startsWith("2024/")`, `!(a in [1, 2.5, "x", true])`, `"x" in tags || has(y)`,
		`taken_at >= "2024-06"`, `((`, `a.b.c()`, `{1: 2}`, `x{y: 1}`, `-(1) == a`, "a ==\n\n'", `"\ud800" == a`, "`a` == 1", `a?.b`, `a[?1]`, `9999999999999999999 == a`, `1e999 == a`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := filter.Parse(text)
		switch {
		case err != nil && fault.KindOf(err) != fault.KindInvalid:
			t.Errorf("Parse(%q): %v", text, err)
		case got != nil:
			got.Matches(index.Record{ID: 1, Path: "a", Fields: map[string]any{"label": "x", "a": int64(1)}})
			if _, err := index.NewFilter(got.Expr()); err != nil {
				t.Errorf("Parse(%q) made a filter that is refused: %v", text, err)
			}
		}
	})
}
