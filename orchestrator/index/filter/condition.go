package filter

import (
	"fmt"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"clipseek/orchestrator/index"
)

// field reads the name of a field.
func (r reader) field(e ast.Expr) (string, error) {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		return name, r.check(e, index.Has{Field: name})
	case ast.SelectKind:
		return "", r.fail(e, "fields have no parts, so .%s is nothing; the name of a field stands alone", e.AsSelect().FieldName())
	}
	return "", r.fail(e, "the name of a field is expected here, not %s", kindName(e))
}

// value reads a string, number, true, false or null (nil).
func (r reader) value(e ast.Expr) (any, error) {
	if e.Kind() != ast.LiteralKind {
		if e.Kind() == ast.IdentKind {
			return nil, r.fail(e, "a value is expected here, not the field %s; text stands in quotes: %q", e.AsIdent(), e.AsIdent())
		}
		return nil, r.fail(e, "a value is expected here, not %s", kindName(e))
	}
	switch v := e.AsLiteral().Value().(type) {
	case string, int64, float64, bool:
		return v, nil
	case uint64:
		return nil, r.fail(e, "numbers have no u: write %d", v)
	case []byte:
		return nil, r.fail(e, "bytes cannot be compared; write the text without the b")
	}
	return nil, nil // CEL's one other literal is null
}

// relations are the operators that compare, with what each is when its sides change places.
type relation struct{ op, mirrored index.Op }

func relationOf(function string) (rel relation, negated, ok bool) {
	switch function {
	case operators.Equals:
		return relation{index.Equal, index.Equal}, false, true
	case operators.NotEquals:
		return relation{index.Equal, index.Equal}, true, true
	case operators.Less:
		return relation{index.Less, index.Greater}, false, true
	case operators.LessEquals:
		return relation{index.LessOrEqual, index.GreaterOrEqual}, false, true
	case operators.Greater:
		return relation{index.Greater, index.Less}, false, true
	case operators.GreaterEquals:
		return relation{index.GreaterOrEqual, index.LessOrEqual}, false, true
	}
	return relation{}, false, false
}

// compare reads field OP value and value OP field.
func (r reader) compare(e ast.Expr, call ast.CallExpr) (index.Expr, error) {
	rel, negated, ok := relationOf(call.FunctionName())
	if !ok {
		return nil, r.fail(e, "%s is not part of a filter; use == != < <= > >= in && || ! startsWith endsWith contains has", kindName(e))
	}
	left, right := call.Args()[0], call.Args()[1]
	op := rel.op
	if left.Kind() == ast.LiteralKind {
		left, right, op = right, left, rel.mirrored
	}
	name, err := r.field(left)
	if err != nil {
		return nil, err
	}
	value, err := r.value(right)
	if err != nil {
		return nil, err
	}
	var condition index.Expr = index.Compare{Field: name, Op: op, Value: value}
	if value == nil {
		if op != index.Equal {
			return nil, r.fail(right, "null has no order; write has(%s) or !has(%s)", name, name)
		}
		condition, negated = index.Has{Field: name}, !negated
	}
	if err := r.check(right, condition); err != nil {
		return nil, err
	}
	if negated {
		condition = index.Not{Term: condition}
	}
	return condition, nil
}

// in reads field in [value, ...] and "text" in field.
func (r reader) in(left, right ast.Expr) (index.Expr, error) {
	if left.Kind() == ast.LiteralKind {
		return r.contains(left, right)
	}
	name, err := r.field(left)
	if err != nil {
		return nil, err
	}
	if right.Kind() != ast.ListKind {
		return nil, r.fail(right, "a list of values is expected here, as in %s in [...], not %s", name, kindName(right))
	}
	elements := right.AsList().Elements()
	values := make([]any, 0, len(elements))
	for _, element := range elements {
		value, err := r.value(element)
		if err != nil {
			return nil, err
		}
		if err := r.check(element, index.In{Field: name, Values: []any{value}}); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return index.In{Field: name, Values: values}, nil
}

func (r reader) contains(left, right ast.Expr) (index.Expr, error) {
	text, ok := left.AsLiteral().Value().(string)
	if !ok {
		return nil, r.fail(left, "lists hold strings; text in quotes is expected here, not %s", kindName(left))
	}
	name, err := r.field(right)
	if err != nil {
		return nil, err
	}
	condition := index.Contains{Field: name, Text: text}
	return condition, r.check(right, condition)
}

func (r reader) has(e ast.Expr, args []ast.Expr) (index.Expr, error) {
	if len(args) != 1 {
		return nil, r.fail(e, "has asks about one field: has(label)")
	}
	name, err := r.field(args[0])
	return index.Has{Field: name}, err
}

// match reads field.startsWith("text") and its sisters.
func (r reader) match(e ast.Expr, call ast.CallExpr) (index.Expr, error) {
	var place index.Place
	switch call.FunctionName() {
	case index.AtStart.String():
		place = index.AtStart
	case index.AtEnd.String():
		place = index.AtEnd
	case index.Anywhere.String():
		place = index.Anywhere
	default:
		return nil, r.fail(e, "a filter has no function %s; use startsWith, endsWith or contains", call.FunctionName())
	}
	name, err := r.field(call.Target())
	if err != nil {
		return nil, err
	}
	if len(call.Args()) != 1 {
		return nil, r.fail(e, "%s takes one text: %s.%s(\"text\")", place, name, place)
	}
	arg := call.Args()[0]
	value, err := r.value(arg)
	if err != nil {
		return nil, err
	}
	text, ok := value.(string)
	if !ok {
		return nil, r.fail(arg, "%s takes text in quotes, not %s", place, kindName(arg))
	}
	condition := index.Match{Field: name, Place: place, Text: text}
	return condition, r.check(arg, condition)
}

// kindName is what e is, for messages.
func kindName(e ast.Expr) string {
	switch e.Kind() {
	case ast.LiteralKind:
		return "the value " + literalName(e)
	case ast.IdentKind:
		return "the field " + e.AsIdent()
	case ast.ListKind:
		return "a list"
	case ast.SelectKind:
		return "a part of a field"
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		if display, ok := operators.FindReverse(name); ok && display != "" {
			return "the operator " + display
		}
		switch name {
		case operators.Conditional:
			return "the operator ? :"
		case operators.Index:
			return "the operator []"
		}
		return "the function " + name
	}
	return "this"
}

// literalName is a value in short.
func literalName(e ast.Expr) string {
	const longest = 40
	s := fmt.Sprint(e.AsLiteral().Value())
	if value, ok := e.AsLiteral().Value().(string); ok {
		s = fmt.Sprintf("%q", value)
	}
	if e.AsLiteral().Value() == nil {
		return "null"
	}
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return s
}
