package tokenizer

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// charRole is what BERT's basic tokenizer does with a character.
type charRole uint8

const (
	roleText  charRole = iota
	roleSpace          // ends a chunk
	roleAlone          // is a chunk by itself: the ideographs
	roleNone           // is left out: control and format characters, U+FFFD
)

// nextChunk appends to dst the next stretch of text from byte i on that has no space in it, without the characters that
// are left out, and returns where it ends. There is nothing in dst where no chunk is left.
func nextChunk(dst []byte, text string, i int) (chunk []byte, end int) {
	for i < len(text) {
		if c := text[i]; c > ' ' && c < 0x7F {
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch roleOf(r) {
		case roleText:
			dst = append(dst, text[i:i+size]...)
		case roleSpace:
			if len(dst) > 0 {
				return dst, i + size
			}
		case roleAlone:
			if len(dst) > 0 {
				return dst, i
			}
			return append(dst, text[i:i+size]...), i + size
		}
		i += size
	}
	return dst, i
}

func roleOf(r rune) charRole {
	switch {
	case r <= ' ' || r == 0x7F:
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			return roleSpace
		}
		return roleNone
	case r < 0x80:
		return roleText
	case isIdeograph(r):
		return roleAlone
	case r < 0xA0 || r == 0xAD || r == utf8.RuneError:
		return roleNone
	case r == 0xA0 || r == 0x2028 || r == 0x2029 || r == 0x3000:
		return roleSpace
	case r < 0x0600 || r >= 0x3001 && r < 0xE000:
		return roleText // no spaces, controls or format characters there
	case unicode.Is(unicode.Zs, r):
		return roleSpace
	case unicode.Is(unicode.Cf, r):
		return roleNone
	}
	return roleText
}

// isIdeograph follows the reference: the ideographs of China, Japan and Korea, but no kana and no Hangul.
func isIdeograph(r rune) bool {
	if r < 0x3400 {
		return false
	}
	return r >= 0x4E00 && r <= 0x9FFF || r <= 0x4DBF || r >= 0xF900 && r <= 0xFAFF ||
		r >= 0x20000 && r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2CEAF || r >= 0x2F800 && r <= 0x2FA1F
}

// isPunctuation follows the reference, which adds the symbols of ASCII.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7F && (r < '0' || r > '9') && !isASCIILetter(byte(r))
	}
	return unicode.IsPunct(r)
}

func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// fold appends chunk in lower case and without accents: decomposed, and what combines with a letter left out.
func fold(dst, chunk []byte) []byte {
	run := len(dst) // where the combining characters that may change places begin
	for i := 0; i < len(chunk); {
		if c := chunk[i]; c < utf8.RuneSelf {
			if isASCIIUpper(c) {
				c |= 0x20
			}
			dst = append(dst, c)
			run = len(dst)
			i++
			continue
		}
		r, size := utf8.DecodeRune(chunk[i:])
		switch r {
		case 'Σ':
			r = lowerSigma(string(chunk[:i]), string(chunk[i+size:]))
		case 'İ':
			r = 'i' // its dot is an accent
		default:
			r = lower(r)
		}
		dst, run = appendBase(dst, run, r)
		i += size
	}
	return dst
}

// appendBase appends the decomposition of r without its accents (category Mn), in canonical order. run is where the
// characters of dst begin that r, if it combines, may have to stand before.
func appendBase(dst []byte, run int, r rune) (longer []byte, newRun int) {
	const (
		firstSyllable, lastSyllable     = 0xAC00, 0xD7A3
		firstLead, firstVowel, lastTail = 0x1100, 0x1161, 0x11A7
		vowels, tails                   = 21, 28
	)
	if r >= firstSyllable && r <= lastSyllable {
		r -= firstSyllable
		dst = utf8.AppendRune(dst, firstLead+r/(vowels*tails))
		dst = utf8.AppendRune(dst, firstVowel+r%(vowels*tails)/tails)
		if r %= tails; r > 0 {
			dst = utf8.AppendRune(dst, lastTail+r)
		}
		return dst, len(dst)
	}
	var buf [utf8.UTFMax]byte
	char := buf[:utf8.EncodeRune(buf[:], r)]
	parts := norm.NFD.Properties(char).Decomposition()
	if parts == nil {
		parts = char
	}
	for len(parts) > 0 {
		part, size := utf8.DecodeRune(parts)
		class := norm.NFD.Properties(parts).CCC()
		kept := !unicode.Is(unicode.Mn, part)
		switch {
		case class != 0 && kept:
			dst = slices.Insert(dst, placeOf(dst, run, class), parts[:size]...)
		case kept:
			dst = append(dst, parts[:size]...)
		}
		if class == 0 {
			run = len(dst)
		}
		parts = parts[size:]
	}
	return dst, run
}

// placeOf returns where in dst a character of the given combining class belongs: behind those of its own and lower ones.
func placeOf(dst []byte, run int, class uint8) int {
	for run < len(dst) {
		properties := norm.NFD.Properties(dst[run:])
		if properties.CCC() > class {
			break
		}
		run += properties.Size()
	}
	return run
}
