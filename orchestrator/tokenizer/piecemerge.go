package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// pieceMerger is SentencePiece's byte-pair encoding: of all neighbours that together are a piece, those with the greatest
// score merge first, the first of them in the text among equals, until no neighbours are a piece.
//
// A symbol is the number of its piece in the file, or for a character that is no piece, the number of pieces plus the
// code point.
type pieceMerger struct {
	*SentencePiece
	table  mergeTable
	pieces []piece
	ids    []int32
	ascii  [utf8.RuneSelf]int32
	chars  map[rune]int32 // the pieces of one character beyond ASCII
	// ranked tells that no two pieces have the same score and none is unused: then all merges of one rank can be made in
	// one pass.
	ranked bool
	// words tells that no piece reaches from a word to the next, so that each can be looked at alone.
	words bool
	// unused tells that there are pieces that only help others to be made and are taken apart again in the end.
	unused bool
}

func newPieceMerger(m *spModel, t *SentencePiece, ids []int32) *pieceMerger {
	b := &pieceMerger{SentencePiece: t, pieces: m.pieces, ids: ids, chars: map[rune]int32{}, words: true}
	for c := range b.ascii {
		b.ascii[c] = int32(len(m.pieces) + c)
	}
	var made []int32 // the pieces that merges can make
	for i, p := range m.pieces {
		if r, size := utf8.DecodeRuneInString(p.text); size == len(p.text) {
			if r < utf8.RuneSelf {
				b.ascii[r] = int32(i)
			} else {
				b.chars[r] = int32(i)
			}
			continue
		}
		if p.kind.isText() {
			b.words = b.words && !reachesOn(p.text)
		}
		if p.kind == pieceNormal || p.kind == pieceUnused {
			made = append(made, int32(i))
			b.unused = b.unused || p.kind == pieceUnused
		}
	}
	b.words = b.words && !b.unused // pieces are taken apart as they were last put together, in any word
	slices.SortStableFunc(made, func(x, y int32) int { return cmp.Compare(m.pieces[y].score, m.pieces[x].score) })
	b.ranked = b.addMerges(m, made) && !b.unused
	return b
}

// reachesOn tells whether a piece has a space behind something else than a space.
func reachesOn(text string) bool {
	return strings.Contains(strings.TrimLeft(text, spaceSymbol), spaceSymbol)
}

// addMerges adds every way to put a piece together of two symbols. Pieces come in the order in which they are made;
// pieces of equal score have the same rank, and whether there are none is told.
func (b *pieceMerger) addMerges(m *spModel, made []int32) (distinct bool) {
	type merge struct{ left, right, rank, whole int32 }
	var merges []merge
	rank := int32(0)
	for i, whole := range made {
		p := m.pieces[whole]
		if i > 0 && p.score != m.pieces[made[i-1]].score {
			rank++
		}
		for cut := range p.text {
			if cut == 0 {
				continue
			}
			left, ok := b.symbol(m, p.text[:cut])
			if !ok {
				continue
			}
			if right, ok := b.symbol(m, p.text[cut:]); ok {
				merges = append(merges, merge{left, right, rank, whole})
			}
		}
	}
	b.table.reserve(len(merges))
	for _, g := range merges {
		b.table.insert(g.left, g.right, g.rank, g.whole)
	}
	return int(rank)+1 >= len(made)
}

// symbol returns the symbol of a part of a piece, if it can be one: a character, or a piece that merges make.
func (b *pieceMerger) symbol(m *spModel, text string) (int32, bool) {
	if r, size := utf8.DecodeRuneInString(text); size == len(text) {
		symbol := b.charSymbol(r)
		return symbol, int(symbol) >= len(b.pieces) || b.pieces[symbol].kind != pieceUserDefined
	}
	piece, ok := m.byText[text]
	return piece, ok && (b.pieces[piece].kind == pieceNormal || b.pieces[piece].kind == pieceUnused)
}

func (b *pieceMerger) charSymbol(r rune) int32 {
	if r < utf8.RuneSelf {
		return b.ascii[r]
	}
	if symbol, ok := b.chars[r]; ok {
		return symbol
	}
	return int32(len(b.pieces)) + r
}

// segment goes through the text word by word, if words do not depend on each other.
func (b *pieceMerger) segment(s *scratch) {
	for text := s.text; len(text) > 0; {
		size := len(text)
		if b.words {
			size = wordSize(text)
		}
		b.appendWord(s, text[:size])
		text = text[size:]
	}
}

// wordSize returns the size of the word at the start of text: the spaces it begins with and what follows up to the next.
func wordSize(text []byte) int {
	inside := false
	for i := 0; i < len(text); i++ {
		if text[i] != spaceLead || i+len(spaceSymbol) > len(text) || string(text[i:i+len(spaceSymbol)]) != spaceSymbol {
			inside = true
			continue
		}
		if inside {
			return i
		}
		i += len(spaceSymbol) - 1
	}
	return len(text)
}

func (b *pieceMerger) appendWord(s *scratch, word []byte) {
	slot, key, known := s.words.find(word)
	if known {
		s.ids = b.appendJoined(s.ids, slot.ids[:slot.count])
		return
	}
	// The word's ids alone, as other words may have it: what stands before must not swallow its first unknown character.
	outer := s.ids
	s.ids = s.merge.ids[:0]
	b.mergeWord(s, word)
	s.merge.ids = s.ids
	s.ids = b.appendJoined(outer, s.merge.ids)
	slot.keep(key, s.merge.ids)
}

// appendJoined appends the ids of a word; a row of unknown characters that began before it goes on.
func (b *pieceMerger) appendJoined(ids, word []int32) []int32 {
	if len(ids) > 0 && len(word) > 0 && b.fallback == nil && word[0] == b.unknown && ids[len(ids)-1] == b.unknown {
		word = word[1:]
	}
	return append(ids, word...)
}
