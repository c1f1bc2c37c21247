package tokenizer

// trie is a set of byte strings with a value each, as a double array: the child of node n for byte b is node
// nodes[n].base+b if that one's parent is n, so that each step costs one look into memory. Node 0 is the root. The zero
// trie is empty.
type trie struct{ nodes []trieNode }

type trieNode struct {
	base   int32
	parent int32 // freeNode where the place is not taken
	value  int32 // noValue where no string ends here
}

const (
	freeNode int32 = -1
	noParent int32 = -2
	noValue  int32 = -1
	root     int32 = 0
)

// newTrie takes distinct strings, none of them empty, in ascending order, and their values, which are not negative. It
// keeps at most some 12 bytes for each byte of the strings.
func newTrie(keys []string, values []int32) trie {
	if len(keys) == 0 {
		return trie{}
	}
	b := trieBuilder{keys: keys, values: values, next: 1}
	b.grow(256)
	b.nodes[root].parent = noParent
	b.place(root, 0, len(keys), 0)
	return trie{b.nodes}
}

type trieBuilder struct {
	nodes  []trieNode
	keys   []string
	values []int32
	edges  []trieEdge // of the nodes from the root to the one that is being placed
	next   int        // where the search for free places starts: most before it are taken
}

// trieEdge leads to a child: keys with the label at the parent's depth begin at first.
type trieEdge struct {
	label byte
	first int32
}

// grow makes at least n places.
func (b *trieBuilder) grow(n int) {
	for len(b.nodes) < n {
		b.nodes = append(b.nodes, trieNode{parent: freeNode, value: noValue})
	}
}

// place gives the node that keys[first:end] share, depth bytes deep, its value and its children.
func (b *trieBuilder) place(node int32, first, end, depth int) {
	if len(b.keys[first]) == depth {
		b.nodes[node].value = b.values[first]
		first++
	}
	if first == end {
		return
	}
	above := len(b.edges)
	for i := first; i < end; i++ {
		if label := b.keys[i][depth]; i == first || b.edges[len(b.edges)-1].label != label {
			b.edges = append(b.edges, trieEdge{label, int32(i)})
		}
	}
	edges := b.edges[above:]
	base := b.room(edges)
	b.nodes[node].base = int32(base)
	for _, edge := range edges {
		b.nodes[base+int(edge.label)].parent = node
	}
	for i, edge := range edges {
		last := end
		if i+1 < len(edges) {
			last = int(edges[i+1].first)
		}
		b.place(int32(base+int(edge.label)), int(edge.first), last, depth+1)
	}
	b.edges = b.edges[:above]
}

// maxSearch is how many places a search may look at in vain before those after it leave them alone.
const maxSearch = 256

// room finds a base with which all labels have free places. Places that a long search had to pass over are not looked at
// again, which costs a little memory and bounds the time.
func (b *trieBuilder) room(edges []trieEdge) int {
	lowest := int(edges[0].label)
	start := max(b.next, lowest+1)
	for at := start; ; at++ {
		b.grow(at - lowest + 512)
		if base := at - lowest; b.fits(base, edges) {
			if at-start > maxSearch {
				b.next = at
			}
			return base
		}
	}
}

func (b *trieBuilder) fits(base int, edges []trieEdge) bool {
	for _, edge := range edges {
		if b.nodes[base+int(edge.label)].parent != freeNode {
			return false
		}
	}
	return true
}

// step returns the child of a node, or freeNode where it has none for the byte.
func (t *trie) step(node int32, label byte) int32 {
	child := t.nodes[node].base + int32(label)
	if t.nodes[child].parent != node {
		return freeNode
	}
	return child
}

// longest returns the value and the size of the longest string of the trie that text starts with; a size of 0 is none.
func longest[T string | []byte](t *trie, text T) (value int32, size int) {
	if len(t.nodes) == 0 {
		return noValue, 0
	}
	node := root
	for i := 0; i < len(text); i++ {
		if node = t.step(node, text[i]); node < 0 {
			break
		}
		if v := t.nodes[node].value; v != noValue {
			value, size = v, i+1
		}
	}
	return value, size
}
