package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"clipseek/orchestrator/tokenizer/ftfy"
)

// Normalize returns text as CLIP's tokenizer sees it before it looks for words: repaired by ftfy, HTML unescaped twice,
// trimmed, with one space for each stretch of white space, in lower case. It refuses text that is not UTF-8 (Invalid).
func Normalize(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", invalidUTF8(text)
	}
	return string(normalize(nil, text)), nil
}

// normalize appends what Normalize returns to dst.
func normalize(dst []byte, text string) []byte {
	return appendLower(dst, repair(text), true)
}

// repair is what the reference calls basic_clean: ftfy, HTML unescaped twice, trimmed.
func repair(text string) string {
	text = ftfy.Fix(text)
	text = ftfy.UnescapeHTML(ftfy.UnescapeHTML(text))
	return strings.TrimFunc(text, isTrimmed)
}

// isTrimmed tells what Python's str.strip removes: white space and the four separators of ASCII.
func isTrimmed(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F
}

// appendLower appends text in lower case as Python's str.lower has it, if asked to with one space for each stretch of
// white space.
func appendLower(dst []byte, text string, oneSpace bool) []byte {
	space := false
	for i := 0; i < len(text); {
		c := text[i]
		if c > ' ' && c < utf8.RuneSelf {
			if isASCIIUpper(c) {
				c |= 0x20
			}
			dst = append(dst, c)
			space = false
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if oneSpace && unicode.IsSpace(r) {
			if !space {
				dst = append(dst, ' ')
			}
			space = true
			i += size
			continue
		}
		space = false
		switch r {
		case 'Σ':
			dst = utf8.AppendRune(dst, lowerSigma(text[:i], text[i+size:]))
		case 'İ':
			dst = append(dst, "i\u0307"...) // the one capital whose lower case is two characters
		default:
			dst = utf8.AppendRune(dst, lower(r))
		}
		i += size
	}
	return dst
}

func lower(r rune) rune {
	if r >= 0x3000 && r <= 0xA63F || r >= 0xAC00 && r <= 0xD7FF {
		return r // scripts of East Asia without case
	}
	return unicode.ToLower(r)
}

// lowerSigma chooses the form of a small sigma: final after a letter that has case unless another such follows, where
// apostrophes, marks and other characters that do not matter for case are passed over (Unicode's Final_Sigma).
func lowerSigma(before, after string) rune {
	for {
		r, size := utf8.DecodeLastRuneInString(before)
		if size > 0 && isCaseIgnorable(r) {
			before = before[:len(before)-size]
			continue
		}
		if size == 0 || !isCased(r) {
			return 'σ'
		}
		break
	}
	for _, r := range after {
		if isCaseIgnorable(r) {
			continue
		}
		if isCased(r) {
			return 'σ'
		}
		break
	}
	return 'ς'
}

// isCased is Unicode's property Cased.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// isCaseIgnorable is Unicode's property Case_Ignorable: marks, modifiers, format characters, and the punctuation that may
// stand within a word.
func isCaseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '·', '\u0387', '\u055F', '\u05F4', '\u2018', '\u2019', '\u2024', '\u2027',
		'\uFE13', '\uFE52', '\uFE55', '\uFF07', '\uFF0E', '\uFF1A':
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
