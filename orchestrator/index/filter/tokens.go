package filter

import (
	"strings"
	"unicode"
)

// countTokens counts the words, values and signs of a filter, much faster than the parser does, to keep it from those that
// would take it seconds. It may count more than the parser would read, such as three for 1.5, but not fewer.
func countTokens(text string) (n int) {
	for rest := text; rest != ""; n++ {
		rest = strings.TrimLeft(rest, " \t\r\n\f")
		word := rest[:len(rest)-len(strings.TrimLeftFunc(rest, isWord))]
		rest = rest[len(word):]
		switch {
		case rest == "":
		case rest[0] == '"' || rest[0] == '\'':
			n += min(len(word), 1)
			rest = rest[stringLen(rest, strings.ContainsAny(word, "rR") && len(word) <= 2):]
		case word == "" && strings.HasPrefix(rest, "//"):
			_, rest, _ = strings.Cut(rest, "\n")
		case word == "":
			rest = rest[1:]
		}
	}
	return n
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// stringLen is the length of the string that text begins with, quotes included; up to the end where it is not closed. In
// a raw string a backslash is itself.
func stringLen(text string, raw bool) int {
	quote, one := text[:1], true
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text, triple) {
		quote, one = triple, false
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\\' && !raw:
			i++
		case one && (text[i] == '\n' || text[i] == '\r'):
			return i // the string is broken off, and so is the filter
		}
	}
	return len(text)
}
