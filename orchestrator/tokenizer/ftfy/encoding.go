package ftfy

import (
	"strings"
	"unicode/utf8"
)

// maxPasses bounds how often a repair is repeated while it still finds something. Each pass undoes one layer, so real
// text is done after two or three.
const maxPasses = 128

// fixEncoding undoes mojibake, one layer a pass, for as long as text looks bad and a pass changes it.
func fixEncoding(text string) string {
	for range maxPasses {
		fixed := fixEncodingOnce(text)
		if fixed == text {
			break
		}
		text = fixed
	}
	return text
}

func fixEncodingOnce(text string) string {
	if !isBad(text) {
		return text
	}
	if fixed := reread(text); fixed != "" {
		return fixed
	}
	if fixed := fixEmbedded(text); fixed != text {
		return fixed
	}
	return fixC1(text)
}

// reread tries to explain text as UTF-8 that was read in one of the one-byte encodings. It returns the empty string
// where none explains all of it.
func reread(text string) string {
	var short [256]byte
	buf := short[:0]
	if len(text) > len(short) {
		buf = make([]byte, 0, len(text))
	}
	able := ableCodecs(text)
	for i := range codecs {
		c := &codecs[i]
		if able>>i&1 == 0 {
			continue
		}
		encoded, ok := c.encode(text, buf)
		if !ok {
			continue
		}
		// In Mac OS Roman the sequences would be an en dash before a space.
		if c.name != "macroman" {
			encoded = restoreA0(encoded)
		}
		if c.sloppy {
			encoded = replaceLost(encoded)
		}
		if fixed, ok := decodeUTF8(encoded); ok {
			return fixed
		}
	}
	return ""
}

// fixEmbedded repairs stretches of mojibake within other text: runs of characters that would be UTF-8 in some one-byte
// encoding, look bad by themselves, and do not follow such a run's remains.
func fixEmbedded(text string) string {
	var out strings.Builder
	done := 0
	previous := charClass(0)
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf { // no run begins with one
			previous = lowClasses[c]
			i++
			continue
		}
		size := 0
		if previous&continuationStrict == 0 {
			size = mojibakeRun(text[i:])
		}
		if size == 0 {
			r, width := utf8.DecodeRuneInString(text[i:])
			previous = classOf(r)
			i += width
			continue
		}
		run := text[i : i+size]
		if size < len(text) && isBad(run) {
			if done == 0 {
				out.Grow(len(text))
			}
			out.WriteString(text[done:i])
			out.WriteString(fixEncoding(run))
			done = i + size
		}
		i += size
		last, _ := utf8.DecodeLastRuneInString(run)
		previous = classOf(last)
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// mojibakeRun returns the size of the run of UTF-8 sequences, read in a one-byte encoding, at the start of s.
func mojibakeRun(s string) int {
	total := 0
	for total < len(s) {
		first, size := utf8.DecodeRuneInString(s[total:])
		var tail int
		switch class := classOf(first); {
		case class&firstOf2 != 0:
			tail = 1
		case class&firstOf3 != 0:
			tail = 2
		case class&firstOf4 != 0:
			tail = 3
		default:
			return total
		}
		end := total + size
		for ; tail > 0; tail-- {
			r, width := next(s[end:])
			if r < 0 || classOf(r)&continuation == 0 {
				return total
			}
			end += width
		}
		total = end
	}
	return total
}

// fixC1 reads C1 control characters as the characters of Windows-1252 that they most likely were.
func fixC1(text string) string {
	if !hasC1(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && r <= 0x9F {
			return fromWindows1252(r)
		}
		return r
	}, text)
}

// hasC1 tells whether text has a C1 control character; their UTF-8 is the byte C2 and one below A0.
func hasC1(text string) bool {
	for i := 1; i < len(text); i++ {
		if text[i-1] == 0xC2 && text[i] < 0xA0 {
			return true
		}
	}
	return false
}
