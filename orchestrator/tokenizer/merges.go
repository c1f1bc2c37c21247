package tokenizer

import (
	"errors"
	"io"
	"strings"

	"clipseek/orchestrator/fault"
)

const (
	// byteSymbols is the number of symbols before the merges: each byte within a word, and each at its end.
	byteSymbols = 512
	maxMerges   = 1 << 20
	wordEnd     = "</w>"
	headerMark  = "#version:"
)

// ReadCLIP reads a merge table in the layout of openai/CLIP, plain or gzip, and makes the tokenizer of a model that takes
// context tokens. The first line is a header with "#version:" in it; every other line is a merge: two symbols with one
// space between, in the order in which they were learned, written in the reference's printable form of bytes, with
// "</w>" behind the last symbol of a word.
//
// Ids count the 256 bytes in that form's order, the same at the end of a word, the merges, the start token, the end token.
//
// Errors are Invalid, and name the line where there is one. The reader is read to its end, or as far as WithMerges needs.
func ReadCLIP(merges io.Reader, context int, opts ...Option) (*CLIP, error) {
	o := optionsOf(opts)
	if o.merges < 0 || o.merges > maxMerges {
		return nil, fault.Invalid("%d merges are asked for; there can be 0 (all there are) to %d", o.merges, maxMerges)
	}
	text, err := newLines("merge table", merges)
	if err != nil {
		return nil, err
	}
	pairs, err := readPairs(text, o.merges)
	if err != nil {
		return nil, err
	}
	table, err := newMergeTable(pairs)
	if err != nil {
		return nil, err
	}
	return newCLIP(table, context, o.special)
}

// pair is one line of the table.
type pair struct{ left, right string }

// readPairs reads up to limit merges; a limit of 0 is all.
func readPairs(text *lines, limit int) ([]pair, error) {
	pairs := make([]pair, 0, limit)
	for limit == 0 || len(pairs) < limit {
		line, err := text.next()
		if errors.Is(err, io.EOF) {
			if text.number == 1 {
				return nil, fault.Invalid("the merge table is empty; it must start with a line that has %q in it", headerMark)
			}
			if len(pairs) < limit {
				return nil, fault.Invalid("the merge table has %d merges where %d are wanted; it may have been cut off", len(pairs), limit)
			}
			break
		}
		if err != nil {
			return nil, err
		}
		if text.number == 1 {
			if !strings.Contains(line, headerMark) {
				return nil, text.invalid("the header is missing; the first line must have %q in it", headerMark)
			}
			continue
		}
		left, right, found := strings.Cut(line, " ")
		if !found || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, text.invalid("%.80q is not two symbols with one space between", line)
		}
		if len(pairs) == maxMerges {
			return nil, text.invalid("it is over the limit of %d merges", maxMerges)
		}
		pairs = append(pairs, pair{left, right})
	}
	return pairs, nil
}

// newMergeTable gives the symbols their ids and indexes the merges.
func newMergeTable(pairs []pair) (mergeTable, error) {
	symbols := make(map[string]int32, byteSymbols+len(pairs))
	made := make(map[string]bool, byteSymbols+len(pairs)) // by the lines before the one that is looked at
	order := byteOrder()
	for id, b := range order {
		symbol := string(printable(b))
		symbols[symbol] = int32(id)
		symbols[symbol+wordEnd] = int32(id + len(order))
		made[symbol], made[symbol+wordEnd] = true, true
	}
	// If two merges make the same symbol, its id is the later one's in every place.
	for i, p := range pairs {
		symbols[p.left+p.right] = int32(byteSymbols + i)
	}
	var t mergeTable
	for _, b := range order {
		symbol := string(printable(b))
		t.inner[b], t.final[b] = symbols[symbol], symbols[symbol+wordEnd]
	}
	t.reserve(len(pairs))
	for i, p := range pairs {
		line := i + 2
		for _, part := range [...]string{p.left, p.right} {
			if !made[part] {
				return t, fault.Invalid("merge table, line %d: no line before it makes the symbol %.80q", line, part)
			}
		}
		whole := p.left + p.right
		if !t.insert(symbols[p.left], symbols[p.right], int32(i), symbols[whole]) {
			return t, fault.Invalid("merge table, line %d: the same merge is there before", line)
		}
		made[whole] = true
	}
	t.size = int32(byteSymbols + len(pairs))
	return t, nil
}

// byteOrder lists the bytes in the order of their ids: those that are printable in Latin-1, then the others.
func byteOrder() []byte {
	order := make([]byte, 0, 256)
	for _, wanted := range [...]bool{true, false} {
		for b := range 256 {
			if isPrintable(byte(b)) == wanted {
				order = append(order, byte(b))
			}
		}
	}
	return order
}

func isPrintable(b byte) bool {
	return b >= '!' && b <= '~' || b >= 0xA1 && b != 0xAD
}

// printable is the character that a merge table writes for a byte: its own in Latin-1, or one from U+0100 on for those
// that have none to be seen.
func printable(b byte) rune {
	if isPrintable(b) {
		return rune(b)
	}
	hidden := rune(0)
	for other := range b {
		if !isPrintable(other) {
			hidden++
		}
	}
	return 0x100 + hidden
}
