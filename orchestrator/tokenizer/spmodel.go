package tokenizer

import (
	"bytes"
	"io"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"clipseek/orchestrator/fault"
)

// maxModelBytes is what a model file of SentencePiece may take; the greatest in use, of 256,000 pieces, has 5 MB.
const maxModelBytes = 64 << 20

// pieceKind is SentencePiece's ModelProto.SentencePiece.Type.
type pieceKind uint8

const (
	pieceNormal      pieceKind = 1
	pieceUnknown     pieceKind = 2
	pieceControl     pieceKind = 3
	pieceUserDefined pieceKind = 4
	pieceUnused      pieceKind = 5
	pieceByte        pieceKind = 6
)

// isText tells whether pieces of a kind can be found in a text.
func (k pieceKind) isText() bool {
	return k == pieceNormal || k == pieceUserDefined || k == pieceUnused
}

type piece struct {
	text  string
	score float32
	kind  pieceKind
}

// The algorithms of SentencePiece's TrainerSpec.ModelType that are supported.
const (
	algorithmUnigram = 1
	algorithmBPE     = 2
)

// spModel is what counts of a model file of SentencePiece (sentencepiece_model.proto), with the file's defaults.
type spModel struct {
	pieces       []piece
	bytes        int // of the pieces' texts
	algorithm    uint64
	byteFallback bool
	spaceBehind  bool // treat_whitespace_as_suffix

	charsMap         []byte // precompiled_charsmap
	addSpace         bool   // add_dummy_prefix
	removeSpaces     bool   // remove_extra_whitespaces
	escapeSpaces     bool   // escape_whitespaces
	unknown          int32
	byText           map[string]int32
	fallback         [256]int32 // the pieces of bytes, where byteFallback
	fallbackComplete int
}

func readSPModel(r io.Reader) (*spModel, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxModelBytes+1))
	if err != nil {
		return nil, fault.Invalid("the SentencePiece model cannot be read to its end; fetch or copy it again").Because(err)
	}
	if len(file) > maxModelBytes {
		return nil, fault.Invalid("the file has more than %d bytes, so this is no SentencePiece model", maxModelBytes)
	}
	m := &spModel{algorithm: algorithmUnigram, addSpace: true, removeSpaces: true, escapeSpaces: true, unknown: noToken}
	if err := eachField(file, m.field); err != nil {
		return nil, err
	}
	return m, m.index()
}

// field is one field of a message. Numbers are in number, everything else in bytes.
type field struct {
	id     protowire.Number
	number uint64
	bytes  []byte
}

// eachField calls use with the fields of a message in their order.
func eachField(message []byte, use func(field) error) error {
	for len(message) > 0 {
		id, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return damagedModel(protowire.ParseError(size))
		}
		message = message[size:]
		f := field{id: id}
		switch kind {
		case protowire.VarintType:
			f.number, size = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var bits uint32
			bits, size = protowire.ConsumeFixed32(message)
			f.number = uint64(bits)
		case protowire.BytesType:
			f.bytes, size = protowire.ConsumeBytes(message)
		default:
			size = protowire.ConsumeFieldValue(id, kind, message)
		}
		if size < 0 {
			return damagedModel(protowire.ParseError(size))
		}
		if err := use(f); err != nil {
			return err
		}
		message = message[size:]
	}
	return nil
}

func damagedModel(cause error) error {
	return fault.Invalid("the file is no SentencePiece model, or damaged; fetch or copy it again").Because(cause)
}

func (m *spModel) field(f field) error {
	switch f.id {
	case 1:
		return m.addPiece(f.bytes)
	case 2:
		return eachField(f.bytes, m.trainerField)
	case 3:
		return eachField(f.bytes, m.normalizerField)
	}
	return nil
}

func (m *spModel) trainerField(f field) error {
	switch f.id {
	case 3:
		m.algorithm = f.number
	case 24:
		m.spaceBehind = f.number != 0
	case 35:
		m.byteFallback = f.number != 0
	}
	return nil
}

