package tokenizer

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

const (
	// What a vocabulary may have. The greatest in use have 250,000 entries and 3 MB.
	maxPieces     = 1 << 20
	maxPieceBytes = 512
	maxVocabulary = 8 << 20 // bytes of all pieces
)

// ReadBERT reads a vocabulary in the layout of BERT's vocab.txt, plain or gzip, and makes the tokenizer of a model that
// takes context tokens (Chinese-CLIP: 52). Each line is a token, white space around it does not count, and its id is the
// number of lines before it; of two lines that are equal the later counts. Options: Cased, AllowSpecial.
//
// A text becomes [CLS], its pieces, [SEP], as in the reference, cn_clip: control characters out, ideographs apart, lower
// case, accents off, punctuation apart, and each word the longest pieces from its start on. What does not fit is cut off
// before [SEP]. Models of BERT pad with 0.
//
// Errors are Invalid, and name the line where there is one.
func ReadBERT(vocabulary io.Reader, context int, opts ...Option) (*BERT, error) {
	text, err := newLines("vocabulary", vocabulary)
	if err != nil {
		return nil, err
	}
	ids := map[string]int32{}
	size := 0
	for {
		line, err := text.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		token := strings.TrimFunc(line, isTrimmed)
		size += len(token)
		switch {
		case !utf8.ValidString(token):
			return nil, text.invalid("it is not UTF-8")
		case strings.ContainsRune(token, '\r'):
			return nil, text.invalid("%.80q has a carriage return within; end lines with a line feed", token)
		case len(token) > maxPieceBytes:
			return nil, text.invalid("it has more than %d bytes, so this is no vocabulary", maxPieceBytes)
		case text.number > maxPieces, size > maxVocabulary:
			return nil, text.invalid("it is over the limit of %d tokens or %d bytes", maxPieces, maxVocabulary)
		case token != "":
			ids[token] = int32(text.number - 1)
		}
	}
	if len(ids) == 0 {
		return nil, fault.Invalid("the vocabulary is empty; it must have one token a line")
	}
	return newBERT(ids, context, optionsOf(opts))
}
