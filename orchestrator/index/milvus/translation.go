package milvus

import (
	"math"
	"strconv"
	"strings"

	"clipseek/orchestrator/index"
)

// translation is a filter in Milvus' expression language, in which not every condition can be written: it is a condition
// that holds for none but the records that the filter matches, and one that holds for all of them. Where they are the
// same, that is the filter; between them the server does not know, and records have to be looked at here.
//
// What the language of Milvus 2.3 can and cannot say about a dynamic field, tried on 2.3.5:
//
//   - It has two truth values. A comparison with a field that is missing, null or of another type is false, and its
//     negation true, as in our filters. Whole numbers compare exactly, and with floating-point ones by value.
//   - Strings compare byte by byte, so that a prefix is a range. There is no suffix and no substring: like takes a prefix
//     only, in which % and _ could not be escaped either.
//   - exists is true of null as well, which our records never have but other programs' may.
//   - A list in brackets holds values of one type; a comparison of a primary key takes whole numbers only.
//   - -9223372036854775808 is refused as a number out of range; a constant is not a condition.
//   - Deep trees are slow to parse: 1,000 terms in a row take 2 s, and as a balanced tree 0.1 s.
type translation struct{ lower, upper string }

func (t translation) isExact() bool { return t.lower == t.upper }

// Conditions that are constant, which the language has not. They do not appear inside others.
const (
	always = "always"
	never  = "never"
)

func exactly(condition string) translation { return translation{condition, condition} }

// translate turns a filter on this collection's records into Milvus' language.
func (s *schema) translate(f *index.Filter) translation {
	if f == nil {
		return exactly(always)
	}
	return s.expr(f.Expr())
}

func (s *schema) expr(expr index.Expr) translation {
	switch e := expr.(type) {
	case index.And:
		return s.terms(e.Terms, all)
	case index.Or:
		return s.terms(e.Terms, some)
	case index.Not:
		t := s.expr(e.Term)
		return translation{lower: not(t.upper), upper: not(t.lower)}
	case index.Compare:
		return s.operand(e.Field).compare(e.Op, e.Value)
	case index.In:
		return s.operand(e.Field).in(e.Values)
	case index.Match:
		return s.operand(e.Field).match(e.Place, e.Text)
	case index.Contains:
		return s.operand(e.Field).contains(e.Text)
	case index.Has:
		return s.operand(e.Field).has()
	}
	return translation{never, always}
}

func (s *schema) terms(terms []index.Expr, join func(...string) string) translation {
	lower, upper := make([]string, len(terms)), make([]string, len(terms))
	for i, term := range terms {
		t := s.expr(term)
		lower[i], upper[i] = t.lower, t.upper
	}
	return translation{lower: join(lower...), upper: join(upper...)}
}

// all holds where every condition does.
func all(conditions ...string) string { return combine(" and ", always, never, conditions) }

// some holds where one of the conditions does.
func some(conditions ...string) string { return combine(" or ", never, always, conditions) }

// combine leaves out the conditions that change nothing; one that decides is the whole.
func combine(operator, neutral, deciding string, conditions []string) string {
	var kept []string
	for _, condition := range conditions {
		switch condition {
		case deciding:
			return deciding
		case neutral:
		default:
			kept = append(kept, condition)
		}
	}
	if len(kept) == 0 {
		return neutral
	}
	var b strings.Builder
	writeTree(&b, operator, kept)
	return b.String()
}

func writeTree(b *strings.Builder, operator string, conditions []string) {
	if len(conditions) == 1 {
		b.WriteString(conditions[0])
		return
	}
	half := len(conditions) / 2
	b.WriteByte('(')
	writeTree(b, operator, conditions[:half])
	b.WriteString(operator)
	writeTree(b, operator, conditions[half:])
	b.WriteByte(')')
}

func not(condition string) string {
	switch condition {
	case always:
		return never
	case never:
		return always
	}
	return "(not (" + condition + "))"
}

// operand is what a condition is about: a column, or a value in the dynamic fields.
type operand interface {
	compare(op index.Op, value any) translation
	in(values []any) translation
	match(place index.Place, text string) translation
	contains(text string) translation
	has() translation
}

func (s *schema) operand(field string) operand {
	switch {
	case field == index.FieldID:
		return idColumn(s.idField)
	case field == index.FieldPath:
		return textColumn(s.pathName)
	case !s.dynamic:
		return noField{}
	}
	return dynamicField(metaField + `["` + field + `"]`) // the name has been checked to be an identifier
}

// noField is a field that no record of the collection can have.
type noField struct{}

func (noField) compare(index.Op, any) translation     { return exactly(never) }
func (noField) in([]any) translation                  { return exactly(never) }
func (noField) match(index.Place, string) translation { return exactly(never) }
func (noField) contains(string) translation           { return exactly(never) }
func (noField) has() translation                      { return exactly(never) }

// quoted is text as a literal. Line ends cannot stand in one as they are; every other character can.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(text) + `"`
}

// integer is a whole number as a literal; math.MinInt64 has none.
func integer(n int64) string { return strconv.FormatInt(n, 10) }

