package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"clipseek/orchestrator/fault"
)

// goldenPieces is what the references of BERT and SentencePiece made of texts; testdata/golden_pieces.py wrote it and says
// how.
type goldenPieces struct {
	Vocabulary []string
	Models     map[string][]byte
	Cases      []struct {
		Text               string
		BERT, Unigram, BPE Tokens
	}
}

func readGoldenPieces(tb testing.TB) goldenPieces {
	return readJSON[goldenPieces](tb, "testdata/golden_pieces.json")
}

func smallBERT(tb testing.TB, context int, opts ...Option) *BERT {
	tb.Helper()
	vocabulary := strings.Join(readGoldenPieces(tb).Vocabulary, "\n") + "\n"
	bert, err := ReadBERT(strings.NewReader(vocabulary), context, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return bert
}

// smallPieces is the golden set's model of that name. Texts get <s> before and </s> behind.
func smallPieces(tb testing.TB, name string, context int, opts ...Option) *SentencePiece {
	tb.Helper()
	model := bytes.NewReader(readGoldenPieces(tb).Models[name])
	pieces, err := ReadSentencePiece(model, context, append([]Option{WithControls("<s>", "</s>")}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return pieces
}

func TestGoldenPieces(t *testing.T) {
	t.Parallel()
	bert, unigram, bpe := smallBERT(t, 10_000), smallPieces(t, "unigram", 10_000), smallPieces(t, "bpe", 10_000)
	for range 2 { // the second time from the cache of words
		for _, c := range readGoldenPieces(t).Cases {
			if ids, err := bert.Encode(c.Text); err != nil || !slices.Equal(ids, c.BERT) {
				t.Errorf("BERT, %+q:\n\tgot  %v (%v)\n\twant %v", c.Text, ids, err, c.BERT)
			}
			for name, pair := range map[string]struct {
				tok  Tokenizer
				want Tokens
			}{"unigram": {unigram, c.Unigram}, "BPE": {bpe, c.BPE}} {
				ids, err := pair.tok.Encode(c.Text)
				if err != nil || len(ids) < 2 || ids[0] != 1 || ids[len(ids)-1] != 2 || !slices.Equal(ids[1:len(ids)-1], pair.want) {
					t.Errorf("%s, %+q:\n\tgot  %v (%v)\n\twant 1 %v 2", name, c.Text, ids, err, pair.want)
				}
			}
		}
	}
}

func TestTruncatedPieces(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a <b> 水 ", 20)
	for name, toks := range map[string][2]Tokenizer{
		"BERT":    {smallBERT(t, 1000), smallBERT(t, 7)},
		"unigram": {smallPieces(t, "unigram", 1000), smallPieces(t, "unigram", 7)},
		"BPE":     {smallPieces(t, "bpe", 1000), smallPieces(t, "bpe", 7)},
	} {
		long, err := toks[0].Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(long[:6]), long[len(long)-1])
		if cut, err := toks[1].EncodeTruncated(text); err != nil || !slices.Equal(cut, want) {
			t.Errorf("%s: %v (%v), want %v", name, cut, err, want)
		}
		if _, err := toks[1].Encode(text); fault.KindOf(err) != fault.KindTooLarge {
			t.Errorf("%s: Encode of too much: %v", name, err)
		}
		if _, err := toks[1].Encode("caf\xe9"); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: Encode of what is not UTF-8: %v", name, err)
		}
	}
}

// Names of control tokens are text unless asked for.
func TestControlsInPieces(t *testing.T) {
	t.Parallel()
	bert, special := smallBERT(t, 100), smallBERT(t, 100, AllowSpecial())
	plain, err := bert.Encode("a[SEP][MASK] b")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(plain[1:len(plain)-1], bert.end) {
		t.Errorf("[SEP] in a text became a control token: %v", plain)
	}
	a, _ := bert.Encode("a")
	b, _ := bert.Encode("b")
	want := Tokens{2, a[1], 3, 4, b[1], 3} // the vocabulary starts with [PAD] [UNK] [CLS] [SEP] [MASK]
	if ids, err := special.Encode("a[SEP][MASK] b"); err != nil || !slices.Equal(ids, want) {
		t.Errorf("with AllowSpecial: %v (%v), want %v", ids, err, want)
	}
	pieces, special2 := smallPieces(t, "bpe", 100), smallPieces(t, "bpe", 100, AllowSpecial())
	if plain, err = pieces.Encode("a</s>b"); err != nil || slices.Contains(plain[1:len(plain)-1], pieces.end) {
		t.Errorf("</s> in a text became a control token: %v (%v)", plain, err)
	}
	if ids, err := special2.Encode("a</s>b"); err != nil || len(ids) != 5 || ids[2] != pieces.end {
		t.Errorf("with AllowSpecial: %v (%v), want </s> in the middle of three", ids, err)
	}
}

func TestFairseqIDs(t *testing.T) {
	t.Parallel()
	own, moved := smallPieces(t, "unigram", 1000), smallPieces(t, "unigram", 1000, FairseqIDs())
	for _, c := range readGoldenPieces(t).Cases[:40] {
		ids, err := own.Encode(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			switch id {
			case 0:
				ids[i] = 3
			case 1:
				ids[i] = 0
			case 2:
			default:
				ids[i]++
			}
		}
		if got, err := moved.Encode(c.Text); err != nil || !slices.Equal(got, ids) {
			t.Errorf("%+q: %v (%v), want %v", c.Text, got, err, ids)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	const text = " It&#39;s  a_RED\u3000Apple!\x1c"
	for _, test := range []struct {
		steps Clean
		want  string
	}{
		{0, text},
		{CleanCase, " it&#39;s  a_red\u3000apple!\x1c"},
		{CleanPunctuation, " It39s  a RED\u3000Apple\x1c"},
		{CleanSpaces, "It&#39;s a_RED Apple!"},
		{CleanRepair, "It's  a_RED Apple!"},
		{CleanRepair | CleanPunctuation | CleanCase | CleanSpaces, "its a red apple"},
	} {
		if got := test.steps.apply(text); got != test.want {
			t.Errorf("%04b: %+q, want %+q", test.steps, got, test.want)
		}
	}
}

func TestReadBERTRefuses(t *testing.T) {
	t.Parallel()
	const good = "[UNK]\n[CLS]\n[SEP]\na\n"
	for _, test := range []struct {
		name, vocabulary string
		context          int
		message          string
	}{
		{"empty", "", 52, "the vocabulary is empty; it must have one token a line"},
		{"no [SEP]", "[UNK]\n[CLS]\n", 52, "the vocabulary has no [SEP]; BERT's vocab.txt has one token a line, [CLS], [SEP] and [UNK] among them"},
		{"not UTF-8", good + "caf\xe9\n", 52, "vocabulary, line 5: it is not UTF-8"},
		{"carriage return", good + "a\rb\n", 52, `vocabulary, line 5: "a\rb" has a carriage return within; end lines with a line feed`},
		{"long token", good + strings.Repeat("a", 600), 52, "vocabulary, line 5: it has more than 512 bytes, so this is no vocabulary"},
		{"endless line", good + strings.Repeat("a", 10_000), 52, "vocabulary, line 5: it has more than 4096 bytes, so this is no vocabulary"},
		{"half a gzip file", zipped(t, good)[:20], 52, "the vocabulary cannot be read to its end; fetch or copy it again"},
		{"no context", good, 1, "a context of 1 tokens has no room for the start and the end token; it must be at least 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadBERT(strings.NewReader(test.vocabulary), test.context)
			if fault.KindOf(err) != fault.KindInvalid || fault.Public(err) != test.message {
				t.Errorf("got  %v\nwant %s", err, test.message)
			}
		})
	}
}

// A vocabulary may be zipped, have Windows' line ends, and list a token twice.
func TestReadBERTTakes(t *testing.T) {
	t.Parallel()
	for name, vocabulary := range map[string]string{
		"zipped":        zipped(t, "[UNK]\n[CLS]\n[SEP]\nx\na\n##b\n"),
		"Windows":       "[UNK]\r\n[CLS]\r\n[SEP]\r\n\r\na\r\n##b",
		"white space":   "[UNK]\n[CLS]\u3000\n [SEP]\n\n\ta\n##b\x1c\n",
		"a token twice": "[UNK]\n[CLS]\n[SEP]\na\na\n##b\n",
	} {
		bert, err := ReadBERT(strings.NewReader(vocabulary), 52)
		if err != nil {
			t.Fatal(name, err)
		}
		if ids, err := bert.Encode("AB bá"); err != nil || !slices.Equal(ids, Tokens{1, 4, 5, 0, 2}) {
			t.Errorf("%s: %v (%v)", name, ids, err)
		}
	}
}

// pieceMessage is a piece of a model file.
func pieceMessage(text string, score uint32, kind uint64) []byte {
	var p []byte
	p = protowire.AppendString(protowire.AppendTag(p, 1, protowire.BytesType), text)
	p = protowire.AppendFixed32(protowire.AppendTag(p, 2, protowire.Fixed32Type), score)
	return protowire.AppendVarint(protowire.AppendTag(p, 3, protowire.VarintType), kind)
}

func appendMessage(model []byte, id protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(model, id, protowire.BytesType), message)
}

func modelOf(messages ...[]byte) []byte {
	var model []byte
	for _, message := range messages {
		model = appendMessage(model, 1, message)
	}
	return model
}

func TestReadSentencePieceRefuses(t *testing.T) {
	t.Parallel()
	unknown, end := pieceMessage("<unk>", 0, 2), pieceMessage("</s>", 0, 3)
	trainer := func(id protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, id, protowire.VarintType), value)
	}
	rules := func(blob string) []byte {
		return appendMessage(modelOf(unknown, end), 3, appendMessage(nil, 2, []byte(blob)))
	}
	const damaged = "the normalization rules of the SentencePiece model are damaged; fetch or copy the model again"
	for _, test := range []struct {
		name    string
		model   []byte
		options []Option
		message string
	}{
		{"empty", nil, nil, "the SentencePiece model has no unknown piece"},
		{"text", []byte("this is no model"), nil, "the file is no SentencePiece model, or damaged; fetch or copy it again"},
		{"cut off", modelOf(unknown, end)[:15], nil, "the file is no SentencePiece model, or damaged; fetch or copy it again"},
		{"too large", make([]byte, maxModelBytes+1), nil, "the file has more than 67108864 bytes, so this is no SentencePiece model"},
		{"two unknown", modelOf(unknown, pieceMessage("x", 0, 2)), nil, `the SentencePiece model has two unknown pieces, "<unk>" and "x"`},
		{"twice", modelOf(unknown, end, end), nil, `the piece "</s>" is there twice`},
		{"empty piece", modelOf(unknown, pieceMessage("", 0, 1)), nil, "piece 1 has 0 bytes; it must have 1 to 512"},
		{"long piece", modelOf(unknown, pieceMessage(strings.Repeat("a", 513), 0, 1)), nil, "piece 1 has 513 bytes; it must have 1 to 512"},
		{"not UTF-8", modelOf(unknown, pieceMessage("\xff", 0, 1)), nil, `piece 1, "\xff", is not UTF-8 or has a zero byte`},
		{"zero byte", modelOf(unknown, pieceMessage("a\x00", 0, 1)), nil, `piece 1, "a\x00", is not UTF-8 or has a zero byte`},
		{"unknown kind", modelOf(unknown, pieceMessage("a", 0, 7)), nil, `piece 1, "a", is of the kind 7, which this program does not know; use a newer clipseek`},
		{"no score", modelOf(unknown, pieceMessage("a", 0x7FC00000, 1)), nil, `piece 1, "a", has no finite score`},
		{"endless score", modelOf(unknown, pieceMessage("a", 0x7F800000, 1)), nil, `piece 1, "a", has no finite score`},
		{"byte piece without fallback", modelOf(unknown, pieceMessage("<0x41>", 0, 6)), nil, `the byte piece "<0x41>" is not as <0x41>, or the model does not fall back to bytes`},
		{"one byte of 256", appendMessage(modelOf(unknown, pieceMessage("<0xAF>", 0, 6)), 2, trainer(35, 1)), nil, "the SentencePiece model falls back to bytes and has pieces for 1 of the 256"},
		{"words", appendMessage(modelOf(unknown, end), 2, trainer(3, 3)), nil, "the SentencePiece model is of type 3; only unigram (1) and BPE (2) are supported"},
		{"rules of two bytes", rules("ab"), nil, damaged},
		{"rules that end early", rules("\x08\x00\x00\x00abcdefgh"), nil, damaged},
		{"rules without a zero byte", rules("\x04\x00\x00\x00abcdx"), nil, damaged},
		{"value into nowhere", rules("\x04\x00\x00\x00\xff\x00\x00\x80a\x00"), nil, damaged},
		{"no control", modelOf(unknown, end), []Option{WithControls("<s>", "")}, `the SentencePiece model has no control piece "<s>"`},
		{"neither start nor end", modelOf(unknown, end), []Option{WithControls("", "")}, "a SentencePiece model needs a start or an end piece around texts, for example </s>"},
		{"no fairseq", modelOf(end, unknown), []Option{FairseqIDs()}, "the ids of fairseq are for models that start with <unk>, <s>, </s>; piece 0 of this one is not <unk>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadSentencePiece(bytes.NewReader(test.model), 64, append([]Option{WithControls("", "</s>")}, test.options...)...)
			if fault.KindOf(err) != fault.KindInvalid || fault.Public(err) != test.message {
				t.Errorf("got  %v\nwant %s", err, test.message)
			}
		})
	}
}

