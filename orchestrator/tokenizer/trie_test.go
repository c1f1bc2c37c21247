package tokenizer

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// Sets of strings at random over few letters and over all bytes, against a map.
func TestTrieIsAMap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	for range 40 {
		letters := []int{2, 3, 30, 256}[random.IntN(4)]
		set := map[string]int32{}
		text := func() string {
			b := make([]byte, 1+random.IntN(8))
			for i := range b {
				b[i] = byte(random.IntN(letters) * 255 / (letters - 1))
			}
			return string(b)
		}
		for range random.IntN(2000) {
			set[text()] = random.Int32()
		}
		keys := slices.Sorted(maps.Keys(set))
		values := make([]int32, len(keys))
		for i, key := range keys {
			values[i] = set[key]
		}
		trie := newTrie(keys, values)
		for range 2000 {
			text := text()
			wantSize := 0
			for size := 1; size <= len(text); size++ {
				if _, ok := set[text[:size]]; ok {
					wantSize = size
				}
			}
			if value, size := longest(&trie, text); size != wantSize || size > 0 && value != set[text[:size]] {
				t.Fatalf("%q: %d bytes with %d, want %d with %d", text, size, value, wantSize, set[text[:wantSize]])
			}
		}
	}
}
