package tokenizer

import (
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// The control tokens of BERT, as its vocabularies name them.
const (
	clsToken  = "[CLS]"
	sepToken  = "[SEP]"
	unkToken  = "[UNK]"
	padToken  = "[PAD]"
	maskToken = "[MASK]"
)

const (
	// maxWordChars is the size in characters from which on the reference takes a word for unknown.
	maxWordChars = 200
	// continues is what a vocabulary writes before pieces that do not begin a word.
	continues = "##"
)

// BERT is the WordPiece tokenizer of BERT, as Chinese-CLIP uses it. Make it with ReadBERT.
type BERT struct {
	frame
	pieces   trie
	inside   int32 // the node of the pieces that do not begin a word; freeNode where there are none
	unknown  int32
	cased    bool
	controls controls
}

var _ Tokenizer = (*BERT)(nil)

func newBERT(ids map[string]int32, context int, o options) (*BERT, error) {
	t := &BERT{pieces: newControls(ids).names, cased: o.cased}
	for _, need := range []struct {
		token string
		id    *int32
	}{{clsToken, &t.start}, {sepToken, &t.end}, {unkToken, &t.unknown}} {
		id, ok := ids[need.token]
		if !ok {
			return nil, fault.Invalid("the vocabulary has no %s; BERT's vocab.txt has one token a line, %s, %s and %s among them",
				need.token, clsToken, sepToken, unkToken)
		}
		*need.id = id
	}
	if o.special {
		t.controls = newControls(namedControls(ids))
	}
	t.inside = root
	for _, label := range []byte(continues) {
		if t.inside != freeNode {
			t.inside = t.pieces.step(t.inside, label)
		}
	}
	t.context, t.appendIDs = context, t.tokenize
	if err := t.checkContext(); err != nil {
		return nil, err
	}
	return t, nil
}

func namedControls(ids map[string]int32) map[string]int32 {
	named := map[string]int32{}
	for _, name := range [...]string{clsToken, sepToken, unkToken, padToken, maskToken} {
		if id, ok := ids[name]; ok {
			named[name] = id
		}
	}
	return named
}

func (t *BERT) tokenize(s *scratch, text string, enough int) {
	for {
		before, id, after, found := t.controls.cut(text)
		t.tokenizePlain(s, before, enough)
		if !found || len(s.ids) >= enough {
			return
		}
		s.ids = append(s.ids, id)
		text = after
	}
}

// tokenizePlain appends the ids of text, chunk by chunk.
func (t *BERT) tokenizePlain(s *scratch, text string, enough int) {
	for i := 0; i < len(text) && len(s.ids) < enough; {
		s.text, i = nextChunk(s.text[:0], text, i)
		if len(s.text) > 0 {
			t.appendChunk(s, s.text)
		}
	}
}

func (t *BERT) appendChunk(s *scratch, chunk []byte) {
	slot, key, known := s.words.find(chunk)
	if known {
		s.ids = slot.appendTo(s.ids)
		return
	}
	before := len(s.ids)
	if !t.cased {
		s.word = fold(s.word[:0], chunk)
		chunk = s.word
	}
	for len(chunk) > 0 {
		size, chars := bertWord(chunk)
		s.ids = t.appendWord(s.ids, chunk[:size], chars)
		chunk = chunk[size:]
	}
	slot.keep(key, s.ids[before:])
}

// bertWord returns the size of the word at the start of chunk, in bytes and in characters: a mark of punctuation, or what
// stands before the next.
func bertWord(chunk []byte) (size, chars int) {
	for size < len(chunk) {
		r, width := utf8.DecodeRune(chunk[size:])
		if isPunctuation(r) {
			if size == 0 {
				return width, 1
			}
			break
		}
		size += width
		chars++
	}
	return size, chars
}

// appendWord takes the longest piece that word starts with, then the longest that goes on, to the word's end. A word that
// pieces do not make up is unknown as a whole.
func (t *BERT) appendWord(ids []int32, word []byte, chars int) []int32 {
	if chars > maxWordChars {
		return append(ids, t.unknown)
	}
	before := len(ids)
	from := root
	for len(word) > 0 {
		piece, size := noValue, 0
		node := from
		for i := 0; i < len(word) && node != freeNode; i++ {
			if node = t.pieces.step(node, word[i]); node == freeNode {
				break
			}
			if v := t.pieces.nodes[node].value; v != noValue {
				piece, size = v, i+1
			}
		}
		if size == 0 {
			return append(ids[:before], t.unknown)
		}
		ids = append(ids, piece)
		word = word[size:]
		from = t.inside
	}
	return ids
}
