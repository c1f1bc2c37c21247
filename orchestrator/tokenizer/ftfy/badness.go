package ftfy

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charClass is the set of categories that a character belongs to.
type charClass uint32

// Between these two no character has a category; most of the world's scripts are there.
const (
	lozenge   = '\u25CA'
	appleLogo = '\uF8FF'
)

// classOf returns the categories of r; ASCII characters have none, except that a space may continue a UTF-8 sequence in
// which it stands for byte 0xA0.
func classOf(r rune) charClass {
	switch {
	case r < rune(len(lowClasses)):
		return lowClasses[r]
	case r < highClasses[0].char, r > lozenge && r < appleLogo:
		return 0
	}
	i := sort.Search(len(highClasses), func(i int) bool { return highClasses[i].char >= r })
	if i < len(highClasses) && highClasses[i].char == r {
		return highClasses[i].class
	}
	return 0
}

// symbols are the categories whose members rarely stand beside an accented letter or each other.
const (
	accented = lowerAccented | upperAccented
	pairable = accented | box | startPunct | endPunct | currency | numeric | law
	// southern are what follows the letters that lead Arabic text read as Windows-1252.
	southern = common | currency | bad | numeric | startPunct
	// eastern are what stands between the letters of Latin-1 or the same alphabet read as Windows-1251 or 1253.
	eastern = c1 | bad | startPunct | endPunct | currency
)

// unlikelyPairs are neighbours that mojibake makes and real text does not.
var unlikelyPairs = [...]struct{ first, second charClass }{
	{pairable | bad, bad},
	{bad, pairable},
	{lowerAccented | lowerCommon | box | endPunct | currency | numeric, upperAccented},
	{box | endPunct | currency | numeric, lowerAccented},
	{lowerAccented | box | endPunct, currency},
	{upperAccented | box, numeric | law},
	{currency | numeric | box, startPunct},
	{box, kaomoji},
	{accented | currency | numeric | startPunct | endPunct | law, box},
	{box, endPunct},
}

// unlikelyTriples are the same for three characters in a row.
var unlikelyTriples = [...]struct{ first, second, third charClass }{
	{accented | box | currency | endPunct, startPunct, numeric},
	{accented | currency | numeric | box | law, endPunct, startPunct},
}

// isBad tells whether text looks as if it had mojibake in it: whether any of ftfy's unlikely sequences occurs.
//
// Every one of them has a character outside ASCII, so each such character is tried as the first of a sequence, and as
// the second of those that start with an ASCII letter, a space or the text itself.
func isBad(text string) bool {
	before, previous := rune(-1), rune(-1)
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
			if class := classOf(r); class != 0 {
				after := text[i+size:]
				if class&c1 != 0 || badFrom(r, class, after) || badAfter(before, previous, r, class, after) {
					return true
				}
			}
		}
		before, previous = previous, r
		i += size
	}
	return false
}

// badFrom tells whether an unlikely sequence starts with first, whose categories are class.
func badFrom(first rune, class charClass, after string) bool {
	second, size := next(after)
	if second < 0 {
		return false
	}
	secondClass := classOf(second)
	for _, pair := range unlikelyPairs {
		if class&pair.first != 0 && secondClass&pair.second != 0 {
			return true
		}
	}
	if class&upperAccented != 0 && second == '°' || (first == 'Œ' || first == 'œ') && !isASCIILetter(second) {
		return true
	}
	third, thirdSize := next(after[size:])
	thirdClass := charClass(0)
	if third >= 0 {
		thirdClass = classOf(third)
	}
	for _, triple := range unlikelyTriples {
		if class&triple.first != 0 && secondClass&triple.second != 0 && thirdClass&triple.third != 0 {
			return true
		}
	}
	if class&accented != 0 && secondClass&(startPunct|endPunct) != 0 && isWord(third) {
		return true
	}
	return badByName(first, second, secondClass, third, after, after[size+thirdSize:])
}

