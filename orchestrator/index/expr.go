package index

import (
	"fmt"
	"strconv"

	"clipseek/orchestrator/fault"
)

// Filter is a condition on records, checked when it is made. A nil *Filter matches every record. It is immutable and
// safe for concurrent use.
//
// # What a filter means
//
// Every index gives a filter exactly this meaning, which Matches computes for one record:
//
//   - Logic has two values. A condition on a field that a record does not have (nil is the same as not having it) is
//     false, and its negation is therefore true: Not{label == "apple"} finds the records without a label too.
//   - A condition on a value of another type is false as well: a field that holds "3" is neither equal to 3 nor
//     less than 4. A list is equal to nothing; Contains looks into it.
//   - Whole numbers and floating-point numbers compare by value: 3 equals 3.0. Only where a whole number beyond 2^53 meets a
//     floating-point one may an index round it first.
//   - Strings compare byte by byte in UTF-8, which is the order of their code points. There is no folding of case, no
//     normalization and no wildcard: % _ * \ and quotes stand for themselves.
//   - Only true is equal to true; booleans have no order.
type Filter struct {
	expr Expr
}

// Limits of a filter, which keep it from costing more than the search itself.
const (
	MaxConditions = 1_000  // And, Or and Not aside
	MaxDepth      = 50     // of And, Or and Not in one another
	MaxValues     = 20_000 // in all In lists together
)

// Expr is a node of a filter: And, Or, Not, or one of the conditions Compare, In, Match, Contains and Has.
type Expr interface{ isExpr() }

// And is true where all terms are; with no terms it is true.
type And struct{ Terms []Expr }

// Or is true where one of the terms is; with no terms it is false.
type Or struct{ Terms []Expr }

// Not is true where the term is false.
type Not struct{ Term Expr }

// Compare is true where the field stands in the relation to the value: a string, int64, float64 or bool. A bool can
// only be Equal.
type Compare struct {
	Field string
	Op    Op
	Value any
}

// In is true where the field is equal to one of the values (each a string, int64, float64 or bool).
type In struct {
	Field  string
	Values []any
}

// Match is true where the field is a string that has the text in the place.
type Match struct {
	Field string
	Place Place
	Text  string
}

// Contains is true where the field is a list that has the text as one of its strings.
type Contains struct {
	Field string
	Text  string
}

// Has is true where the record has the field. Every record has an id and a path.
type Has struct{ Field string }

func (And) isExpr()      {}
func (Or) isExpr()       {}
func (Not) isExpr()      {}
func (Compare) isExpr()  {}
func (In) isExpr()       {}
func (Match) isExpr()    {}
func (Contains) isExpr() {}
func (Has) isExpr()      {}

// Op is a relation between a field and a value. There is no "unequal": it is the Not of Equal, also for missing fields.
type Op uint8

