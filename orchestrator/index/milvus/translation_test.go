package milvus

import (
	"math"
	"testing"

	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
)

// What filters become, for people to read; that it means the same is tested against the server by the conformance suite.
func TestTranslation(t *testing.T) {
	t.Parallel()
	s := &schema{idField: "m_id", pathName: "path", vector: "embeding", dynamic: true}
	const label, n = `$meta["label"]`, `$meta["n"]`
	for text, want := range map[string]translation{
		`label == "apple"`:                exactly(label + ` == "apple"`),
		`label != "apple"`:                exactly(`(not (` + label + ` == "apple"))`),
		`width >= 800 && width < 1e3`:     exactly(`($meta["width"] >= 800 and $meta["width"] < 1000.0)`),
		`label == "a\"b\\\n"`:             exactly(label + ` == "a\"b\\\n"`),
		`label.startsWith("a%")`:          exactly(`(` + label + ` >= "a%" and ` + label + ` < "a&")`),
		`label.startsWith("")`:            exactly(label + ` >= ""`),
		`label.startsWith("\U0010ffff")`:  exactly(label + " >= \"\U0010ffff\""),
		`label.endsWith("x")`:             {lower: label + ` == "x"`, upper: label + ` >= ""`},
		`!label.contains("x")`:            {lower: `(not (` + label + ` >= ""))`, upper: `(not ((` + label + ` >= "x" and ` + label + ` < "y")))`},
		`path.contains("x")`:              {lower: `(path >= "x" and path < "y")`, upper: always},
		`path.endsWith("x") && n == 1`:    {lower: `(path == "x" and ` + n + ` == 1)`, upper: n + ` == 1`},
		`path.endsWith("x") || n == 1`:    {lower: `(path == "x" or ` + n + ` == 1)`, upper: always},
		`path.startsWith("") && !has(id)`: exactly(never),
		`n in [1, "a", 2.5, true, 3]`:     exactly(`((` + n + ` == true or ` + n + ` in ["a"]) or (` + n + ` in [1,3] or ` + n + ` in [2.5]))`),
		`n in [] || id == 1`:              exactly(`m_id == 1`),
		`"a" in n`:                        exactly(`json_contains(` + n + `, "a")`),
		`id in [1, 2.0, 2.5]`:             exactly(`m_id in [1,2]`),
		`id < 2.5`:                        exactly(`m_id < 3`),
		`id > 2.5`:                        exactly(`m_id > 2`),
		`id == 2.5`:                       exactly(never),
		`id >= -2.5`:                      exactly(`m_id >= -2`),
		`id < 1e300`:                      exactly(always),
		`id > 1e300`:                      exactly(never),
		`id > -9223372036854775808`:       exactly(always),
		`n == -9223372036854775808`:       {lower: never, upper: n + ` == -9.223372036854776e+18`},
		`n < -9223372036854775808`:        exactly(n + ` < -9.223372036854776e+18`),
		`!(n <= -9223372036854775808)`:    {lower: `(not (` + n + ` <= -9.223372036854776e+18))`, upper: `(not (` + n + ` < -9.223372036854776e+18))`},
		`n == 1 || n == 2 || n == 3`:      exactly(`(` + n + ` == 1 or (` + n + ` == 2 or ` + n + ` == 3))`),
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.translate(f); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", text, got, want)
		}
	}
	if got := s.translate(nil); got != exactly(always) {
		t.Errorf("no filter becomes %v", got)
	}
	s.dynamic = false
	f, err := index.NewFilter(index.Or{Terms: []index.Expr{index.Has{Field: "n"}, index.Compare{Field: "id", Op: index.Less, Value: math.MaxFloat64}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.translate(f); got != exactly(always) {
		t.Errorf("without dynamic fields: %v", got)
	}
}
