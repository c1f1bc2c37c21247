package tokenizer

import (
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// noToken stands for a start or end token that a model does not have.
const noToken int32 = -1

// frame is what all tokenizers have in common: control tokens around a text, the context, and memory that calls share
// one after the other.
type frame struct {
	context    int
	start, end int32 // noToken where the model has none

	// appendIDs puts the ids of a text, which is UTF-8, behind those in s.ids. It may stop where they are more than enough.
	appendIDs func(s *scratch, text string, enough int)
	scratch   sync.Pool // of *scratch
}

// scratch is the memory of one call.
type scratch struct {
	text  []byte
	word  []byte
	ids   []int32
	merge mergeScratch
	path  []pathEnd
	ends  []int32
	words wordCache
}

// maxKeptBytes bounds the scratch memory, the cache of words left out, that is kept from one call to the next.
const maxKeptBytes = 1 << 20

func (s *scratch) bytes() int {
	return cap(s.text) + cap(s.word) + 4*(cap(s.ids)+cap(s.ends)) + s.merge.bytes() + 16*cap(s.path)
}

// Context is the greatest number of tokens that the model takes, the start and the end token counted.
func (f *frame) Context() int { return f.context }

// Encode implements Tokenizer.
func (f *frame) Encode(text string) (Tokens, error) {
	s := f.borrow()
	defer f.giveBack(s)
	if err := f.encode(s, text, math.MaxInt); err != nil {
		return nil, err
	}
	if len(s.ids) > f.context {
		return nil, fault.TooLarge("the text has %d tokens, the model takes %d (start and end included); shorten it or ask for truncation",
			len(s.ids), f.context)
	}
	return slices.Clone(s.ids), nil
}

// EncodeTruncated implements Tokenizer.
func (f *frame) EncodeTruncated(text string) (Tokens, error) {
	s := f.borrow()
	defer f.giveBack(s)
	if err := f.encode(s, text, f.context); err != nil {
		return nil, err
	}
	if len(s.ids) > f.context {
		s.ids = s.ids[:f.context]
		if f.end != noToken {
			s.ids[f.context-1] = f.end
		}
	}
	return slices.Clone(s.ids), nil
}

// encode puts the tokens of text into s.ids.
func (f *frame) encode(s *scratch, text string, enough int) error {
	if !utf8.ValidString(text) {
		return invalidUTF8(text)
	}
	s.ids = s.ids[:0]
	if f.start != noToken {
		s.ids = append(s.ids, f.start)
	}
	f.appendIDs(s, text, enough)
	if f.end != noToken {
		s.ids = append(s.ids, f.end)
	}
	return nil
}

// checkContext refuses a context in which the control tokens leave no room.
func (f *frame) checkContext() error {
	least := 0
	for _, token := range [...]int32{f.start, f.end} {
		if token != noToken {
			least++
		}
	}
	if f.context < least {
		return fault.Invalid("a context of %d tokens has no room for the start and the end token; it must be at least %d", f.context, least)
	}
	return nil
}

func (f *frame) borrow() *scratch {
	if s, ok := f.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

func (f *frame) giveBack(s *scratch) {
	if s.bytes() <= maxKeptBytes {
		f.scratch.Put(s)
	}
}

func invalidUTF8(text string) error {
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return fault.Invalid("the text is not UTF-8: byte %d (0x%02x) does not belong there; send the text in UTF-8", i, text[i])
		}
	}
	return nil
}
