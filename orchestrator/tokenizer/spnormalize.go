package tokenizer

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// spaceSymbol is how SentencePiece writes a space: U+2581.
const (
	spaceSymbol = "\u2581"
	spaceLead   = 0xE2 // its first byte
)

// spNormalizer is SentencePiece's normalizer: rules that replace characters and sequences of them by others, and rules for
// spaces.
type spNormalizer struct {
	rules        charsMap
	userDefined  trie      // symbols that pass as they are
	ascii        [128]byte // what an ASCII character becomes if another or the end follows; slowByte if that takes a search
	plainSpace   bool      // a space stays one, whatever follows
	addSpace     bool
	removeSpaces bool
	spaceBehind  bool
	space        string
}

const slowByte = 0xFF

func newSPNormalizer(m *spModel, userDefined trie) (*spNormalizer, error) {
	rules, err := newCharsMap(m.charsMap)
	if err != nil {
		return nil, err
	}
	n := &spNormalizer{
		rules: rules, userDefined: userDefined,
		addSpace: m.addSpace, removeSpaces: m.removeSpaces, spaceBehind: m.spaceBehind, space: " ",
	}
	if m.escapeSpaces {
		n.space = spaceSymbol
	}
	for c := range n.ascii {
		n.ascii[c] = n.alone(byte(c))
	}
	const space = " "
	n.plainSpace = !hasPath(&userDefined, space) && !rules.hasPath(space)
	return n, nil
}

// alone returns what a character becomes, or slowByte where that depends on the ASCII characters that follow, or is not
// one character of ASCII or is a space.
func (n *spNormalizer) alone(c byte) byte {
	for next := range byte(utf8.RuneSelf) {
		pair := string([]byte{c, next})
		if _, size := longest(&n.userDefined, pair[:1]); size > 0 || hasPath(&n.userDefined, pair) || n.rules.hasPath(pair) {
			return slowByte
		}
	}
	into, size := n.rules.longest(string([]byte{c}))
	switch {
	case size == 0 && c != ' ':
		return c
	case len(into) == 1 && into[0] < utf8.RuneSelf && into != " ":
		return into[0]
	}
	return slowByte
}

// hasPath tells whether a string of the trie begins with text.
func hasPath(t *trie, text string) bool {
	if len(t.nodes) == 0 {
		return false
	}
	node := root
	for i := 0; i < len(text) && node != freeNode; i++ {
		node = t.step(node, text[i])
	}
	return node != freeNode
}

// append appends text, normalized, to dst, which the rules for spaces do not look at.
func (n *spNormalizer) append(dst []byte, text string) []byte {
	if n.removeSpaces {
		for text != "" {
			into, size := n.prefix(text)
			if into != " " {
				break
			}
			text = text[size:]
		}
	}
	if text == "" {
		return dst
	}
	before := len(dst)
	if n.addSpace && !n.spaceBehind {
		dst = append(dst, n.space...)
	}
	afterSpace := n.removeSpaces
	for i := 0; i < len(text); {
		if size := n.asciiRun(text[i:]); size > 0 {
			for _, c := range []byte(text[i : i+size]) {
				dst = append(dst, n.ascii[c])
			}
			afterSpace = false
			i += size
			continue
		}
		if text[i] == ' ' && n.plainSpace {
			if !afterSpace {
				dst = append(dst, n.space...)
				afterSpace = n.removeSpaces
			}
			i++
			continue
		}
		into, size := n.prefix(text[i:])
		i += size
		if afterSpace {
			into = strings.TrimLeft(into, " ")
		}
		if into != "" {
			dst = n.appendEscaped(dst, into)
			afterSpace = n.removeSpaces && into[len(into)-1] == ' '
		}
	}
	if n.removeSpaces {
		for bytes.HasSuffix(dst[before:], []byte(n.space)) {
			dst = dst[:len(dst)-len(n.space)]
		}
	}
	if n.addSpace && n.spaceBehind {
		dst = append(dst, n.space...)
	}
	return dst
}

