// Package tokenizer turns text into the token ids that a text tower was trained on.
//
// CLIP is the byte-level BPE of openai/CLIP, id for id: ftfy's repairs, HTML unescaping, white space, lower case, CLIP's
// word pattern, merges. Its merge table is a file of the model, read by ReadCLIP; none is compiled in.
//
//	table, err := os.Open("bpe_simple_vocab_16e6.txt.gz")
//	...
//	clip, err := tokenizer.ReadCLIP(table, 77, tokenizer.WithMerges(tokenizer.OpenAIMerges))
//	...
//	ids, err := clip.Encode("a photo of ripe cherries") // [49406 320 1125 539 22832 27248 49407]
//
// The package is not for padding and batching, which belong to the encoder, nor for turning ids back into text.
//
// Known differences from the reference, besides those that package ftfy lists:
//
//   - The strings <|startoftext|> and <|endoftext|> in a text are text, where openai/CLIP makes control tokens of them and
//     so lets a text end itself early. AllowSpecial restores that.
//   - Text that is not UTF-8 is refused; in Python it cannot reach the tokenizer.
//   - What is a letter and what a number is as in Unicode 17 (the regex package of 2026), whatever Go or Python is used,
//     so that ids do not change with the compiler. Lower case follows Go's tables, where letters that are newer than
//     Unicode 15 have none yet.
package tokenizer

// Tokens is one text as token ids: the start token, the text's own, the end token; no padding. There are at least two.
type Tokens []int32

// Tokenizer turns texts into the ids of one model.
//
// Implementations are safe for concurrent use and give the same ids for the same text, always. The caller owns the
// tokens that it gets; nothing of the text is kept. Errors are faults: Invalid for text that is not UTF-8 (the message
// names the byte), TooLarge from Encode for text of more tokens than the model takes. An empty text is not an error here.
//
// Time and memory grow linearly with the text; limiting its size is up to the caller.
type Tokenizer interface {
	// Encode returns all tokens of text, or TooLarge if they are more than Context.
	Encode(text string) (Tokens, error)

	// EncodeTruncated returns the tokens of text as far as they fit: the first Context of them, where the last is
	// replaced by the end token if any had to be left out.
	EncodeTruncated(text string) (Tokens, error)

	// Context is the greatest number of tokens that the model takes, the start and the end token counted.
	Context() int
}
