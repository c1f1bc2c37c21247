package ftfy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSegmentChars is how much of a line is looked at as one; longer lines are cut, as the reference does.
const maxSegmentChars = 1_000_000

// Fix repairs text as ftfy.fix_text does with its defaults. Lines are repaired one by one. From the first line with a
// "<" in it on, the text is taken for HTML source and keeps its character references.
func Fix(text string) string {
	if isClean(text) {
		return text
	}
	var out strings.Builder
	changed := false
	html := false
	for done := 0; done < len(text); {
		segment := segmentAt(text[done:])
		html = html || strings.IndexByte(segment, '<') >= 0
		fixed := fixSegment(segment, !html)
		if !changed && fixed != segment {
			changed = true
			out.Grow(len(text))
			out.WriteString(text[:done])
		}
		if changed {
			out.WriteString(fixed)
		}
		done += len(segment)
	}
	if !changed {
		return text
	}
	return out.String()
}

// isClean tells whether text is plain ASCII in which no rule finds anything.
func isClean(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '&' || c >= 0x7F || c < ' ' && c != '\t' && c != '\n' && c != '\f' {
			return false
		}
	}
	return true
}

// segmentAt returns the line at the start of text with its line feed, or as much of it as is repaired at once.
func segmentAt(text string) string {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		text = text[:end+1]
	}
	if len(text) <= maxSegmentChars {
		return text
	}
	chars := 0
	for i := range text {
		if chars == maxSegmentChars {
			return text[:i]
		}
		chars++
	}
	return text
}

func fixSegment(text string, unescape bool) string {
	settled := "" // what fixEncoding has nothing to do about
	for range maxPasses {
		fixed := text
		if unescape {
			fixed = unescapeStrict(fixed)
		}
		if fixed != settled {
			fixed = fixEncoding(fixed)
			settled = fixed
		}
		fixed = fixCharacters(fixed)
		fixed = removeTerminalEscapes(fixed)
		fixed = removeControls(fixed)
		fixed = compose(fixed)
		if fixed == text {
			break
		}
		text = fixed
	}
	return text
}

// fixCharacters replaces characters one by one: C1 controls, Latin ligatures, half and full width forms, curly quotes
// and line breaks, in this order, so that the result of one may be replaced by the next.
func fixCharacters(text string) string {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf && c != '\r' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			size = 2
		}
		if usual, ok := usualForm(r); ok {
			if out == nil {
				out = make([]byte, 0, len(text)+len(text)/4)
			}
			out = append(out, text[done:i]...)
			out = append(out, usual...)
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return text
	}
	return string(append(out, text[done:]...))
}

// usualForm returns what replaces r, and false where r stays.
func usualForm(r rune) (string, bool) {
	switch {
	case r == '\r', r == '\u2028', r == '\u2029':
		return "\n", true
	case r < 0x80:
		return "", false
	case r <= 0x9F:
		meant := fromWindows1252(r)
		if straight, ok := straightQuote(meant); ok {
			return straight, true
		}
		return string(meant), meant != r
	case r == '\u3000':
		return " ", true
	case r >= 0xFF01 && r < 0xFF01+rune(len(normalWidth)):
		usual := normalWidth[r-0xFF01]
		return usual, usual != ""
	}
	if parts := ligature(r); parts != "" {
		return parts, true
	}
	return straightQuote(r)
}

func straightQuote(r rune) (string, bool) {
	switch {
	case r == '\u02BC', r >= '\u2018' && r <= '\u201B':
		return "'", true
	case r >= '\u201C' && r <= '\u201F':
		return `"`, true
	}
	return "", false
}

// ligature returns the letters of a Latin ligature or digraph that is one character, and the empty string for all
// others. "ŉ" has a modifier letter in ftfy, which its next rule makes an apostrophe.
func ligature(r rune) string {
	switch r {
	case 'Ĳ':
		return "IJ"
	case 'ĳ':
		return "ij"
	case 'ŉ':
		return "'n"
	case 'Ǆ':
		return "DŽ"
	case 'ǅ':
		return "Dž"
	case 'ǆ':
		return "dž"
	case 'Ǉ':
		return "LJ"
	case 'ǈ':
		return "Lj"
	case 'ǉ':
		return "lj"
	case 'Ǌ':
		return "NJ"
	case 'ǋ':
		return "Nj"
	case 'ǌ':
		return "nj"
	case 'Ǳ':
		return "DZ"
	case 'ǲ':
		return "Dz"
	case 'ǳ':
		return "dz"
	case 'ﬀ':
		return "ff"
	case 'ﬁ':
		return "fi"
	case 'ﬂ':
		return "fl"
	case 'ﬃ':
		return "ffi"
	case 'ﬄ':
		return "ffl"
	case 'ﬅ':
		return "ſt"
	case 'ﬆ':
		return "st"
	}
	return ""
}

// removeTerminalEscapes deletes ANSI control sequences: an escape, "[", digits and semicolons, and a letter.
func removeTerminalEscapes(text string) string {
	const start = "\x1b["
	next := strings.Index(text, start)
	if next < 0 {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for next >= 0 {
		size := escapeSize(text[next+len(start):])
		keep := next
		if size == 0 {
			keep += len(start)
		}
		out.WriteString(text[:keep])
		text = text[next+len(start)+size:]
		next = strings.Index(text, start)
	}
	out.WriteString(text)
	return out.String()
}

// escapeSize returns the size of what follows the start of a control sequence, 0 where it is none.
func escapeSize(s string) int {
	for i, r := range s {
		switch {
		case r == ';', unicode.IsDigit(r):
		case isASCIILetter(r):
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// removeControls deletes control characters that have no place in text; spaces, joiners and direction marks stay.
func removeControls(text string) string {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		if isStrayControl(r) {
			if out == nil {
				out = make([]byte, 0, len(text))
			}
			out = append(out, text[done:i]...)
			done = i + size
		}
		i += size
	}
	if out == nil {
		return text
	}
	return string(append(out, text[done:]...))
}

func isStrayControl(r rune) bool {
	switch {
	case r < ' ':
		return r != '\t' && r != '\n' && r != '\f' && r != '\r'
	case r < 0x7F:
		return false
	}
	return r == 0x7F || r >= 0x206A && r <= 0x206F || r == 0xFEFF || r >= 0xFFF9 && r <= 0xFFFC
}
