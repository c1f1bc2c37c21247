package local

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/index"
)

// condition turns a filter into a condition of SQL and the values bound in it.
//
// SQL knows a third truth value, NULL, which a condition on a missing field has. AND, OR and WHERE treat it as the filter
// language treats false, as long as no NOT comes between; so NOT is written "IS NOT TRUE", which makes both of them true.
// Conditions stay bare otherwise, for SQLite to find its indexes.
func condition(f *index.Filter) (sql string, args []any) {
	var b builder
	b.expr(f.Expr())
	return b.sql.String(), b.args
}

type builder struct {
	sql  strings.Builder
	args []any
}

// write adds SQL, with a value to bind for each ? in it.
func (b *builder) write(sql string, args ...any) {
	b.sql.WriteString(sql)
	b.args = append(b.args, args...)
}

func (b *builder) expr(expr index.Expr) {
	switch e := expr.(type) {
	case index.And:
		b.join(e.Terms, " AND ", "1")
	case index.Or:
		b.join(e.Terms, " OR ", "0")
	case index.Not:
		b.write("(")
		b.expr(e.Term)
		b.write(" IS NOT TRUE)")
	case index.Compare:
		b.compare(e)
	case index.In:
		b.in(e)
	case index.Match:
		b.match(e)
	case index.Contains:
		b.write(fmt.Sprintf(`(%[1]s = 'array' AND EXISTS (SELECT 1 FROM json_each(fields, '$.%[2]s') WHERE value = ?))`,
			column(e.Field).jsonType(), e.Field), e.Text)
	case index.Has:
		b.write("(" + column(e.Field).present() + " IS NOT NULL)")
	}
}

// join writes the terms as a balanced tree: SQLite refuses expressions that are more than 1,000 deep.
func (b *builder) join(terms []index.Expr, operator, empty string) {
	switch len(terms) {
	case 0:
		b.write(empty)
	case 1:
		b.expr(terms[0])
	default:
		half := len(terms) / 2
		b.write("(")
		b.join(terms[:half], operator, empty)
		b.write(operator)
		b.join(terms[half:], operator, empty)
		b.write(")")
	}
}

// column is a field as SQL: a column of the table, or a value in the JSON. Its name has been checked to be an identifier.
type column string

func (c column) standard() bool { return index.TypeOf(string(c)) != index.TypeAny }

func (c column) value() string {
	if c.standard() {
		return string(c)
	}
	return "(fields ->> '$." + string(c) + "')"
}

func (c column) jsonType() string { return "json_type(fields, '$." + string(c) + "')" }

// present is NULL where the field is missing.
func (c column) present() string {
	if c.standard() {
		return string(c)
	}
	return c.jsonType()
}

// about writes a condition on the value of a field, which stands for %s in it; of a value in the JSON also that it is of
// one of the types. The type comes second, because SQLite has to look at fewer of them then.
func (b *builder) about(c column, jsonTypes, condition string, args ...any) {
	b.write("("+fmt.Sprintf(condition, c.value()), args...)
	if !c.standard() {
		b.write(" AND " + c.jsonType() + " IN (" + jsonTypes + ")")
	}
	b.write(")")
}

const (
	jsonText    = `'text'`
	jsonNumbers = `'integer', 'real'`
)

func (b *builder) compare(e index.Compare) {
	c := column(e.Field)
	if value, ok := e.Value.(bool); ok {
		b.write(fmt.Sprintf("(%s = '%t')", c.jsonType(), value))
		return
	}
	types := jsonNumbers
	if _, ok := e.Value.(string); ok {
		types = jsonText
	}
	b.about(c, types, "%s "+e.Op.String()+" ?", e.Value)
}

// in writes a list for the strings and one for the numbers among the values, each bound as one value.
func (b *builder) in(e index.In) {
	var texts, numbers []any
	var terms []index.Expr
	flags := map[bool]bool{}
	for _, value := range e.Values {
		switch v := value.(type) {
		case string:
			texts = append(texts, v)
		case bool:
			if !flags[v] {
				terms = append(terms, index.Compare{Field: e.Field, Op: index.Equal, Value: v})
			}
			flags[v] = true
		default:
			numbers = append(numbers, v)
		}
	}
	b.write("(")
	b.join(terms, " OR ", "0")
	b.list(column(e.Field), jsonText, texts)
	b.list(column(e.Field), jsonNumbers, numbers)
	b.write(")")
}

func (b *builder) list(c column, jsonTypes string, values []any) {
	if len(values) == 0 {
		return
	}
	b.write(" OR ")
	b.about(c, jsonTypes, "%s IN (SELECT value FROM json_each(?))", jsonList[any](values))
}

func (b *builder) match(e index.Match) {
	c := column(e.Field)
	switch {
	case e.Text == "":
		b.about(c, jsonText, "%s IS NOT NULL")
	case e.Place == index.AtStart:
		b.write("(")
		b.about(c, jsonText, "%s >= ?", e.Text)
		if end, ok := index.PrefixEnd(e.Text); ok {
			b.write(" AND "+c.value()+" < ?", end)
		}
		b.write(")")
	case e.Place == index.AtEnd:
		b.about(c, jsonText, "substr(%s, ?) = ?", -utf8.RuneCountInString(e.Text), e.Text)
	default:
		b.about(c, jsonText, "instr(%s, ?) > 0", e.Text)
	}
}
