package tokenizer

// longScratch is the memory for merging a long word: its symbols as a linked list and a heap of the merges that its
// neighbours could make. A merge costs logarithmic time, so that no word, however long, holds a processor up.
type longScratch struct {
	next, previous []int32  // places in the word; -1 is none
	merged         []bool   // into the symbol before
	heap           []uint64 // rank << 32 | place of the left symbol; the least on top
	batch          []int32
}

func (l *longScratch) bytes() int {
	return 4*(cap(l.next)+cap(l.previous)+cap(l.batch)) + cap(l.merged) + 8*cap(l.heap)
}

// mergeLong merges m.symbols in place. The order is that of appendIDs: all merges of one rank are made before any that
// they give rise to is looked at.
func (t *mergeTable) mergeLong(m *mergeScratch) {
	symbols, l := m.symbols, &m.long
	l.start(len(symbols))
	for i := range len(symbols) - 1 {
		t.propose(symbols, int32(i), int32(i+1), l)
	}
	for len(l.heap) > 0 {
		rank := int32(l.heap[0] >> 32)
		l.batch = l.batch[:0]
		for len(l.heap) > 0 && int32(l.heap[0]>>32) == rank {
			l.batch = append(l.batch, int32(uint32(l.pop())))
		}
		for _, place := range l.batch {
			t.mergeAt(symbols, place, rank, l)
		}
	}
	m.symbols = l.left(symbols)
}

// left moves the symbols that are left to the start of symbols.
func (l *longScratch) left(symbols []int32) []int32 {
	kept := symbols[:0]
	for place := int32(0); place >= 0; place = l.next[place] {
		kept = append(kept, symbols[place])
	}
	return kept
}

// mergeAt makes the merge of the given rank at place, unless an earlier one has taken one of its symbols.
func (t *mergeTable) mergeAt(symbols []int32, place, rank int32, l *longScratch) {
	right := l.next[place]
	if l.merged[place] || right < 0 {
		return
	}
	now, merged := t.lookup(symbols[place], symbols[right])
	if now != rank {
		return
	}
	symbols[place], l.merged[right] = merged, true
	after := l.next[right]
	l.next[place] = after
	if after >= 0 {
		l.previous[after] = place
		t.propose(symbols, place, after, l)
	}
	if before := l.previous[place]; before >= 0 {
		t.propose(symbols, before, place, l)
	}
}

// propose puts the merge of two neighbours on the heap, if they have one.
func (t *mergeTable) propose(symbols []int32, left, right int32, l *longScratch) {
	if rank, _ := t.lookup(symbols[left], symbols[right]); rank != noRank {
		l.push(uint64(rank)<<32 | uint64(left))
	}
}

func (l *longScratch) start(symbols int) {
	l.next, l.previous, l.merged, l.heap = l.next[:0], l.previous[:0], l.merged[:0], l.heap[:0]
	for i := range symbols {
		l.next = append(l.next, int32(i+1))
		l.previous = append(l.previous, int32(i-1))
		l.merged = append(l.merged, false)
	}
	l.next[symbols-1] = -1
}

func (l *longScratch) push(entry uint64) {
	l.heap = append(l.heap, entry)
	i := len(l.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if l.heap[parent] <= entry {
			break
		}
		l.heap[i] = l.heap[parent]
		i = parent
	}
	l.heap[i] = entry
}

func (l *longScratch) pop() uint64 {
	top := l.heap[0]
	last := len(l.heap) - 1
	entry := l.heap[last]
	l.heap = l.heap[:last]
	i := 0
	for {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && l.heap[child+1] < l.heap[child] {
			child++
		}
		if entry <= l.heap[child] {
			break
		}
		l.heap[i] = l.heap[child]
		i = child
	}
	if last > 0 {
		l.heap[i] = entry
	}
	return top
}
