package ftfy

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// substitute is the byte that stands for a lost character: the sloppy codecs write U+FFFD as it.
const substitute = 0x1A

// codec is a one-byte encoding whose lower half is ASCII and in which each byte has a character. The sloppy ones give
// the bytes that their encoding leaves out the characters of Latin-1, and U+FFFD in place of U+001A to byte 0x1A.
type codec struct {
	name   string
	sloppy bool
	high   [128]uint32 // the characters of the bytes from 0x80 on: code point << 8 | byte, ascending
}

func (c *codec) byteOf(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r), !c.sloppy || r != substitute
	}
	if c.sloppy && r == utf8.RuneError {
		return substitute, true
	}
	i := 0 // the first that is not before r, found in seven halvings
	for half := len(c.high) / 2; half > 0; half /= 2 {
		if rune(c.high[i+half-1]>>8) < r {
			i += half
		}
	}
	if rune(c.high[i]>>8) != r {
		return 0, false
	}
	return byte(c.high[i]), true
}

// encode returns text in the encoding, in the memory of buf if it is large enough; false means that the encoding lacks
// one of its characters.
func (c *codec) encode(text string, buf []byte) ([]byte, bool) {
	buf = buf[:0]
	for _, r := range text {
		b, ok := c.byteOf(r)
		if !ok {
			return buf, false
		}
		buf = append(buf, b)
	}
	return buf, true
}

// codecSet has a bit for each of codecs.
type codecSet uint16

// highChars are the characters that codecs have beyond ASCII, ascending, each with the codecs that have it: code point
// << 16 | codecSet. All are of the Basic Multilingual Plane.
var highChars = sync.OnceValue(func() []uint32 {
	sets := map[uint32]codecSet{}
	for i := range codecs {
		for _, high := range codecs[i].high {
			sets[high>>8] |= 1 << i
		}
	}
	chars := make([]uint32, 0, len(sets))
	for char, set := range sets {
		chars = append(chars, char<<16|uint32(set))
	}
	slices.Sort(chars)
	return chars
})

// ableCodecs returns the codecs that have each character of text beyond ASCII, U+FFFD left out.
func ableCodecs(text string) codecSet {
	chars := highChars()
	able := codecSet(1<<len(codecs) - 1)
	for i := 0; i < len(text) && able != 0; {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if r == utf8.RuneError {
			continue
		}
		if r > 0xFFFF {
			return 0
		}
		at, _ := slices.BinarySearch(chars, uint32(r)<<16)
		if at == len(chars) || rune(chars[at]>>16) != r {
			return 0
		}
		able &= codecSet(chars[at])
	}
	return able
}

// fromWindows1252 reads a C1 control character as the byte of Windows-1252 that it most likely was; the five that the
// encoding leaves out stay as they are.
func fromWindows1252(r rune) rune {
	if meant := windows1252[r-0x80]; meant != 0 {
		return meant
	}
	return r
}

// decodeUTF8 reads bytes as UTF-8 in the variants that mojibake goes through: surrogate pairs encoded one by one
// (CESU-8) and the two-byte null of Java. False means that they are none of these.
func decodeUTF8(b []byte) (string, bool) {
	if utf8.Valid(b) {
		return string(b), true
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			if r, size = decodeVariant(b); size == 0 {
				return "", false
			}
		}
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return string(out), true
}

// decodeVariant reads one non-standard sequence at the start of b; a size of 0 means that there is none.
//
// In both sequences ftfy lets the last byte be missing at the end of the text, takes a final line break for that end,
// and then reads the line break as if it were the byte. So does this, as ids would differ otherwise.
func decodeVariant(b []byte) (r rune, size int) {
	last := func(i int) bool {
		return b[i]&0xC0 == 0x80 || i == len(b)-1 && b[i] == '\n'
	}
	if len(b) >= 2 && b[0] == 0xC0 && (b[1] == 0x80 || len(b) == 2 && b[1] == '\n') {
		return 0, 2
	}
	if len(b) >= 6 && b[0] == 0xED && b[1]&0xF0 == 0xA0 && b[2]&0xC0 == 0x80 && b[3] == 0xED && b[4]&0xF0 == 0xB0 && last(5) {
		high := rune(b[1]&0x0F)<<16 | rune(b[2]&0x3F)<<10
		low := rune(b[4]&0x0F)<<6 | rune(b[5]&0x3F)
		return 0x10000 + high | low, 6
	}
	return 0, 0
}