// badByName tells whether first and second begin one of the sequences that ftfy knows by their characters. after is
// the text that follows first, rest what follows third.
func badByName(first, second rune, secondClass charClass, third rune, after, rest string) bool {
	switch first {
	case 'Â', 'Ã', 'Î', 'Ð':
		// Two-character mojibake of Windows-1252 that no pair of categories covers; for Ã this has à and á in it.
		return secondClass&(startPunct|endPunct) != 0 || oneOf(second, "€œŠš¢£Ÿž\u00a0\u00ad®©°·»–—´")
	case '×':
		return second == '²' || second == '³'
	case 'Ø', 'Ù':
		if !southernTail(second, secondClass) || third != 'Ø' && third != 'Ù' {
			return false
		}
		fourth, _ := next(rest)
		return fourth >= 0 && southernTail(fourth, classOf(fourth))
	case 'à':
		return oneOf(second, "²µ¹¼½¾")
	case '√':
		return oneOf(second, "±∂†≠®™´≤≥¥µø")
	case '≈':
		return second == '°' || second == '¢'
	case '‚':
		return second == 'Ä' && oneOf(third, "ìîïòôúùû†°¢π") || (second == 'â' || second == 'ó') && oneOf(third, "àä°ê")
	case 'в':
		return second == 'Ђ'
	case 'В', 'Г', 'Р', 'С':
		if (secondClass&eastern != 0 || second == '°' || second == 'µ') && oneOf(third, "ВГРС") {
			return true
		}
		return first == 'Г' && windows1251Twice(after)
	case 'β':
		return second == '€' && oneOf(third, "™\u00a0Ά\u00ad®°")
	case 'Β', 'Γ', 'Ξ', 'Ο':
		return (secondClass&eastern != 0 || second == '°') && oneOf(third, "ΒΓΞΟ")
	case 'ā':
		return second == '€'
	}
	return false
}

func southernTail(r rune, class charClass) bool {
	return class&southern != 0 || oneOf(r, "ŸŠ®°µ»")
}

// windows1251Twice recognises Windows-1251 mojibake on top of Latin-1 mojibake of Windows-1252, after its first letter:
// four more letters, any character of the same line, and a Latin letter or a space.
func windows1251Twice(after string) bool {
	after, found := strings.CutPrefix(after, "ўВЂВ")
	if !found {
		return false
	}
	garbled, size := next(after)
	latin, _ := next(after[size:])
	return garbled >= 0 && garbled != '\n' && (isASCIILetter(latin) || latin == ' ')
}

// badAfter tells whether an unlikely sequence has r as its first character that is neither a letter of ASCII nor
// punctuation nor space; previous and before stand in front of it, -1 where the text begins.
func badAfter(before, previous, r rune, class charClass, after string) bool {
	second, _ := next(after)
	secondClass := charClass(0)
	if second >= 0 {
		secondClass = classOf(second)
	}
	if class&(lowerCommon|upperCommon) != 0 && isASCIILetter(previous) && secondClass&bad != 0 {
		return true
	}
	if class&upperAccented == 0 {
		return false
	}
	if isSpace(previous) && secondClass&currency != 0 || isASCIILower(previous) && secondClass&(startPunct|currency) != 0 {
		return true
	}
	if second == ' ' && (r == 'Ã' || r == 'Â') &&
		(previous < 0 || isASCIILower(previous) || isSpace(previous) && isASCIILower(before)) {
		return true
	}
	// Â in front of a character that it encodes together with exactly that character.
	ends := isASCIILower(previous) || oneOf(previous, ".,?!") || previous >= 0 && classOf(previous)&endPunct != 0
	return r == 'Â' && ends && (second == ' ' || secondClass&(startPunct|endPunct) != 0)
}

// next decodes the first character of s; it is -1 at the end of the text.
func next(s string) (rune, int) {
	if s == "" {
		return -1, 0
	}
	return utf8.DecodeRuneInString(s)
}

func oneOf(r rune, set string) bool {
	return r >= 0 && strings.ContainsRune(set, r)
}

func isASCIILower(r rune) bool { return r >= 'a' && r <= 'z' }

func isASCIILetter(r rune) bool { return isASCIILower(r | 0x20) }

// isWord is Python's \w.
func isWord(r rune) bool {
	return r == '_' || r >= 0 && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// isSpace is Python's \s: White_Space and the four separators of ASCII.
func isSpace(r rune) bool {
	return r >= 0x1C && r <= 0x1F || r >= 0 && unicode.IsSpace(r)
}
