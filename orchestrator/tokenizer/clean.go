package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Clean says what is done with a text before a SentencePiece model sees it: none or several steps, which are taken in the
// order of their names here.
type Clean uint8

// The steps. open_clip's "canonicalize", which it has for SigLIP and SigLIP 2, is all of them; big_vision's, which SigLIP
// was trained with, is all but CleanRepair; SigLIP 2 was trained with CleanCase alone.
const (
	CleanRepair      Clean = 1 << iota // ftfy, HTML unescaped twice, trimmed: what CLIP's tokenizer does
	CleanPunctuation                   // the punctuation of ASCII goes, an underscore becomes a space
	CleanCase                          // to lower case
	CleanSpaces                        // one space for each stretch of white space, none around the text
)

func (c Clean) apply(text string) string {
	if c&CleanRepair != 0 {
		text = repair(text)
	}
	if c&CleanPunctuation != 0 {
		text = strings.Map(withoutPunctuation, text)
	}
	if c&CleanCase != 0 {
		text = string(appendLower(nil, text, false))
	}
	if c&CleanSpaces != 0 {
		text = strings.Join(strings.FieldsFunc(text, isTrimmed), " ")
	}
	return text
}

func withoutPunctuation(r rune) rune {
	switch {
	case r == '_':
		return ' '
	case r < utf8.RuneSelf && isPunctuation(r):
		return -1
	}
	return r
}
