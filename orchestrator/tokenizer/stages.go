package tokenizer

import "math"

// Stage is a part of a tokenizer's work, for measurements. Run does the work on a text, which is UTF-8, from the start to
// the end of the stage, and throws the result away: what a stage itself takes is the difference to the one before it.
type Stage struct {
	Name string
	Run  func(text string)
}

// Staged is a tokenizer that can be measured in parts. The last stage is the whole.
type Staged interface {
	Tokenizer
	Stages() []Stage
}

var _, _, _ Staged = (*CLIP)(nil), (*BERT)(nil), (*SentencePiece)(nil)

// stage makes a stage of work that needs scratch memory.
func (f *frame) stage(name string, work func(s *scratch, text string)) Stage {
	return Stage{name, func(text string) {
		s := f.borrow()
		defer f.giveBack(s)
		work(s, text)
	}}
}

// whole is the last stage.
func (f *frame) whole() Stage {
	return f.stage("merge", func(s *scratch, text string) { _ = f.encode(s, text, math.MaxInt) })
}

// Stages are repair (ftfy and HTML), normalize (white space and case), split (words) and merge (ids).
func (t *CLIP) Stages() []Stage {
	return []Stage{
		{"repair", func(text string) { repair(text) }},
		t.stage("normalize", func(s *scratch, text string) { s.text = normalize(s.text[:0], text) }),
		t.stage("split", func(s *scratch, text string) {
			s.text = normalize(s.text[:0], text)
			for i := 0; i < len(s.text); {
				_, i = nextWord(s.text, i, t.special)
			}
		}),
		t.whole(),
	}
}

// Stages are split (at spaces and ideographs) and merge (case, accents, punctuation, ids).
func (t *BERT) Stages() []Stage {
	return []Stage{
		t.stage("split", func(s *scratch, text string) {
			for i := 0; i < len(text); {
				s.text, i = nextChunk(s.text[:0], text, i)
			}
		}),
		t.whole(),
	}
}

// Stages are clean, if the model wants it, normalize (the rules of the file) and merge (ids).
func (t *SentencePiece) Stages() []Stage {
	normalize := t.stage("normalize", func(s *scratch, text string) {
		s.text = t.normalizer.append(s.text[:0], t.clean.apply(text))
	})
	if t.clean == 0 {
		return []Stage{normalize, t.whole()}
	}
	return []Stage{{"clean", func(text string) { t.clean.apply(text) }}, normalize, t.whole()}
}
