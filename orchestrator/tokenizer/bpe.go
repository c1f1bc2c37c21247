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

var noMerge = pending{rank: noRank}

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) + 1 }

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

// maxPasses is how often all neighbours of a word are looked at, each time for all merges of one rank. That is quicker than
// a heap for words as people write them, and for long ones that repeat themselves; but quadratic for others.
const maxPasses = 32

// mergeScratch is the memory for merging one word.
type mergeScratch struct {
	symbols []int32
	merges  []pending // of each symbol with the one after it
	ids     []int32
	long    longScratch
}

func (m *mergeScratch) bytes() int {
	return 4*(cap(m.symbols)+cap(m.ids)) + 8*cap(m.merges) + m.long.bytes()
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
	if !t.mergePasses(m, false) {
		t.mergeLong(m)
	}
	return append(ids, m.symbols...)
}

// mergePasses merges m.symbols in place and tells whether it came to the end; if not, maxPasses was too few. With yield a
// pass ends where its merge makes neighbours that go before it.
func (t *mergeTable) mergePasses(m *mergeScratch, yield bool) bool {
	symbols := m.symbols
	merges := m.merges[:0]
	for i := 1; i < len(symbols); i++ {
		rank, merged := t.lookup(symbols[i-1], symbols[i])
		merges = append(merges, pending{rank, merged})
	}
	m.merges = merges
	for range maxPasses {
		best := noRank
		for _, p := range merges {
			best = min(best, p.rank)
		}
		if best == noRank {
			m.symbols = symbols
			return true
		}
		kept := t.mergePass(symbols, merges, best, yield)
		symbols, merges = symbols[:kept], merges[:kept-1]
	}
	m.symbols = symbols
	return false
}

// mergePass makes the merges of the rank best from left to right and returns how many symbols are left.
func (t *mergeTable) mergePass(symbols []int32, merges []pending, best int32, yield bool) (kept int) {
	goOn := true
	for i := 0; i < len(symbols); i++ {
		symbol := symbols[i]
		next := noMerge // of symbol with what follows it
		if i < len(merges) {
			next = merges[i]
		}
		made := goOn && next.rank == best
		if made {
			symbol = next.merged
			next = noMerge
			if i++; i < len(merges) {
				next.rank, next.merged = t.lookup(symbol, symbols[i+1])
			}
		}
		if made && kept > 0 {
			rank, merged := t.lookup(symbols[kept-1], symbol)
			merges[kept-1] = pending{rank, merged}
			goOn = !yield || rank > best
		}
		if made && yield && next.rank < best {
			goOn = false
		}
		symbols[kept] = symbol
		if i < len(merges) {
			merges[kept] = next
		}
		kept++
	}
	return kept
}