func (m *spModel) normalizerField(f field) error {
	switch f.id {
	case 2:
		m.charsMap = f.bytes
	case 3:
		m.addSpace = f.number != 0
	case 4:
		m.removeSpaces = f.number != 0
	case 5:
		m.escapeSpaces = f.number != 0
	}
	return nil
}

func (m *spModel) addPiece(message []byte) error {
	p := piece{kind: pieceNormal}
	err := eachField(message, func(f field) error {
		switch f.id {
		case 1:
			p.text = string(f.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(f.number))
		case 3:
			p.kind = pieceKind(min(f.number, math.MaxUint8))
		}
		return nil
	})
	if err != nil {
		return err
	}
	id := len(m.pieces)
	m.bytes += len(p.text)
	switch {
	case id == maxPieces, m.bytes > maxVocabulary:
		return fault.Invalid("the SentencePiece model is over the limit of %d pieces or %d bytes of them", maxPieces, maxVocabulary)
	case p.text == "", len(p.text) > maxPieceBytes:
		return fault.Invalid("piece %d has %d bytes; it must have 1 to %d", id, len(p.text), maxPieceBytes)
	case !utf8.ValidString(p.text), bytes.IndexByte([]byte(p.text), 0) >= 0:
		return fault.Invalid("piece %d, %+.80q, is not UTF-8 or has a zero byte", id, p.text)
	case p.kind < pieceNormal, p.kind > pieceByte:
		return fault.Invalid("piece %d, %.80q, is of the kind %d, which this program does not know; use a newer clipseek", id, p.text, p.kind)
	case p.score != p.score, math.IsInf(float64(p.score), 0):
		return fault.Invalid("piece %d, %.80q, has no finite score", id, p.text)
	}
	m.pieces = append(m.pieces, p)
	return nil
}

// index checks the model as a whole and makes its pieces known by their texts.
func (m *spModel) index() error {
	if m.algorithm != algorithmUnigram && m.algorithm != algorithmBPE {
		return fault.Invalid("the SentencePiece model is of type %d; only unigram (1) and BPE (2) are supported", m.algorithm)
	}
	m.byText = make(map[string]int32, len(m.pieces))
	for i, p := range m.pieces {
		if _, twice := m.byText[p.text]; twice {
			return fault.Invalid("the piece %.80q is there twice", p.text)
		}
		m.byText[p.text] = int32(i)
		switch p.kind {
		case pieceUnknown:
			if m.unknown != noToken {
				return fault.Invalid("the SentencePiece model has two unknown pieces, %q and %q", m.pieces[m.unknown].text, p.text)
			}
			m.unknown = int32(i)
		case pieceByte:
			value, ok := byteOfPiece(p.text)
			if !ok || !m.byteFallback {
				return fault.Invalid("the byte piece %.80q is not as <0x41>, or the model does not fall back to bytes", p.text)
			}
			m.fallback[value] = int32(i)
			m.fallbackComplete++
		}
	}
	if m.unknown == noToken {
		return fault.Invalid("the SentencePiece model has no unknown piece")
	}
	if m.byteFallback && m.fallbackComplete != len(m.fallback) {
		return fault.Invalid("the SentencePiece model falls back to bytes and has pieces for %d of the 256", m.fallbackComplete)
	}
	return nil
}

// byteOfPiece reads <0x41>, with capitals, as the byte it stands for.
func byteOfPiece(text string) (byte, bool) {
	if len(text) != len("<0x00>") || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	value := byte(0)
	for _, c := range []byte(text[3:5]) {
		switch {
		case c >= '0' && c <= '9':
			value = value<<4 | (c - '0')
		case c >= 'A' && c <= 'F':
			value = value<<4 | (c - 'A' + 10)
		default:
			return 0, false
		}
	}
	return value, true
}
