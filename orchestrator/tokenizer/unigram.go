package tokenizer

import (
	"math"
	"slices"
)

// unigram is SentencePiece's unigram language model: of all ways to make a text of pieces, the one with the greatest sum
// of scores.
//
// Sums are of single precision as in the reference, and begin with the text, since their rounding decides between ways that
// are equal but for it.
type unigram struct {
	*SentencePiece
	pieces       trie
	scores       []float32 // of each piece
	ids          []int32
	unknownScore float32
	// words tells that no piece reaches from a word to the next and no score is above 0: the best pieces of a word are then
	// the same wherever it stands, unless rounding decides.
	words bool
}

// roundingError bounds the error of a difference of two sums, relative to their size: a word that is kept has at most 23
// characters, each adds up to 2^-24 to the error of a sum, and there is as much again for safety.
const roundingError = 0x1p-17

const (
	unknownPenalty = 10 // below the score of the least likely piece
	// userDefinedStep is what each byte but the first adds to the score of a user-defined piece, which is more than any
	// other has, as scores are logarithms of probabilities. This is as sentencepiece 0.2.3 has it.
	userDefinedStep = 0.1
)

// pathEnd is the best way to a place in a text, seen from its end.
type pathEnd struct {
	score  float32
	second float32 // the score of the best way that has another last piece
	from   int32   // where its last piece begins; noPath where no way was found yet
	piece  int32   // noValue for an unknown character
}

// offer takes a way to the place, if it is better than what is there.
func (e *pathEnd) offer(score float32, from int, piece int32) {
	if e.from == noPath || score > e.score {
		e.second = e.score
		e.score, e.from, e.piece = score, int32(from), piece
	} else if score > e.second {
		e.second = score
	}
}

const noPath int32 = -1

func newUnigram(m *spModel, t *SentencePiece, ids []int32) *unigram {
	u := &unigram{SentencePiece: t, pieces: m.trieOf(pieceNormal, pieceUserDefined), ids: ids}
	least := float32(math.MaxFloat32)
	u.scores = make([]float32, len(m.pieces))
	for i, p := range m.pieces {
		switch p.kind {
		case pieceNormal:
			u.scores[i] = p.score
			least = min(least, p.score)
		case pieceUserDefined:
			u.scores[i] = float32(userDefinedStep * float64(len(p.text)-1))
		}
	}
	u.unknownScore = least - unknownPenalty
	u.words = len(u.userDefined.nodes) == 0 && u.unknownScore <= 0
	for i, p := range m.pieces {
		if p.kind == pieceNormal {
			u.words = u.words && u.scores[i] <= 0 && !reachesOn(p.text)
		}
	}
	return u
}

// segment goes through the text word by word, if words do not depend on each other but for rounding.
func (u *unigram) segment(s *scratch) {
	soFar := float32(0)
	for text := s.text; len(text) > 0; {
		size := len(text)
		if u.words {
			size = wordSize(text)
		}
		soFar = u.appendWord(s, text[:size], soFar)
		text = text[size:]
	}
}

// appendWord appends the ids of a word and returns the sum of scores up to its end.
func (u *unigram) appendWord(s *scratch, word []byte, soFar float32) float32 {
	var slot *cachedWord
	var key wordKey
	if u.words {
		var known bool
		if slot, key, known = s.words.find(word); known {
			pieces := slot.ids[:slot.count]
			after := soFar
			for _, piece := range pieces {
				after += u.scores[piece]
			}
			if slot.margin > -after*roundingError {
				for _, piece := range pieces {
					s.ids = append(s.ids, u.ids[piece])
				}
				return after
			}
		}
	}
	path := u.search(s, word, soFar)
	after := path[len(word)].score
	pieces, margin := u.collect(s, word, path)
	if slot.keep(key, pieces) {
		slot.margin = margin + after*roundingError
	}
	return after
}

// search finds the best way to each place of a word by going through it once.
func (u *unigram) search(s *scratch, word []byte, soFar float32) []pathEnd {
	if cap(s.path) <= len(word) {
		s.path = make([]pathEnd, len(word)+1+len(word)/2)
	}
	path := s.path[:len(word)+1]
	for i := range path {
		path[i] = pathEnd{score: float32(math.Inf(-1)), second: float32(math.Inf(-1)), from: noPath}
	}
	path[0].score = soFar
	nodes := u.pieces.nodes
	for at := 0; at < len(word); {
		soFar := path[at].score
		size := firstChar(word[at:])
		single := false
		node := root
		for i := at; i < len(word) && len(nodes) > 0; i++ {
			child := nodes[node].base + int32(word[i])
			if nodes[child].parent != node {
				break
			}
			node = child
			if piece := nodes[node].value; piece != noValue {
				path[i+1].offer(u.scores[piece]+soFar, at, piece)
				single = single || i+1 == at+size
			}
		}
		if !single {
			path[at+size].offer(u.unknownScore+soFar, at, noValue)
		}
		at += size
	}
	return path
}

// collect appends the ids along the best way to s.ids. It returns the pieces, none if there are unknown characters among
// them, and by how much the way is better than the next best.
func (u *unigram) collect(s *scratch, word []byte, path []pathEnd) (pieces []int32, margin float32) {
	s.ends = s.ends[:0] // the way is known from its end
	margin = float32(math.Inf(1))
	known := true
	for at := int32(len(word)); at > 0; at = path[at].from {
		s.ends = append(s.ends, at)
		margin = min(margin, path[at].score-path[at].second)
		known = known && path[at].piece != noValue
	}
	pieces = s.merge.ids[:0]
	for _, at := range slices.Backward(s.ends) {
		end := &path[at]
		if end.piece == noValue {
			s.ids = u.appendUnknown(s.ids, word[end.from:at])
			continue
		}
		s.ids = append(s.ids, u.ids[end.piece])
		pieces = append(pieces, end.piece)
	}
	s.merge.ids = pieces
	if !known {
		return nil, 0
	}
	return pieces, margin
}
