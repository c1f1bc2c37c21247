package tokenizer

import "slices"

// controls are the names of control tokens that count in a text; none where all text is text.
type controls struct{ names trie }

func newControls(ids map[string]int32) controls {
	names := make([]string, 0, len(ids))
	for name := range ids {
		names = append(names, name)
	}
	slices.Sort(names)
	values := make([]int32, len(names))
	for i, name := range names {
		values[i] = ids[name]
	}
	return controls{newTrie(names, values)}
}

// cut returns the text before the first control token and the text after it. Where there is none, before is all of it
// and found is false.
func (c *controls) cut(text string) (before string, id int32, after string, found bool) {
	if len(c.names.nodes) == 0 {
		return text, 0, "", false
	}
	for i := range len(text) {
		if id, size := longest(&c.names, text[i:]); size > 0 {
			return text[:i], id, text[i+size:], true
		}
	}
	return text, 0, "", false
}
