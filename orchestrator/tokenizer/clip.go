package tokenizer

// OpenAIMerges is how many merges openai/CLIP takes from its file bpe_simple_vocab_16e6.txt.gz, which has more: what its
// vocabulary of 49,152 leaves beside 256 bytes and 2 control tokens (the second 256 it does not count).
const OpenAIMerges = 49152 - 256 - 2

// CLIP is the tokenizer of openai/CLIP and of the many models that were trained with it. Make it with ReadCLIP.
type CLIP struct {
	frame
	table   mergeTable
	special bool
}

var _ Tokenizer = (*CLIP)(nil)

func newCLIP(table mergeTable, context int, special bool) (*CLIP, error) {
	t := &CLIP{table: table, special: special}
	t.frame = frame{context: context, start: table.size, end: table.size + 1, appendIDs: t.tokenize}
	if err := t.checkContext(); err != nil {
		return nil, err
	}
	return t, nil
}

// VocabularySize is the number of ids; the greatest is the end token's.
func (t *CLIP) VocabularySize() int { return int(t.end) + 1 }

func (t *CLIP) tokenize(s *scratch, text string, enough int) {
	s.text = normalize(s.text[:0], text)
	for i := 0; i < len(s.text) && len(s.ids) < enough; {
		first, end := nextWord(s.text, i, t.special)
		if word := s.text[first:end]; len(word) > 0 {
			t.appendWord(s, word)
		}
		i = end
	}
}

func (t *CLIP) appendWord(s *scratch, word []byte) {
	if t.special && word[0] == '<' {
		switch string(word) {
		case startOfText:
			s.ids = append(s.ids, t.start)
			return
		case endOfText:
			s.ids = append(s.ids, t.end)
			return
		}
	}
	slot, key, known := s.words.find(word)
	if known {
		s.ids = slot.appendTo(s.ids)
		return
	}
	before := len(s.ids)
	s.ids = t.table.appendIDs(s.ids, word, &s.merge)
	slot.keep(key, s.ids[before:])
}
