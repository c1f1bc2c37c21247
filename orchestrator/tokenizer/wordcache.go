package tokenizer

import "encoding/binary"

const (
	cacheBits      = 12
	maxCachedBytes = 23
	maxCachedIDs   = 8
)

// wordCache remembers the ids of words, which come again and again in texts. A word takes the slot that its hash names
// and so drives out another, which bounds the memory (256 KiB, taken with the first word). It belongs to one scratch, so
// that nobody waits for a lock.
type wordCache struct {
	slots []cachedWord // none, or 1<<cacheBits of them
}

// cachedWord fills one line of a processor's cache.
type cachedWord struct {
	key    wordKey
	margin float32 // of a unigram's word: by how much its pieces are the best, rounding errors taken off
	count  int32
	ids    [maxCachedIDs]int32 // or pieces, of a unigram's word
}

// wordKey is the bytes of a word, zeros, and in the last byte the word's size. The size is never 0 for a word, so that a
// slot of zeros is a free one.
type wordKey [3]uint64

func keyOf(word []byte) wordKey {
	var b [24]byte
	copy(b[:maxCachedBytes], word)
	b[maxCachedBytes] = byte(len(word))
	return wordKey{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
}

// slot mixes the three parts; the constants are odd and otherwise as random as the digits of the golden ratio, the square
// root of 2 and pi.
func (k wordKey) slot() uint64 {
	return (k[0] ^ k[1]*0xB504F333F9DE6485 ^ k[2]*0x243F6A8885A308D3) * 0x9E3779B97F4A7C15 >> (64 - cacheBits)
}

// find returns the slot of a word that is not empty, and whether the word is there. The slot is nil for a word that is
// too long to be kept.
func (c *wordCache) find(word []byte) (slot *cachedWord, key wordKey, known bool) {
	if len(word) > maxCachedBytes {
		return nil, key, false
	}
	if c.slots == nil {
		c.slots = make([]cachedWord, 1<<cacheBits)
	}
	key = keyOf(word)
	slot = &c.slots[key.slot()]
	return slot, key, slot.key == key
}

// keep puts the ids of a word into its slot, if there is one and they fit, and tells whether it did.
func (s *cachedWord) keep(key wordKey, ids []int32) bool {
	if s == nil || len(ids) > maxCachedIDs || len(ids) == 0 {
		return false
	}
	s.key, s.count = key, int32(copy(s.ids[:], ids))
	return true
}

func (s *cachedWord) appendTo(ids []int32) []int32 {
	if s.count == 1 {
		return append(ids, s.ids[0])
	}
	return append(ids, s.ids[:s.count]...)
}