// asciiRun returns how many bytes at the start of text are ASCII characters that ascii speaks for, none of them to be a
// space.
func (n *spNormalizer) asciiRun(text string) int {
	size := 0
	for size < len(text) && text[size] < utf8.RuneSelf && n.ascii[text[size]] != slowByte {
		size++
	}
	if size > 0 && size < len(text) && text[size] >= utf8.RuneSelf {
		size--
	}
	return size
}

func (n *spNormalizer) appendEscaped(dst []byte, text string) []byte {
	for {
		space := strings.IndexByte(text, ' ')
		if space < 0 {
			return append(dst, text...)
		}
		dst = append(append(dst, text[:space]...), n.space...)
		text = text[space+1:]
	}
}

// prefix returns what the first characters of text become, and their size.
func (n *spNormalizer) prefix(text string) (into string, size int) {
	if _, size := longest(&n.userDefined, text); size > 0 {
		return text[:size], size
	}
	if into, size := n.rules.longest(text); size > 0 {
		return into, size
	}
	_, size = utf8.DecodeRuneInString(text)
	return text[:size], size
}

// charsMap is SentencePiece's precompiled_charsmap: the size of a double array in bytes, the array (in the layout of
// darts-clone, little endian), and the texts that its values point into, each with a zero byte behind it.
type charsMap struct {
	units []uint32
	texts string
}

func newCharsMap(blob []byte) (charsMap, error) {
	if len(blob) == 0 {
		return charsMap{}, nil
	}
	damaged := fault.Invalid("the normalization rules of the SentencePiece model are damaged; fetch or copy the model again")
	if len(blob) < 4 {
		return charsMap{}, damaged
	}
	size := int64(binary.LittleEndian.Uint32(blob))
	blob = blob[4:]
	if size == 0 || size%4 != 0 || size >= int64(len(blob)) || blob[len(blob)-1] != 0 {
		return charsMap{}, damaged
	}
	units := make([]uint32, size/4)
	for i := range units {
		units[i] = binary.LittleEndian.Uint32(blob[4*i:])
	}
	texts := string(blob[size:])
	if !utf8.ValidString(texts) {
		return charsMap{}, damaged
	}
	for _, unit := range units {
		if value, ok := unitValue(unit); ok && (value >= len(texts) || value > 0 && texts[value-1] != 0) {
			return charsMap{}, damaged
		}
	}
	return charsMap{units, texts}, nil
}

// unitLabel is the byte that leads to a unit; units that hold a value have none.
func unitLabel(unit uint32) uint32 { return unit & (isValue | 0xFF) }

// unitEnds tells whether a string ends at a unit; the value is then with its child for no byte.
func unitEnds(unit uint32) bool { return unit>>8&1 != 0 }

// unitOffset says where the children of a unit are.
func unitOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// unitValue is where in the texts the value of a unit begins, if it holds one.
func unitValue(unit uint32) (int, bool) { return int(unit &^ isValue), unit&isValue != 0 }

const isValue = 1 << 31

// step returns the place of the child of the unit at place for a byte.
func (m *charsMap) step(place uint32, label byte) (child uint32, ok bool) {
	child = place ^ unitOffset(m.units[place]) ^ uint32(label)
	if int64(child) >= int64(len(m.units)) || unitLabel(m.units[child]) != uint32(label) {
		return 0, false
	}
	return child, true
}

func (m *charsMap) hasPath(text string) bool {
	if len(m.units) == 0 {
		return false
	}
	place, ok := uint32(0), true
	for i := 0; i < len(text) && ok; i++ {
		place, ok = m.step(place, text[i])
	}
	return ok
}

// longest applies the rule for the longest sequence that text starts with; a size of 0 is none.
func (m *charsMap) longest(text string) (into string, size int) {
	if len(m.units) == 0 {
		return "", 0
	}
	place := uint32(0)
	for i := 0; i < len(text); i++ {
		child, ok := m.step(place, text[i])
		if !ok {
			break
		}
		place = child
		if unit := m.units[place]; unitEnds(unit) {
			if end := place ^ unitOffset(unit); int64(end) < int64(len(m.units)) {
				if value, ok := unitValue(m.units[end]); ok {
					into, size = m.texts[value:], i+1
				}
			}
		}
	}
	if size == 0 {
		return "", 0
	}
	return into[:strings.IndexByte(into, 0)], size
}
