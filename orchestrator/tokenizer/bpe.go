package tokenizer

import (
	"math"
	"math/bits"
)

// mergeTable holds the symbols and merges of a byte-level BPE. A symbol is known by its id.
type mergeTable struct {
	inner [256]int32 // the symbol of each byte within a word
	final [256]int32 // the symbol of each byte at the end of a word
	size  int32      // the number of symbols

	// An open-addressing hash table, at most half full, from two neighbouring symbols to what they merge into.
	slots []slot
	shift uint8
}

type slot struct {
	key    uint64 // left symbol << 32 | right symbol, plus 1: 0 is a free slot
	rank   int32  // the place of the merge among all; lower goes first
	merged int32
}

// noRank is the rank of neighbours that do not merge.
const noRank int32 = math.MaxInt32

func pairKey(left, right int32) uint64 { return uint64(left)<<32 | uint64(right) + 1 }

// home is the slot where the search for key starts: Fibonacci hashing, 2^64 divided by the golden ratio.
func (t *mergeTable) home(key uint64) uint64 { return key * 0x9E3779B97F4A7C15 >> t.shift }

func (t *mergeTable) reserve(merges int) {
	width := bits.Len(uint(2*merges)) + 1
	t.slots = make([]slot, 1<<width)
	t.shift = uint8(64 - width)
}

// insert adds a merge; false means that its symbols have one already.
func (t *mergeTable) insert(left, right, rank, merged int32) bool {
	key := pairKey(left, right)
	for i := t.home(key); ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch t.slots[i].key {
		case key:
			return false
		case 0:
			t.slots[i] = slot{key, rank, merged}
			return true
		}
	}
}

// lookup returns what two neighbours merge into and when; the rank is noRank where they do not.
func (t *mergeTable) lookup(left, right int32) (rank, merged int32) {
	key := pairKey(left, right)
	for i := t.home(key); ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch s := &t.slots[i]; s.key {
		case key:
			return s.rank, s.merged
		case 0:
			return noRank, 0
		}
	}
}

// shortWord is the greatest size in bytes of words that are merged by scanning all neighbours for each merge. That is
// quadratic, but quicker than a heap for words as people write them.
const shortWord = 48

// mergeScratch is the memory for merging one word.
type mergeScratch struct {
	symbols []int32
	merges  []pending // of each symbol with the one after it
	long    longScratch
}

func (m *mergeScratch) bytes() int {
	return 4*cap(m.symbols) + 8*cap(m.merges) + m.long.bytes()
}

// pending is a merge that could be made.
type pending struct{ rank, merged int32 }

// appendIDs appends the ids of word, which is not empty, to ids.
//
// As the reference does, it takes the merge of the lowest rank that any neighbours have, makes it everywhere in the word
// from left to right, and starts over until there is none.
func (t *mergeTable) appendIDs(ids []int32, word []byte, m *mergeScratch) []int32 {
	m.symbols = m.symbols[:0]
	for _, b := range word[:len(word)-1] {
		m.symbols = append(m.symbols, t.inner[b])
	}
	m.symbols = append(m.symbols, t.final[word[len(word)-1]])
	if len(word) > shortWord {
		return t.mergeLong(ids, m.symbols, &m.long)
	}
	return append(ids, t.mergeShort(m)...)
}

// mergeShort merges m.symbols in place and returns what is left of them.
func (t *mergeTable) mergeShort(m *mergeScratch) []int32 {
	symbols := m.symbols
	merges := m.merges[:0]
	for i := 1; i < len(symbols); i++ {
		rank, merged := t.lookup(symbols[i-1], symbols[i])
		merges = append(merges, pending{rank, merged})
	}
	m.merges = merges
	for {
		best := noRank
		for _, p := range merges {
			best = min(best, p.rank)
		}
		if best == noRank {
			return symbols
		}
		kept := 0
		for i := 0; i < len(symbols); i++ {
			symbol := symbols[i]
			again := false
			if i < len(merges) && merges[i].rank == best {
				symbol = merges[i].merged
				again = true
				i++
			}
			symbols[kept] = symbol
			// The neighbours on both sides are new ones for a symbol that was just made.
			if kept > 0 && (again || merges[kept-1].merged < 0) {
				rank, merged := t.lookup(symbols[kept-1], symbol)
				merges[kept-1] = pending{rank, merged}
			}
			if i < len(merges) {
				merges[kept] = merges[i]
				if again {
					merges[kept].merged = -1
				}
			}
			kept++
		}
		symbols = symbols[:kept]
		merges = merges[:kept-1]
	}
}
