package tokenizer

import (
	"math"
	"slices"
	"sync"

	"clipseek/orchestrator/fault"
)

// OpenAIMerges is how many merges openai/CLIP takes from its file bpe_simple_vocab_16e6.txt.gz, which has more: what its
// vocabulary of 49,152 leaves beside 256 bytes and 2 control tokens (the second 256 it does not count).
const OpenAIMerges = 49152 - 256 - 2

// CLIP is the tokenizer of openai/CLIP and of the many models that were trained with it. Make it with ReadCLIP.
type CLIP struct {
	table   mergeTable
	context int
	special bool
	scratch sync.Pool // of *scratch
}

var _ Tokenizer = (*CLIP)(nil)

// Option changes what ReadCLIP makes.
type Option func(*options)

type options struct {
	merges  int
	special bool
}

// WithMerges takes n merges from the table and ignores its other lines, as openai/CLIP does with n = OpenAIMerges. It is
// an error for the table to have fewer. Without this option, or with 0, all its lines count.
func WithMerges(n int) Option {
	return func(o *options) { o.merges = n }
}

// AllowSpecial makes the strings <|startoftext|> and <|endoftext|> in a text the control tokens of those names, as
// openai/CLIP does. It is for comparisons with the reference, not for text of users.
func AllowSpecial() Option {
	return func(o *options) { o.special = true }
}

// scratch is the memory of one call.
type scratch struct {
	text  []byte
	ids   []int32
	merge mergeScratch
}

// maxKeptBytes bounds the scratch memory that is kept from one call to the next.
const maxKeptBytes = 1 << 20

// Context is the greatest number of tokens that the model takes, the start and the end token counted.
func (t *CLIP) Context() int { return t.context }

// VocabularySize is the number of ids; the greatest is the end token's.
func (t *CLIP) VocabularySize() int { return int(t.end()) + 1 }

// Encode implements Tokenizer.
func (t *CLIP) Encode(text string) (Tokens, error) {
	s := t.borrow()
	defer t.giveBack(s)
	if err := t.encode(s, text, math.MaxInt); err != nil {
		return nil, err
	}
	if len(s.ids) > t.context {
		return nil, fault.TooLarge("the text has %d tokens, the model takes %d (start and end included); shorten it or ask for truncation",
			len(s.ids), t.context)
	}
	return slices.Clone(s.ids), nil
}

// EncodeTruncated implements Tokenizer.
func (t *CLIP) EncodeTruncated(text string) (Tokens, error) {
	s := t.borrow()
	defer t.giveBack(s)
	if err := t.encode(s, text, t.context); err != nil {
		return nil, err
	}
	if len(s.ids) > t.context {
		s.ids = s.ids[:t.context]
		s.ids[t.context-1] = t.end()
	}
	return slices.Clone(s.ids), nil
}

// encode puts the tokens of text into s.ids. It may stop after the word with which they are more than enough.
func (t *CLIP) encode(s *scratch, text string, enough int) error {
	var err error
	if s.text, err = normalize(s.text[:0], text); err != nil {
		return err
	}
	s.ids = append(s.ids[:0], t.start())
	for i := 0; i < len(s.text) && len(s.ids) <= enough; {
		first, end := nextWord(s.text, i, t.special)
		if word := s.text[first:end]; len(word) > 0 {
			s.ids = t.appendWord(s.ids, word, &s.merge)
		}
		i = end
	}
	s.ids = append(s.ids, t.end())
	return nil
}

func (t *CLIP) appendWord(ids []int32, word []byte, m *mergeScratch) []int32 {
	if t.special {
		switch string(word) {
		case startOfText:
			return append(ids, t.start())
		case endOfText:
			return append(ids, t.end())
		}
	}
	return t.table.appendIDs(ids, word, m)
}

func (t *CLIP) start() int32 { return t.table.size }
func (t *CLIP) end() int32   { return t.table.size + 1 }

func (t *CLIP) borrow() *scratch {
	if s, ok := t.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

func (t *CLIP) giveBack(s *scratch) {
	if cap(s.text)+4*cap(s.ids)+s.merge.bytes() <= maxKeptBytes {
		t.scratch.Put(s)
	}
}
