package ftfy

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// firstUncomposed is the first combining character: text of lower characters alone is in NFC.
	firstUncomposed = 0x300
	// maxMarks is how many characters that may combine with what stands before them are left to x/text in a row. That
	// package follows the Stream-Safe Text Format, which breaks a row of more than 30 up with U+034F; Python does not.
	// One character decomposes into at most four of them.
	maxMarks = 7
)

// compose returns text in NFC.
func compose(text string) string {
	low := true
	marks := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			marks = 0
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r >= firstUncomposed {
			low = false
			if norm.NFC.PropertiesString(text[i:]).BoundaryBefore() {
				marks = 0
			} else if marks++; marks > maxMarks {
				return composeLong(text)
			}
		} else {
			marks = 0
		}
		i += size
	}
	if low {
		return text
	}
	return norm.NFC.String(text)
}

// composeLong is NFC for any number of combining characters in a row, by the definition: decompose, sort runs of
// combining characters by their class, compose with the last starter what is not blocked from it.
func composeLong(text string) string {
	type mark struct {
		char  rune
		class uint8
	}
	chars := make([]mark, 0, len(text))
	for i, r := range text {
		decomposed := norm.NFD.PropertiesString(text[i:]).Decomposition()
		if decomposed == nil {
			decomposed = []byte(string(r))
		}
		for len(decomposed) > 0 {
			properties := norm.NFD.Properties(decomposed)
			char, size := utf8.DecodeRune(decomposed)
			chars = append(chars, mark{char, properties.CCC()})
			decomposed = decomposed[size:]
		}
	}
	for first := 0; first < len(chars); first++ {
		end := first
		for end < len(chars) && chars[end].class != 0 {
			end++
		}
		slices.SortStableFunc(chars[first:end], func(a, b mark) int { return cmp.Compare(a.class, b.class) })
		first = end
	}

	out := chars[:0]
	starter := -1
	for _, c := range chars {
		if starter >= 0 {
			last := out[len(out)-1]
			adjacent := len(out)-1 == starter
			if adjacent || last.class != 0 && last.class < c.class {
				if composite, ok := composePair(out[starter].char, c.char); ok {
					out[starter].char = composite
					continue
				}
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	composed := make([]byte, 0, len(text))
	for _, c := range out {
		composed = utf8.AppendRune(composed, c.char)
	}
	return string(composed)
}

// composePair returns the character that a and b compose to, if there is one.
func composePair(a, b rune) (rune, bool) {
	pair := utf8.AppendRune(utf8.AppendRune(make([]byte, 0, 2*utf8.UTFMax), a), b)
	composed := norm.NFC.Bytes(pair)
	r, size := utf8.DecodeRune(composed)
	return r, size == len(composed)
}
