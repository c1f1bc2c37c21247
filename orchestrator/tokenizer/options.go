package tokenizer

// Option changes what the functions make that read a tokenizer. Each says which ones it is for; others ignore it.
type Option func(*options)

type options struct {
	merges     int
	special    bool
	cased      bool
	clean      Clean
	start, end string
	fairseq    bool
}

func optionsOf(opts []Option) options {
	var o options
	for _, set := range opts {
		set(&o)
	}
	return o
}

// WithMerges takes n merges from CLIP's table and ignores its other lines, as openai/CLIP does with n = OpenAIMerges. It
// is an error for the table to have fewer. Without this option, or with 0, all its lines count.
func WithMerges(n int) Option {
	return func(o *options) { o.merges = n }
}

// AllowSpecial makes the names of control tokens in a text those tokens: <|startoftext|> and <|endoftext|> as openai/CLIP
// does, [CLS], [SEP], [UNK], [PAD] and [MASK] as Hugging Face does for BERT, the control pieces of a SentencePiece model.
// It is for comparisons with a reference, not for text of users.
func AllowSpecial() Option {
	return func(o *options) { o.special = true }
}

// Cased is for BERT vocabularies that have capitals and accents in them: a text keeps both.
func Cased() Option {
	return func(o *options) { o.cased = true }
}

// WithControls names the pieces of a SentencePiece model that go before and behind every text; an empty name is none.
func WithControls(start, end string) Option {
	return func(o *options) { o.start, o.end = start, end }
}

// WithClean has texts cleaned before a SentencePiece model sees them.
func WithClean(steps Clean) Option {
	return func(o *options) { o.clean = steps }
}

// FairseqIDs numbers the pieces of a SentencePiece model as XLM-RoBERTa and the models that grew from it do: <s> is 0,
// <pad> 1, </s> 2, <unk> 3, and all others stand one higher than in the model file.
func FairseqIDs() Option {
	return func(o *options) { o.fairseq = true }
}
