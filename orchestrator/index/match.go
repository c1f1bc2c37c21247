package index

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// Matches reports whether the filter matches the record. It is the definition of what a filter means: an index may
// compute it in any way that comes to the same.
func (f *Filter) Matches(r Record) bool { return f == nil || matches(f.expr, r) }

func matches(expr Expr, r Record) bool {
	switch e := expr.(type) {
	case And:
		return !slices.ContainsFunc(e.Terms, func(term Expr) bool { return !matches(term, r) })
	case Or:
		return slices.ContainsFunc(e.Terms, func(term Expr) bool { return matches(term, r) })
	case Not:
		return !matches(e.Term, r)
	case Compare:
		return compares(r.value(e.Field), e.Op, e.Value)
	case In:
		have := r.value(e.Field)
		return slices.ContainsFunc(e.Values, func(want any) bool { return compares(have, Equal, want) })
	case Match:
		have, ok := r.value(e.Field).(string)
		return ok && e.Place.found(have, e.Text)
	case Contains:
		have, ok := r.value(e.Field).([]string)
		return ok && slices.Contains(have, e.Text)
	case Has:
		return r.value(e.Field) != nil
	}
	return false
}

// value is what filters see under a name; nil where the record has no such field.
func (r Record) value(field string) any {
	switch field {
	case FieldID:
		return r.ID
	case FieldPath:
		return r.Path
	}
	return r.Fields[field]
}

func (p Place) found(s, text string) bool {
	switch p {
	case AtStart:
		return strings.HasPrefix(s, text)
	case AtEnd:
		return strings.HasSuffix(s, text)
	default:
		return strings.Contains(s, text)
	}
}

// compares reports whether have stands in the relation to want; values of different types stand in none.
func compares(have any, op Op, want any) bool {
	var order int
	switch w := want.(type) {
	case bool:
		h, ok := have.(bool)
		return ok && op == Equal && h == w
	case string:
		h, ok := have.(string)
		if !ok {
			return false
		}
		order = cmp.Compare(h, w)
	default:
		h, ok := exact(have)
		if !ok {
			return false
		}
		number, ok := exact(want)
		if !ok {
			return false
		}
		order = h.Cmp(number)
	}
	switch op {
	case Equal:
		return order == 0
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	default:
		return order >= 0
	}
}

// exact is a number without rounding: float64 has not room for every int64, so that comparing through it would make
// different numbers equal.
func exact(value any) (*big.Float, bool) {
	switch v := value.(type) {
	case int64:
		return new(big.Float).SetInt64(v), true
	case float64:
		if math.IsNaN(v) {
			return nil, false
		}
		return new(big.Float).SetFloat64(v), true
	}
	return nil, false
}

// PrefixEnd is the first string, in the order of strings, after all that begin with prefix, so that an index can ask for a
// prefix as a range; false if there is none, because prefix is made of the last code point only.
func PrefixEnd(prefix string) (string, bool) {
	r := []rune(prefix)
	for i := len(r) - 1; i >= 0; i-- {
		switch r[i] {
		case utf8.MaxRune:
			continue
		case 0xD7FF:
			r[i] = 0xE000 // the surrogates between them are not characters
		default:
			r[i]++
		}
		return string(r[:i+1]), true
	}
	return "", false
}