// float is a floating-point number as a literal that is not taken for a whole one.
func float(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// list is a condition on a list of literals of one type.
func list(column string, literals []string) string {
	if len(literals) == 0 {
		return never
	}
	return column + " in [" + strings.Join(literals, ",") + "]"
}

// startsWith is the condition that a string begins with text, as a range.
func startsWith(column, text string) string {
	from := column + " >= " + quoted(text)
	if end, ok := index.PrefixEnd(text); ok {
		return all(from, column+" < "+quoted(end))
	}
	return from
}

// textColumn is a VARCHAR that every record has.
type textColumn string

func (c textColumn) compare(op index.Op, value any) translation {
	text, ok := value.(string)
	if !ok {
		return exactly(never)
	}
	return exactly(string(c) + " " + op.String() + " " + quoted(text))
}

func (c textColumn) in(values []any) translation {
	var literals []string
	for _, value := range values {
		if text, ok := value.(string); ok {
			literals = append(literals, quoted(text))
		}
	}
	return exactly(list(string(c), literals))
}

func (c textColumn) match(place index.Place, text string) translation {
	return matchText(string(c), always, place, text)
}

// matchText looks into a column for text; isText holds where the column is a string.
func matchText(column, isText string, place index.Place, text string) translation {
	switch {
	case text == "":
		return exactly(isText)
	case place == index.AtStart:
		return exactly(startsWith(column, text))
	case place == index.AtEnd:
		return translation{lower: column + " == " + quoted(text), upper: isText}
	}
	return translation{lower: startsWith(column, text), upper: isText}
}

func (c textColumn) contains(string) translation { return exactly(never) }
func (c textColumn) has() translation            { return exactly(always) }

// idColumn is the primary key, an INT64 that every record has.
type idColumn string

func (c idColumn) compare(op index.Op, value any) translation {
	n, op, ok := wholeBound(op, value)
	if !ok {
		return exactly(outside(op, value))
	}
	return exactly(string(c) + " " + op.String() + " " + integer(n))
}

// wholeBound is a comparison of whole numbers that comes to the same as one with any number; false where none does.
func wholeBound(op index.Op, value any) (int64, index.Op, bool) {
	switch v := value.(type) {
	case int64:
		return v, op, v != math.MinInt64
	case float64:
		if op == index.Equal && v != math.Trunc(v) {
			return 0, op, false
		}
		switch op { // of a fraction, the whole numbers on the two sides
		case index.Less, index.GreaterOrEqual:
			v = math.Ceil(v)
		default:
			v = math.Floor(v)
		}
		if v <= math.MinInt64 || v >= math.MaxInt64 { // as floating-point numbers; the upper one is 2^63
			return 0, op, false
		}
		return int64(v), op, true
	}
	return 0, op, false
}

// outside compares every id with a value that is none: a fraction, or a number that no id reaches.
func outside(op index.Op, value any) string {
	var below bool // the value is below all ids
	switch v := value.(type) {
	case int64:
		below = v < 0
	case float64:
		below = v < 0
	default:
		return never
	}
	switch op {
	case index.Less, index.LessOrEqual:
		if !below {
			return always
		}
	case index.Greater, index.GreaterOrEqual:
		if below {
			return always
		}
	}
	return never
}

func (c idColumn) in(values []any) translation {
	var literals []string
	for _, value := range values {
		if n, _, ok := wholeBound(index.Equal, value); ok {
			literals = append(literals, integer(n))
		}
	}
	return exactly(list(string(c), literals))
}

func (c idColumn) match(index.Place, string) translation { return exactly(never) }
func (c idColumn) contains(string) translation           { return exactly(never) }
func (c idColumn) has() translation                      { return exactly(always) }

// dynamicField is a value in the JSON of the dynamic fields.
type dynamicField string

// least is the number that whole ones cannot be below, which the language has only as a floating-point one; that is equal
// to the 512 whole numbers above it as well.
var least = float(math.MinInt64)

func (f dynamicField) compare(op index.Op, value any) translation {
	is := func(op index.Op, literal string) string { return string(f) + " " + op.String() + " " + literal }
	switch v := value.(type) {
	case string:
		return exactly(is(op, quoted(v)))
	case bool:
		return exactly(is(index.Equal, strconv.FormatBool(v)))
	case float64:
		return exactly(is(op, float(v)))
	case int64:
		if v != math.MinInt64 {
			return exactly(is(op, integer(v)))
		}
	}
	switch op {
	case index.Less, index.GreaterOrEqual:
		return exactly(is(op, least))
	case index.Equal:
		return translation{never, is(index.Equal, least)}
	case index.LessOrEqual:
		return translation{is(index.Less, least), is(index.LessOrEqual, least)}
	}
	return translation{is(index.Greater, least), is(index.GreaterOrEqual, least)}
}

func (f dynamicField) in(values []any) translation {
	var texts, wholes, floats []string
	var lower, upper []string
	for _, value := range values {
		switch v := value.(type) {
		case string:
			texts = append(texts, quoted(v))
		case float64:
			floats = append(floats, float(v))
		case int64:
			if v != math.MinInt64 {
				wholes = append(wholes, integer(v))
				continue
			}
			t := f.compare(index.Equal, v)
			lower, upper = append(lower, t.lower), append(upper, t.upper)
		case bool:
			t := f.compare(index.Equal, v)
			lower, upper = append(lower, t.lower), append(upper, t.upper)
		}
	}
	for _, literals := range [][]string{texts, wholes, floats} {
		condition := list(string(f), literals)
		lower, upper = append(lower, condition), append(upper, condition)
	}
	return translation{lower: some(lower...), upper: some(upper...)}
}

func (f dynamicField) match(place index.Place, text string) translation {
	return matchText(string(f), f.isText(), place, text)
}

func (f dynamicField) isText() string { return string(f) + ` >= ""` }

func (f dynamicField) contains(text string) translation {
	return exactly("json_contains(" + string(f) + ", " + quoted(text) + ")")
}

// has is between what has a value of a type that fields have, but for empty lists, and what has a value of any, null
// and objects among them.
func (f dynamicField) has() translation {
	column := string(f)
	return translation{
		lower: some(f.isText(), column+" <= 0", column+" > 0", column+" in [true,false]", "array_length("+column+") != 0"),
		upper: "(exists " + column + ")", // bare, it would reach over a following and
	}
}
