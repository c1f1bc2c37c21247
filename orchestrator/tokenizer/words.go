package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// wordClass is what CLIP's word pattern sees in a character.
type wordClass uint8

const (
	classOther  wordClass = iota // [^\s\p{L}\p{N}]: runs of these are words
	classLetter                  // \p{L}: runs of these are words
	classNumber                  // \p{N}: each is a word
	classNone                    // between words: \s, and U+0345, a mark whose capital is a letter, which no part matches
)

const (
	startOfText = "<|startoftext|>"
	endOfText   = "<|endoftext|>"
)

// contractions are words wherever one of the pattern's matches begins with them, even if letters follow.
var contractions = [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// asciiClasses are the classes of the first 128 characters: the table's, in a form that is quick to read.
var asciiClasses = [utf8.RuneSelf]wordClass{
	'\t': classNone, '\n': classNone, '\v': classNone, '\f': classNone, '\r': classNone, ' ': classNone,
	'0': classNumber, '1': classNumber, '2': classNumber, '3': classNumber, '4': classNumber,
	'5': classNumber, '6': classNumber, '7': classNumber, '8': classNumber, '9': classNumber,
	'A': classLetter, 'B': classLetter, 'C': classLetter, 'D': classLetter, 'E': classLetter, 'F': classLetter,
	'G': classLetter, 'H': classLetter, 'I': classLetter, 'J': classLetter, 'K': classLetter, 'L': classLetter,
	'M': classLetter, 'N': classLetter, 'O': classLetter, 'P': classLetter, 'Q': classLetter, 'R': classLetter,
	'S': classLetter, 'T': classLetter, 'U': classLetter, 'V': classLetter, 'W': classLetter, 'X': classLetter,
	'Y': classLetter, 'Z': classLetter,
	'a': classLetter, 'b': classLetter, 'c': classLetter, 'd': classLetter, 'e': classLetter, 'f': classLetter,
	'g': classLetter, 'h': classLetter, 'i': classLetter, 'j': classLetter, 'k': classLetter, 'l': classLetter,
	'm': classLetter, 'n': classLetter, 'o': classLetter, 'p': classLetter, 'q': classLetter, 'r': classLetter,
	's': classLetter, 't': classLetter, 'u': classLetter, 'v': classLetter, 'w': classLetter, 'x': classLetter,
	'y': classLetter, 'z': classLetter,
}

// classAt returns the class of the character at the start of text, which is not empty, and its size in bytes.
func classAt(text []byte) (wordClass, int) {
	if text[0] < utf8.RuneSelf {
		return asciiClasses[text[0]], 1
	}
	r, size := utf8.DecodeRune(text)
	return classOf(r), size
}

func classOf(r rune) wordClass {
	// Most of the characters outside ASCII in queries; all of them letters.
	if r >= 0x4E00 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3 || r >= 0x0430 && r <= 0x044F {
		return classLetter
	}
	first, end := 0, len(wordRuns) // the run is among these
	for end-first > 1 {
		if middle := int(uint(first+end) / 2); rune(wordRuns[middle]>>2) <= r {
			first = middle
		} else {
			end = middle
		}
	}
	return wordClass(wordRuns[first] & 3)
}

// nextWord finds the first match of CLIP's pattern in text from byte i on:
//
//	<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// without regard to case. special says whether the first two parts count. The word is empty where there is none.
func nextWord(text []byte, i int, special bool) (first, end int) {
	var class wordClass
	var size int
	for {
		if i == len(text) {
			return i, i
		}
		if class, size = classAt(text[i:]); class != classNone {
			break
		}
		i += size
	}
	if special && text[i] == '<' {
		for _, token := range [...]string{startOfText, endOfText} {
			if n := foldedPrefix(text[i:], token); n > 0 {
				return i, i + n
			}
		}
	}
	if text[i] == '\'' {
		for _, contraction := range contractions {
			if n := foldedPrefix(text[i:], contraction); n > 0 {
				return i, i + n
			}
		}
	}
	end = i + size
	if class == classNumber {
		return i, end
	}
	for end < len(text) {
		c, n := classAt(text[end:])
		if c != class {
			break
		}
		end += n
	}
	return i, end
}

// longS is the one character outside ASCII that matches a letter of CLIP's literals when case is ignored: an s.
const longS = "ſ"

// foldedPrefix returns how many bytes at the start of text match literal, which is in lower case, when case is ignored;
// 0 is no match.
func foldedPrefix(text []byte, literal string) int {
	n := 0
	for i := range len(literal) {
		switch {
		case n == len(text):
			return 0
		case text[n] == literal[i], isASCIIUpper(text[n]) && text[n]|0x20 == literal[i]:
			n++
		case literal[i] == 's' && bytes.HasPrefix(text[n:], []byte(longS)):
			n += len(longS)
		default:
			return 0
		}
	}
	return n
}

func isASCIIUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
