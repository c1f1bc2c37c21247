package tokenizer

import (
	"io"
	"slices"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// SentencePiece is the tokenizer of models that come with a SentencePiece model file: SigLIP and SigLIP 2, and the
// multilingual ones with a text tower of XLM-RoBERTa or mT5. Make it with ReadSentencePiece.
type SentencePiece struct {
	frame
	normalizer  *spNormalizer
	segment     func(s *scratch) // appends the ids of the normalized text in s.text to s.ids
	userDefined trie
	unknown     int32
	fallback    *[256]int32 // nil where unknown characters are the unknown piece
	clean       Clean
	controls    controls
}

var _ Tokenizer = (*SentencePiece)(nil)

// ReadSentencePiece reads a .model file of SentencePiece, of the type unigram or BPE, and makes the tokenizer of a model
// that takes context tokens. Options: WithControls (at least one of the two is needed), WithClean, FairseqIDs,
// AllowSpecial.
//
// The ids are those of the sentencepiece package: the file's rules of normalization and for spaces, user-defined symbols,
// pieces of bytes for unknown characters where the model has them, and one unknown token for a row of unknown characters
// where it has not.
//
// Errors are Invalid. The reader is read to its end.
func ReadSentencePiece(model io.Reader, context int, opts ...Option) (*SentencePiece, error) {
	m, err := readSPModel(model)
	if err != nil {
		return nil, err
	}
	return newSentencePiece(m, context, optionsOf(opts))
}

func newSentencePiece(m *spModel, context int, o options) (_ *SentencePiece, err error) {
	t := &SentencePiece{userDefined: m.trieOf(pieceUserDefined), clean: o.clean}
	if t.normalizer, err = newSPNormalizer(m, t.userDefined); err != nil {
		return nil, err
	}
	ids, err := m.ids(o.fairseq)
	if err != nil {
		return nil, err
	}
	t.frame = frame{context: context, appendIDs: t.tokenize}
	if t.start, err = controlID(m, ids, o.start); err != nil {
		return nil, err
	}
	if t.end, err = controlID(m, ids, o.end); err != nil {
		return nil, err
	}
	if t.start == noToken && t.end == noToken {
		return nil, fault.Invalid("a SentencePiece model needs a start or an end piece around texts, for example </s>")
	}
	t.unknown = ids[m.unknown]
	if m.byteFallback {
		t.fallback = new([256]int32)
		for b, piece := range m.fallback {
			t.fallback[b] = ids[piece]
		}
	}
	if o.special {
		named := map[string]int32{}
		for i, p := range m.pieces {
			if p.kind == pieceControl {
				named[p.text] = ids[i]
			}
		}
		t.controls = newControls(named)
	}
	if m.algorithm == algorithmBPE {
		t.segment = newPieceMerger(m, t, ids).segment
	} else {
		t.segment = newUnigram(m, t, ids).segment
	}
	if err := t.checkContext(); err != nil {
		return nil, err
	}
	return t, nil
}

// ids returns the id that the model uses for each piece of the file.
func (m *spModel) ids(fairseq bool) ([]int32, error) {
	ids := make([]int32, len(m.pieces))
	for i := range ids {
		ids[i] = int32(i)
	}
	if !fairseq {
		return ids, nil
	}
	for i, name := range [...]string{"<unk>", "<s>", "</s>"} {
		if i >= len(m.pieces) || m.pieces[i].text != name {
			return nil, fault.Invalid("the ids of fairseq are for models that start with <unk>, <s>, </s>; piece %d of this one is not %s", i, name)
		}
		ids[i] = [...]int32{3, 0, 2}[i]
	}
	for i := 3; i < len(ids); i++ {
		ids[i]++
	}
	return ids, nil
}

func controlID(m *spModel, ids []int32, name string) (int32, error) {
	if name == "" {
		return noToken, nil
	}
	piece, ok := m.byText[name]
	if !ok || m.pieces[piece].kind != pieceControl && m.pieces[piece].kind != pieceUserDefined {
		return noToken, fault.Invalid("the SentencePiece model has no control piece %.80q", name)
	}
	return ids[piece], nil
}

// trieOf returns the pieces of some kinds by their texts.
func (m *spModel) trieOf(kinds ...pieceKind) trie {
	named := map[string]int32{}
	for i, p := range m.pieces {
		if slices.Contains(kinds, p.kind) {
			named[p.text] = int32(i)
		}
	}
	return newControls(named).names
}

func (t *SentencePiece) tokenize(s *scratch, text string, enough int) {
	for {
		before, id, after, found := t.controls.cut(text)
		if before = t.clean.apply(before); before != "" {
			s.text = t.normalizer.append(s.text[:0], before)
			t.segment(s)
		}
		if !found || len(s.ids) >= enough {
			return
		}
		s.ids = append(s.ids, id)
		text = after
	}
}

// appendUnknown appends what stands for a character that is no piece.
func (t *SentencePiece) appendUnknown(ids []int32, char []byte) []int32 {
	if t.fallback != nil {
		for _, b := range char {
			ids = append(ids, t.fallback[b])
		}
		return ids
	}
	if len(ids) > 0 && ids[len(ids)-1] == t.unknown {
		return ids
	}
	return append(ids, t.unknown)
}

// firstChar returns the size of the character at the start of text, which is UTF-8.
func firstChar(text []byte) int {
	switch c := text[0]; {
	case c < utf8.RuneSelf:
		return 1
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	}
	return utf8.UTFMax
}