// The relations.
const (
	Equal Op = iota
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// String is the relation as filters write it.
func (o Op) String() string { return [...]string{"==", "<", "<=", ">", ">="}[o] }

// Place is where in a string a Match looks.
type Place uint8

// The places.
const (
	AtStart Place = iota
	AtEnd
	Anywhere
)

// String is the place as filters write it.
func (p Place) String() string { return [...]string{"startsWith", "endsWith", "contains"}[p] }

// NewFilter checks an expression and makes a filter of it. The filter keeps expr, which must not be changed after.
// Fault: Invalid for what CheckCondition refuses and for filters over the limits.
func NewFilter(expr Expr) (*Filter, error) {
	var s size
	if err := s.add(expr, 1); err != nil {
		return nil, err
	}
	return &Filter{expr: expr}, nil
}

// Expr is the filter's tree, which must not be changed.
func (f *Filter) Expr() Expr { return f.expr }

// size sums up what the limits of a filter are about.
type size struct{ conditions, values int }

func (s *size) add(expr Expr, depth int) error {
	if depth > MaxDepth {
		return fault.Invalid("the filter is nested more than %d deep; write it flatter", MaxDepth)
	}
	var terms []Expr
	switch e := expr.(type) {
	case And:
		terms = e.Terms
	case Or:
		terms = e.Terms
	case Not:
		terms = []Expr{e.Term}
	default:
		return s.addCondition(expr)
	}
	for _, term := range terms {
		if err := s.add(term, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *size) addCondition(expr Expr) error {
	if s.conditions++; s.conditions > MaxConditions {
		return fault.Invalid("the filter has more than %d conditions; use field in [...] for many values of one field", MaxConditions)
	}
	if in, ok := expr.(In); ok {
		if s.values += len(in.Values); s.values > MaxValues {
			return fault.Invalid("the filter's lists have more than %d values; split the query", MaxValues)
		}
	}
	return CheckCondition(expr)
}

// CheckCondition refuses a condition that compares a field with what its type cannot be. Fault: Invalid, which names the
// field and says what is expected.
func CheckCondition(expr Expr) error {
	switch c := expr.(type) {
	case Compare:
		if c.Op > GreaterOrEqual {
			return fault.Internal("comparison of %s has no relation %d", c.Field, c.Op)
		}
		if _, isBool := c.Value.(bool); isBool && c.Op != Equal {
			return fault.Invalid("%s %s %s asks for an order of true and false; use == or !=", c.Field, c.Op, literal(c.Value))
		}
		return checkOperand(c.Field, c.Value, c.Op == Equal)
	case In:
		for _, value := range c.Values {
			if err := checkOperand(c.Field, value, true); err != nil {
				return err
			}
		}
		return checkFieldName(c.Field)
	case Match:
		if c.Place > Anywhere {
			return fault.Internal("match of %s has no place %d", c.Field, c.Place)
		}
		if t := TypeOf(c.Field); t == TypeInt {
			return fault.Invalid("%s is %s and has no %s; compare it with == < <= > >= or in", c.Field, t, c.Place)
		}
		return checkText(c.Field, c.Text)
	case Contains:
		if t := TypeOf(c.Field); t != TypeAny {
			return fault.Invalid("%s is %s, not a list; use %s.contains(%s) to look into a string", c.Field, t, c.Field, literal(c.Text))
		}
		return checkText(c.Field, c.Text)
	case Has:
		return checkFieldName(c.Field)
	}
	return fault.Internal("a %T is not a condition", expr)
}

func checkText(field, text string) error {
	if !isText(text) {
		return fault.Invalid("%s is compared with text that is not UTF-8 or has a NUL; no record has such text", field)
	}
	return checkFieldName(field)
}

// checkOperand refuses a value that the field can never have; equality asks for a whole value, order for a bound.
func checkOperand(field string, value any, equality bool) error {
	var isString, isNumber bool
	switch v := value.(type) {
	case string:
		isString = true
		if err := checkText(field, v); err != nil {
			return err
		}
	case float64:
		isNumber = true
		if v != v || v-v != 0 {
			return fault.Invalid("%s is compared with %v; a number is finite", field, v)
		}
	case int64:
		isNumber = true
	case bool:
	default:
		return fault.Invalid("%s cannot be compared with %s; use a string, a number, true or false", field, literal(value))
	}
	switch t := TypeOf(field); {
	case t == TypeString && !isString:
		return fault.Invalid("%s is a string and cannot be compared with %s; write %s", field, literal(value), strconv.Quote(literal(value)))
	case t == TypeInt && !isNumber:
		return fault.Invalid("%s is a whole number and cannot be compared with %s", field, literal(value))
	case t == TypeTime:
		return checkTime(field, value, equality)
	}
	return checkFieldName(field)
}

func checkTime(field string, value any, equality bool) error {
	s, ok := value.(string)
	switch {
	case !ok || !isTimestampStart(s):
		return fault.Invalid("%s is a time and cannot be compared with %s; write a time in UTC such as %q, or the start of one such as %q",
			field, literal(value), exampleTime, exampleTime[:len("2024-06")])
	case equality && !isTimestamp(s):
		return fault.Invalid("%s is a time to the second and never equal to %q; write %s.startsWith(%q)", field, s, field, s)
	}
	return nil
}

// literal is value as filters write it, shortened for messages.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return quote(v)
	case float64:
		return encodeFloat(v)
	case int64, bool:
		return fmt.Sprint(v)
	case []string:
		return "a list"
	}
	return fmt.Sprintf("a Go %T", value)
}