func TestPiecesConcurrently(t *testing.T) {
	t.Parallel()
	bert, bpe := smallBERT(t, 10_000), smallPieces(t, "bpe", 10_000)
	cases := readGoldenPieces(t).Cases
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range cases {
				c := cases[(i+worker*50)%len(cases)]
				ids, err := bert.Encode(c.Text)
				if err != nil || !slices.Equal(ids, c.BERT) {
					t.Errorf("%+q: %v, %v", c.Text, ids, err)
				}
				ids, err = bpe.Encode(c.Text)
				if err != nil || !slices.Equal(ids[1:len(ids)-1], c.BPE) {
					t.Errorf("%+q: %v, %v", c.Text, ids, err)
				}
				clear(ids)
			}
		})
	}
	group.Wait()
}

// As for CLIP: the texts have 60 words and more, so an allocation for each shows.
func TestAllocationsOfPieces(t *testing.T) {
	for name, tok := range map[string]Tokenizer{
		"BERT": smallBERT(t, 10_000), "unigram": smallPieces(t, "unigram", 10_000), "BPE": smallPieces(t, "bpe", 10_000),
	} {
		for _, text := range []string{"a photo of red apples", "pommes mûres à côté d'une fenêtre", "яблоки на столе", "水果 ΌΣΟΣ 한국어"} {
			text = strings.Repeat(text+" ", 20)
			if n := testing.AllocsPerRun(100, func() { _, _ = tok.Encode(text) }); n > 20 {
				t.Errorf("%s: %.30q... takes %v allocations", name, text, n)
			}
		}
	}
}

// Each stage does what those before it do and more; all take any text.
func TestStages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tok  Staged
		want []string
	}{
		"CLIP":    {small(t, 100), []string{"repair", "normalize", "split", "merge"}},
		"BERT":    {smallBERT(t, 100), []string{"split", "merge"}},
		"BPE":     {smallPieces(t, "bpe", 100), []string{"normalize", "merge"}},
		"unigram": {smallPieces(t, "unigram", 100, WithClean(CleanCase)), []string{"clean", "normalize", "merge"}},
	} {
		var names []string
		for _, stage := range tc.tok.Stages() {
			names = append(names, stage.Name)
			for _, c := range readGoldenPieces(t).Cases {
				stage.Run(c.Text)
			}
		}
		if !slices.Equal(names, tc.want) {
			t.Errorf("%s has the stages %v, want %v", name, names, tc.want)
		}
	}
}
