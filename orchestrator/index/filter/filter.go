// Package filter reads filters from text: the small language in which people and programs say which records they mean.
//
//	label == "apple" && width >= 800 && path.startsWith("2024/")
//	label in ["apple", "lemon"] || !has(label)
//	taken_at >= "2024-06" && taken_at < "2024-09" && "beach" in tags
//
// It is a part of CEL, the Common Expression Language, read by Google's parser for it:
//
//   - the fields of a record by their bare names: id, path, the standard fields (index.Columns) and the caller's own;
//   - values: strings in ' or " with CEL's escapes (r"..." for none), whole and floating-point numbers, true, false;
//   - field == value, and with != < <= > >=; value == field is the same;
//   - field in [value, ...], and "text" in field for a field that is a list;
//   - field.startsWith("text"), field.endsWith("text"), field.contains("text");
//   - has(field), which is the same as field != null; a field alone is the same as field == true;
//   - && || ! and parentheses.
//
// What a filter then means, missing fields above all, is said at index.Filter: a != b is exactly !(a == b), also where a
// is missing. Types are checked: a filter that can never be true because label, a string, is compared with a number is
// refused, with the line and column. The package is not for running filters; every index does that itself.
package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// MaxBytes is the longest filter that is read. It has room for a list of 10,000 SHA-256 values.
const MaxBytes = 1 << 20

// maxTokens is the most words, values and signs that are read: what the parser costs goes with their number, some 20 µs
// for each. A list has two for each value, or up to five where the values are numbers with signs and points.
const maxTokens = 3 * index.MaxValues

// maxNesting bounds the parser's own recursion, which takes several steps for a pair of parentheses.
const maxNesting = 4 * index.MaxDepth

// Parse reads a filter. Blank text is no filter: nil, which matches every record.
//
// Fault: Invalid for text that is not a filter, is over a limit or compares a field with what it cannot be. Its message
// begins with the line and column, in characters from 1.
func Parse(text string) (*index.Filter, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, nil
	case len(text) > MaxBytes:
		return nil, fault.Invalid("the filter has %d bytes; at most %d are read; split the query", len(text), MaxBytes)
	case !utf8.ValidString(text):
		return nil, fault.Invalid("the filter is not UTF-8")
	case countTokens(text) > maxTokens:
		return nil, fault.Invalid("the filter has more than %d words, values and signs; split the query", maxTokens)
	}
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	expr, err := reader{tree.SourceInfo()}.condition(tree.Expr(), 1)
	if err != nil {
		return nil, err
	}
	return index.NewFilter(expr)
}

func parse(text string) (*ast.AST, error) {
	p, err := parser.NewParser(
		parser.MaxRecursionDepth(maxNesting),
		parser.ExpressionSizeCodePointLimit(MaxBytes),
		parser.ErrorReportingLimit(1), // the first one is told; recovering from it costs time
		parser.EnableVariadicOperatorASTs(true),
	)
	if err != nil {
		return nil, fault.Internal("the parser's options").Because(err)
	}
	tree, errs := p.Parse(common.NewStringSource(text, "filter"))
	if all := errs.GetErrors(); len(all) > 0 {
		return nil, syntaxError(all[0])
	}
	return tree, nil
}

// syntaxError puts the parser's account into plainer words and leaves out its list of all tokens that were possible.
func syntaxError(e *common.Error) error {
	message, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "Syntax error: "), " expecting ")
	message = strings.NewReplacer(
		"mismatched input '<EOF>'", "the filter ends too early",
		"mismatched input", "unexpected",
		"extraneous input", "unexpected",
		"token recognition error at:", "unexpected",
		"no viable alternative at input", "not understood:",
	).Replace(message)
	const longest = 200
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "..."
	}
	return failAt(e.Location, "%s; a filter looks like label == \"apple\" && width >= 800", message)
}

func failAt(at common.Location, format string, args ...any) error {
	line, column := max(at.Line(), 1), max(at.Column(), 0)+1 // the parser counts columns from 0 and has -1 for none
	return fault.Invalid("filter %d:%d: %s", line, column, fmt.Sprintf(format, args...))
}

// reader turns the parser's tree into ours.
type reader struct {
	info *ast.SourceInfo
}

func (r reader) fail(e ast.Expr, format string, args ...any) error {
	return failAt(r.info.GetStartLocation(e.ID()), format, args...)
}

// check has the condition checked and gives what is wrong with it the place of e.
func (r reader) check(e ast.Expr, condition index.Expr) error {
	if err := index.CheckCondition(condition); err != nil {
		return r.fail(e, "%s", fault.Public(err))
	}
	return nil
}

// condition reads what is true or false of a record. depth counts the conditions around it.
func (r reader) condition(e ast.Expr, depth int) (index.Expr, error) {
	if depth > index.MaxDepth {
		return nil, r.fail(e, "the filter is nested more than %d deep; write it flatter", index.MaxDepth)
	}
	if e.Kind() == ast.IdentKind {
		field, err := r.field(e)
		return index.Compare{Field: field, Op: index.Equal, Value: true}, r.checkFlag(e, field, err)
	}
	if e.Kind() != ast.CallKind {
		return nil, r.fail(e, "%s is not a condition; write one such as label == \"apple\"", kindName(e))
	}
	call := e.AsCall()
	args := call.Args()
	if call.IsMemberFunction() {
		return r.match(e, call)
	}
	switch call.FunctionName() {
	case operators.LogicalAnd:
		terms, err := r.conditions(args, depth)
		return index.And{Terms: terms}, err
	case operators.LogicalOr:
		terms, err := r.conditions(args, depth)
		return index.Or{Terms: terms}, err
	case operators.LogicalNot:
		term, err := r.condition(args[0], depth+1)
		return index.Not{Term: term}, err
	case operators.In:
		return r.in(args[0], args[1])
	case operators.Has:
		return r.has(e, args)
	}
	return r.compare(e, call)
}

func (r reader) checkFlag(e ast.Expr, field string, err error) error {
	if err != nil {
		return err
	}
	if t := index.TypeOf(field); t != index.TypeAny {
		return r.fail(e, "%s is %s and not a condition by itself; compare it, as in %s == ..., or write has(%s)", field, t, field, field)
	}
	return nil
}

func (r reader) conditions(args []ast.Expr, depth int) ([]index.Expr, error) {
	terms := make([]index.Expr, 0, len(args))
	for _, arg := range args {
		term, err := r.condition(arg, depth+1)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	return terms, nil
}
