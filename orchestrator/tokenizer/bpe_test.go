package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// oracle merges as the reference does, on strings: all places of the merge that comes first in the table, from left to
// right, until no neighbours have one.
func oracle(merges []pair, word string) []string {
	symbols := strings.Split(word, "")
	symbols[len(symbols)-1] += wordEnd
	for {
		best := len(merges)
		for i := 1; i < len(symbols); i++ {
			if rank := slices.Index(merges, pair{symbols[i-1], symbols[i]}); rank >= 0 {
				best = min(best, rank)
			}
		}
		if best == len(merges) {
			return symbols
		}
		var merged []string
		for i := 0; i < len(symbols); i++ {
			if i+1 < len(symbols) && (pair{symbols[i], symbols[i+1]}) == merges[best] {
				merged = append(merged, symbols[i]+symbols[i+1])
				i++
			} else {
				merged = append(merged, symbols[i])
			}
		}
		symbols = merged
	}
}

// Tables made at random have what learned ones rarely have: merges that come before those that make their parts more
// often, and several ways to one symbol. Order within a word matters most there.
func TestMergesAreTheOracles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			merges := randomMerges(random)
			table, err := newMergeTable(merges)
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				size := 1 + random.IntN(30)
				if random.IntN(4) == 0 {
					size = 48 + random.IntN(200)
				}
				var b strings.Builder
				for range size {
					b.WriteByte("abc"[random.IntN(3)])
				}
				compareWithOracle(t, &table, merges, b.String())
			}
		})
	}
}

func randomMerges(random *rand.Rand) []pair {
	symbols := []string{"a", "b", "c", "a</w>", "b</w>", "c</w>"}
	var merges []pair
	for len(merges) < 40 {
		left, right := symbols[random.IntN(len(symbols))], symbols[random.IntN(len(symbols))]
		p := pair{left, right}
		if strings.HasSuffix(left, wordEnd) || slices.Contains(merges, p) {
			continue
		}
		merges = append(merges, p)
		symbols = append(symbols, left+right)
	}
	return merges
}

func compareWithOracle(t *testing.T, table *mergeTable, merges []pair, word string) {
	t.Helper()
	left := oracle(merges, word)
	want := make([]int32, len(left))
	for i, symbol := range left {
		want[i] = idOf(merges, symbol)
	}
	if got := table.appendIDs(nil, []byte(word), new(mergeScratch)); !slices.Equal(got, want) {
		t.Errorf("%s is %v, want %v", word, got, want)
	}
	// Words that passes get done with are right with the heap alone, too.
	var m mergeScratch
	for i := range len(word) - 1 {
		m.symbols = append(m.symbols, table.inner[word[i]])
	}
	m.symbols = append(m.symbols, table.final[word[len(word)-1]])
	if table.mergeLong(&m); !slices.Equal(m.symbols, want) {
		t.Errorf("%s with a heap is %v, want %v", word, m.symbols, want)
	}
}

// idOf is the id of a symbol by the reference's rule: its place in the vocabulary, the last one if it has several.
func idOf(merges []pair, symbol string) int32 {
	for i := len(merges) - 1; i >= 0; i-- {
		if merges[i].left+merges[i].right == symbol {
			return int32(byteSymbols + i)
		}
	}
	letter, final := strings.CutSuffix(symbol, wordEnd)
	id := int32(letter[0] - '!') // the printable bytes come first
	if final {
		id += byteSymbols / 2
	}
	return id
}

func TestBytesHaveTheReferencesCharacters(t *testing.T) {
	t.Parallel()
	seen := map[rune]bool{}
	for b := range 256 {
		seen[printable(byte(b))] = true
	}
	if len(seen) != 256 {
		t.Errorf("256 bytes have %d characters", len(seen))
	}
	for b, want := range map[byte]rune{0: 'Ā', ' ': 'Ġ', '!': '!', '~': '~', 0x7F: 'ġ', 0xA0: 'ł', 0xA1: '¡', 0xAD: 'Ń', 0xFF: 'ÿ'} {
		if got := printable(b); got != want {
			t.Errorf("byte %#x is written %c, want %c", b, got, want)
		}
	}
}
