package ftfy

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// entity is one named character reference, without its ampersand.
type entity struct {
	name  string // with the semicolon where the list has it
	text  string // one or two characters
	shout string // what ftfy reads into the name in capitals; empty where it reads nothing
}

const (
	maxNameChars   = 32 // what html.unescape takes for a name, without the semicolon
	minBareName    = 2  // the shortest name that the list has without semicolon ("gt")
	maxBareName    = 6  // and the longest ("yacute")
	maxStrictChars = 24 // what ftfy takes for a reference, without "&", "#" and ";"
)

func findEntity(name string) (entity, bool) {
	i := sort.Search(len(entities), func(i int) bool { return entities[i].name >= name })
	if i == len(entities) || entities[i].name != name {
		return entity{}, false
	}
	return entities[i], true
}

// UnescapeHTML resolves character references as Python's html.unescape does: names without their semicolon by the
// longest that fits, code points that HTML forbids dropped or replaced. It makes one pass, so "&amp;amp;" becomes "&amp;".
func UnescapeHTML(text string) string {
	return replaceReferences(text, reference)
}

// unescapeStrict resolves only references that end in a semicolon and leave none behind, and names in capitals where
// that is not ambiguous: ftfy's own rule, made for text that may not be HTML at all.
func unescapeStrict(text string) string {
	return replaceReferences(text, strictReference)
}

// replaceReferences calls resolve with the text from each ampersand on. resolve says how many bytes it understood (0: it
// is no reference) and what they mean.
func replaceReferences(text string, resolve func(string) (int, string)) string {
	amp := strings.IndexByte(text, '&')
	if amp < 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for amp < len(text) {
		size, meaning := resolve(text[amp:])
		if size == 0 {
			size = 1
		} else {
			if done == 0 {
				out.Grow(len(text))
			}
			out.WriteString(text[done:amp])
			out.WriteString(meaning)
			done = amp + size
		}
		amp += size
		next := strings.IndexByte(text[amp:], '&')
		if next < 0 {
			break
		}
		amp += next
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// reference resolves what html.unescape sees at the ampersand that s starts with.
func reference(s string) (int, string) {
	if strings.HasPrefix(s, "&#") {
		size, code := numericReference(s)
		if size == 0 {
			return 0, ""
		}
		return size, charReference(code)
	}
	name := nameAt(s[1:])
	if len(name) == 0 {
		return 0, ""
	}
	if e, ok := findEntity(name); ok {
		return 1 + len(name), e.text
	}
	for n := min(len(name)-1, maxBareName); n >= minBareName; n-- {
		if e, ok := findEntity(name[:n]); ok {
			return 1 + n, e.text
		}
	}
	return 0, ""
}

// nameAt returns the run of up to 32 characters that may be a name, with the semicolon that follows it if any.
func nameAt(s string) string {
	end := 0
	for n := 0; n < maxNameChars && end < len(s) && !endsName(s[end]); n++ {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	if end > 0 && end < len(s) && s[end] == ';' {
		end++
	}
	return s[:end]
}

func endsName(c byte) bool {
	return strings.IndexByte("\t\n\f <&#;", c) >= 0
}

// numericReference reads "&#123;" or "&#x7b;", with or without semicolon, at the start of s. The size is 0 where there
// are no digits; numbers beyond Unicode are all the same.
func numericReference(s string) (size int, code rune) {
	i, base := 2, rune(10)
	if i < len(s) && s[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	first := i
	for ; i < len(s); i++ {
		digit := digitValue(s[i])
		if digit >= base {
			break
		}
		code = min(code*base+digit, utf8.MaxRune+1)
	}
	if i == first {
		return 0, 0
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	return i, code
}

// digitValue is the value of a digit up to base 16, and 16 for anything else.
func digitValue(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return 16
}

// charReference is the text of a numeric reference by the rules of HTML 5 as Python applies them.
func charReference(code rune) string {
	switch {
	case code == 0, code > utf8.MaxRune, code >= 0xD800 && code <= 0xDFFF:
		return "\uFFFD"
	case code >= 0x80 && code <= 0x9F:
		return string(fromWindows1252(code))
	case code < ' ' && !isMarkupSpace(code), code == 0x7F, code >= 0xFDD0 && code <= 0xFDEF, code&0xFFFE == 0xFFFE:
		return ""
	}
	return string(code)
}

func isMarkupSpace(code rune) bool {
	return code == '\t' || code == '\n' || code == '\f' || code == '\r'
}

// strictReference resolves what ftfy sees at the ampersand that s starts with.
func strictReference(s string) (int, string) {
	first := 1
	if strings.HasPrefix(s, "&#") {
		first = 2
	}
	end := first
	for end < len(s) && isAlphanumeric(s[end]) {
		end++
	}
	if end == first || end-first > maxStrictChars || end == len(s) || s[end] != ';' {
		return 0, ""
	}
	end++
	if first == 2 {
		size, code := numericReference(s)
		meaning := charReference(code)
		if size != end || meaning == ";" {
			return 0, ""
		}
		return size, meaning
	}
	name := s[first:end]
	if e, ok := findEntity(name); ok {
		return end, e.text
	}
	if lower := strings.ToLower(name); strings.ToUpper(lower) == name {
		if e, ok := findEntity(lower); ok && e.shout != "" {
			return end, e.shout
		}
	}
	return 0, ""
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
