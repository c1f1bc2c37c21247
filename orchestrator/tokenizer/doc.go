// Package tokenizer turns text into the token ids that a text tower was trained on.
//
// There are three kinds, each id for id as its reference. Their tables are files of the model; none is compiled in.
//
//   - CLIP is the byte-level BPE of openai/CLIP: ftfy's repairs, HTML unescaping, white space, lower case, CLIP's word
//     pattern, merges. ReadCLIP makes it.
//   - BERT is WordPiece as cn_clip has it, for Chinese-CLIP. ReadBERT makes it.
//   - SentencePiece is for SigLIP, SigLIP 2 and multilingual models: unigram and BPE, with the normalization that the model
//     file brings. ReadSentencePiece makes it.
//
// For example:
//
//	table, err := os.Open("bpe_simple_vocab_16e6.txt.gz")
//	...
//	clip, err := tokenizer.ReadCLIP(table, 77, tokenizer.WithMerges(tokenizer.OpenAIMerges))
//	...
//	ids, err := clip.Encode("a photo of ripe cherries") // [49406 320 1125 539 22832 27248 49407]
//
// The package is not for padding and batching, which belong to the encoder, nor for turning ids back into text.
//
// Known differences from the references, besides those that package ftfy lists:
//
//   - Names of control tokens in a text, <|startoftext|> and <|endoftext|>, are text, where openai/CLIP makes control
//     tokens of them and so lets a text end itself early. AllowSpecial restores that. cn_clip and sentencepiece take them
//     for text, too; Hugging Face's tokenizers do not.
//   - Text that is not UTF-8 is refused; in Python it cannot reach the tokenizer.
//   - For CLIP, what is a letter and what a number is as in Unicode 17 (the regex package of 2026), whatever Go or Python is
//     used, so that ids do not change with the compiler. Lower case, and for BERT what is an accent, punctuation or a
//     control character, follow Go's tables, Unicode 15: "Ᲊ", of Unicode 16, has no lower case yet.
//   - SentencePiece models of the types word and character are refused, and pieces of more than 512 bytes.
package tokenizer

// Tokens is one text as token ids: the start token, the text's own, the end token; no padding. A model may lack one of the
// two control tokens, never both.
type Tokens []int32

// Tokenizer turns texts into the ids of one model.
//
// Implementations are safe for concurrent use and give the same ids for the same text, always. The caller owns the
// tokens that it gets; nothing of the text shows in them but their ids. Errors are faults: Invalid for text that is not UTF-8
// (the message names the byte), TooLarge from Encode for text of more tokens than the model takes. An empty text is not an
// error here.
//
// Time and memory grow linearly with the text, but for a logarithm; limiting its size is up to the caller.
type Tokenizer interface {
	// Encode returns all tokens of text, or TooLarge if they are more than Context.
	Encode(text string) (Tokens, error)

	// EncodeTruncated returns the tokens of text as far as they fit: the first Context of them, where the last is
	// replaced by the end token, if the model has one and any had to be left out.
	EncodeTruncated(text string) (Tokens, error)

	// Context is the greatest number of tokens that the model takes, the start and the end token counted.
	Context() int
}
