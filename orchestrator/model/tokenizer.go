package model

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Tokenizer names the kind of tokenizer, its file, and what the kind needs to be told. Keys of other kinds must be left out.
type Tokenizer struct {
	Kind string `yaml:"kind"` // TokenizerCLIP, TokenizerBERT or TokenizerSentencePiece

	Merges string `yaml:"merges"` // CLIP: merge table in openai/CLIP's layout, plain or gzip
	Count  int    `yaml:"count"`  // CLIP: merges to use from the table; 0 is all of them

	Vocabulary string `yaml:"vocabulary"` // BERT: vocab.txt, one token a line, plain or gzip
	Cased      bool   `yaml:"cased"`      // BERT: the vocabulary has capitals and accents, so texts keep them

	Model string   `yaml:"model"` // SentencePiece: the .model file
	Start string   `yaml:"start"` // SentencePiece: the piece before every text, for example <s>; empty is none
	End   string   `yaml:"end"`   // SentencePiece: the piece behind every text, for example </s>; empty is none
	Clean []string `yaml:"clean"` // SentencePiece: what is done with a text first, some of CleanSteps
	IDs   string   `yaml:"ids"`   // SentencePiece: IDsFairseq, or empty for the ids of the .model file
}

// The kinds of tokenizers.
const (
	TokenizerCLIP          = "clip-bpe"       // CLIP's byte-level BPE
	TokenizerBERT          = "bert-wordpiece" // Chinese-CLIP
	TokenizerSentencePiece = "sentencepiece"  // SigLIP, SigLIP 2, XLM-RoBERTa, mT5
)

// IDsFairseq numbers pieces as XLM-RoBERTa does: <s> 0, <pad> 1, </s> 2, <unk> 3, the others one higher than in the file.
const IDsFairseq = "fairseq"

// The steps of cleaning, in the order in which they are taken.
const (
	CleanRepair      = "repair"      // ftfy's repairs, HTML unescaped twice, trimmed
	CleanPunctuation = "punctuation" // the punctuation of ASCII taken out, an underscore made a space
	CleanCase        = "case"        // to lower case
	CleanSpaces      = "spaces"      // one space for each stretch of white space, none around the text
)

// CleanSteps lists them.
func CleanSteps() []string {
	return []string{CleanRepair, CleanPunctuation, CleanCase, CleanSpaces}
}

// File returns the key of the kind's file, and its name.
func (t Tokenizer) File() (key, name string) {
	switch t.Kind {
	case TokenizerBERT:
		return "text.tokenizer.vocabulary", t.Vocabulary
	case TokenizerSentencePiece:
		return "text.tokenizer.model", t.Model
	}
	return "text.tokenizer.merges", t.Merges
}

// faults tells what is wrong but the file, which is checked with all others.
func (t Tokenizer) faults() []string {
	own := Tokenizer{Kind: t.Kind}
	switch t.Kind {
	case TokenizerCLIP:
		own.Merges, own.Count = t.Merges, t.Count
	case TokenizerBERT:
		own.Vocabulary, own.Cased = t.Vocabulary, t.Cased
	case TokenizerSentencePiece:
		own.Model, own.Start, own.End, own.Clean, own.IDs = t.Model, t.Start, t.End, t.Clean, t.IDs
	default:
		return []string{fmt.Sprintf("text.tokenizer.kind must be %s, %s or %s", TokenizerCLIP, TokenizerBERT, TokenizerSentencePiece)}
	}
	var wrong []string
	if !reflect.DeepEqual(t, own) {
		wrong = append(wrong, "text.tokenizer has keys that "+t.Kind+" does not know; leave them out")
	}
	if t.Count < 0 {
		wrong = append(wrong, "text.tokenizer.count must not be negative")
	}
	if t.Kind == TokenizerSentencePiece && t.Start == "" && t.End == "" {
		wrong = append(wrong, "text.tokenizer.start or .end must name a piece of the model, for example </s>")
	}
	for _, step := range t.Clean {
		if !slices.Contains(CleanSteps(), step) {
			wrong = append(wrong, fmt.Sprintf("text.tokenizer.clean has %q; it can have %s", step, strings.Join(CleanSteps(), ", ")))
		}
	}
	if t.IDs != "" && t.IDs != IDsFairseq {
		wrong = append(wrong, "text.tokenizer.ids must be "+IDsFairseq+" or left out")
	}
	return wrong
}
