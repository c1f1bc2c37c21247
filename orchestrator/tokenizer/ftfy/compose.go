package ftfy

import (
	"cmp"
	"slices"
	"sync"
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

// plainCharacters has a bit for each code point of the Basic Multilingual Plane that NFC leaves as it is wherever it
// stands: it does not combine with what is before it and is not replaced.
var plainCharacters = sync.OnceValue(func() *[1 << 16 / 64]uint64 {
	var bits [1 << 16 / 64]uint64
	for r := rune(0); r < 1<<16; r++ {
		if properties := norm.NFC.PropertiesString(string(r)); properties.BoundaryBefore() && norm.NFC.IsNormalString(string(r)) {
			bits[r>>6] |= 1 << (r & 63)
		}
	}
	return &bits
})

// compose returns text in NFC.
func compose(text string) string {
	first := firstToCompose(text)
	if first == len(text) {
		return text
	}
	marks := 0
	for i := first; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r < firstUncomposed || norm.NFC.PropertiesString(text[i:]).BoundaryBefore() {
			marks = 0
		} else if marks++; marks > maxMarks {
			return composeLong(text)
		}
		i += size
	}
	return norm.NFC.String(text)
}

// firstToCompose returns where in text the first character is that NFC may change or join with others.
func firstToCompose(text string) int {
	var plain *[1 << 16 / 64]uint64
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r >= firstUncomposed {
			if plain == nil {
				plain = plainCharacters()
			}
			if r >= 1<<16 || plain[r>>6]>>(r&63)&1 == 0 {
				return i
			}
		}
		i += size
	}
	return len(text)
}

// composeLong is NFC for any number of combining characters in a row, by the definition: decompose, sort runs of
// combining characters by their class, compose with the last starter what is not blocked from it.
func composeLong(text string) string {
	type mark struct {
		char  rune
		class uint8
	}
	chars := make([]mark, 0, len(text))
	single := make([]byte, 0, utf8.UTFMax)
	for i, r := range text {
		decomposed := norm.NFD.PropertiesString(text[i:]).Decomposition()
		if decomposed == nil {
			decomposed = utf8.AppendRune(single[:0], r)
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
	buf := make([]byte, 8*utf8.UTFMax)
	for _, c := range chars {
		if starter >= 0 {
			last := out[len(out)-1]
			adjacent := len(out)-1 == starter
			if adjacent || last.class != 0 && last.class < c.class {
				if composite, ok := composePair(out[starter].char, c.char, buf); ok {
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

// composePair returns the character that a and b compose to, if there is one. buf is memory to work in.
func composePair(a, b rune, buf []byte) (rune, bool) {
	pair := utf8.AppendRune(utf8.AppendRune(buf[:0], a), b)
	composed := norm.NFC.Append(pair[len(pair):], pair...)
	r, size := utf8.DecodeRune(composed)
	return r, size == len(composed)
}
