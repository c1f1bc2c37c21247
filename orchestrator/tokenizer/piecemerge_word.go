package tokenizer

import (
	"math"
	"unicode/utf8"
)

// frozen marks the symbol of a user-defined piece: no table has it, so it does not merge.
const frozen int32 = math.MinInt32

// mergeWord appends the ids of word to s.ids.
func (b *pieceMerger) mergeWord(s *scratch, word []byte) {
	m := &s.merge
	m.symbols = m.symbols[:0]
	for i := 0; i < len(word); {
		if symbol, size := longest(&b.userDefined, word[i:]); size > 0 {
			m.symbols = append(m.symbols, symbol|frozen)
			i += size
			continue
		}
		r, size := utf8.DecodeRune(word[i:])
		m.symbols = append(m.symbols, b.charSymbol(r))
		i += size
	}
	var parts map[int32][2]int32
	if b.unused {
		parts = map[int32][2]int32{}
	}
	if !b.ranked || !b.table.mergePasses(m, true) {
		b.mergeMany(m, parts)
	}
	for _, symbol := range m.symbols {
		s.ids = b.appendSymbol(s.ids, symbol, parts)
	}
}

// appendSymbol appends the ids of a symbol. One that is not for use is taken apart into what it was last made of.
func (b *pieceMerger) appendSymbol(ids []int32, symbol int32, parts map[int32][2]int32) []int32 {
	symbol &^= frozen
	if int(symbol) >= len(b.pieces) {
		var char [utf8.UTFMax]byte
		size := utf8.EncodeRune(char[:], symbol-int32(len(b.pieces)))
		return b.appendUnknown(ids, char[:size])
	}
	if b.pieces[symbol].kind == pieceUnused {
		if pair, ok := parts[symbol]; ok {
			return b.appendSymbol(b.appendSymbol(ids, pair[0], parts), pair[1], parts)
		}
	}
	return append(ids, b.ids[symbol])
}

// mergeMany merges m.symbols in place with a heap of the merges that neighbours could make. parts, if not nil, keeps what
// pieces that are not for use were last to be made of.
func (b *pieceMerger) mergeMany(m *mergeScratch, parts map[int32][2]int32) {
	symbols, l := m.symbols, &m.long
	l.start(len(symbols))
	propose := func(left, right int32) {
		if left < 0 || right < 0 {
			return
		}
		rank, merged := b.table.lookup(symbols[left], symbols[right])
		if rank == noRank {
			return
		}
		l.push(uint64(rank)<<32 | uint64(left))
		if parts != nil && b.pieces[merged].kind == pieceUnused {
			parts[merged] = [2]int32{symbols[left], symbols[right]}
		}
	}
	for i := 1; i < len(symbols); i++ {
		propose(int32(i-1), int32(i))
	}
	for len(l.heap) > 0 {
		entry := l.pop()
		place := int32(uint32(entry))
		right := l.next[place]
		if l.merged[place] || right < 0 {
			continue
		}
		rank, merged := b.table.lookup(symbols[place], symbols[right])
		if rank != int32(entry>>32) {
			continue // one of the two has merged with another since
		}
		symbols[place] = merged
		l.merged[right] = true
		after := l.next[right]
		l.next[place] = after
		if after >= 0 {
			l.previous[after] = place
		}
		propose(l.previous[place], place)
		propose(place, after)
	}
	m.symbols = l.left(symbols)
}
