package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

func addTexts(f *testing.F) {
	for _, text := range []string{
		"", "a photo of ripe cherries", "it's 50% <|endoftext|>", "caf\xe9", "&amp;amp;lt; &#x110000; &notit", "doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t",
		"À\n", "Ã©í\u00a0\u0080í°\n", "e" + strings.Repeat("\u0301\u0323", 40), "ΑΣ İ ŉ ﬃ", "\x1b[1;31m\r\n\u2028", "â€œ like this â€�", "\u1100\u1161\u11a8",
	} {
		f.Add(text)
	}
}

func FuzzNormalize(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		normal, err := Normalize(text)
		if (err == nil) != utf8.ValidString(text) || err != nil && fault.KindOf(err) != fault.KindInvalid {
			t.Fatalf("%+q: %v", text, err)
		}
		if !utf8.ValidString(normal) || strings.Contains(normal, "  ") || strings.TrimFunc(normal, isTrimmed) != normal {
			t.Fatalf("%+q became %+q", text, normal)
		}
	})
}

func FuzzEncode(f *testing.F) {
	addTexts(f)
	clip := small(f, 1<<30)
	cut := small(f, 8)
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := clip.Encode(text)
		if err != nil {
			if fault.KindOf(err) != fault.KindInvalid || utf8.ValidString(text) {
				t.Fatal(err)
			}
			return
		}
		for i, id := range ids {
			inside := id >= 0 && id < clip.start
			if i == 0 && id != clip.start || i == len(ids)-1 && id != clip.end || i > 0 && i < len(ids)-1 && !inside {
				t.Fatalf("%+q: token %d of %v", text, i, ids)
			}
		}
		short, err := cut.EncodeTruncated(text)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(ids[:min(len(ids), 8)])
		want[len(want)-1] = clip.end
		if !slices.Equal(short, want) {
			t.Fatalf("%+q: %v truncated is %v", text, ids, short)
		}
	})
}

func FuzzReadCLIP(f *testing.F) {
	for _, table := range []string{
		"", "#version: 0.2\n", "#version: 0.2\na b\nab c</w>\n", "#version:\r\na b\r\n", "#version:\na b\na b\n", "#version:\nab\n", "\x1f\x8b", "#version:\na </w>\n",
		zipped(f, "#version: 0.2\na b\n"),
	} {
		f.Add([]byte(table), 0)
	}
	f.Add([]byte("#version: 0.2\na b\nab c</w>\n"), 1)
	f.Fuzz(func(t *testing.T, table []byte, merges int) {
		clip, err := ReadCLIP(strings.NewReader(string(table)), 77, WithMerges(merges))
		if err != nil {
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatal(err)
			}
			return
		}
		if _, err := clip.EncodeTruncated("abc abcab 水 " + strings.Repeat("ab", 100)); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzBERT(f *testing.F) {
	addTexts(f)
	bert, cut := smallBERT(f, 1<<30), smallBERT(f, 8)
	cased := smallBERT(f, 1<<30, Cased(), AllowSpecial())
	f.Fuzz(func(t *testing.T, text string) {
		fuzzPieces(t, bert, cut, text, bert.end)
		if ids, err := cased.Encode(text); err == nil && (ids[0] != cased.start || ids[len(ids)-1] != cased.end) {
			t.Fatalf("%+q: %v", text, ids)
		}
	})
}

func FuzzSentencePiece(f *testing.F) {
	addTexts(f)
	for _, text := range []string{"<b>apple\u2581\u2581 x", "</s><s>\n\n", "e\u0301\u0323\u3000 \t", "\u2581", "\U0010ffff\u0000"} {
		f.Add(text)
	}
	unigram, bpe := smallPieces(f, "unigram", 1<<30), smallPieces(f, "bpe", 1<<30, AllowSpecial())
	cutUnigram, cutBPE := smallPieces(f, "unigram", 8), smallPieces(f, "bpe", 8, AllowSpecial())
	f.Fuzz(func(t *testing.T, text string) {
		fuzzPieces(t, unigram, cutUnigram, text, unigram.end)
		fuzzPieces(t, bpe, cutBPE, text, bpe.end)
	})
}

// fuzzPieces encodes text, twice to have words from the cache, and cuts it.
func fuzzPieces(t *testing.T, tok, cut Tokenizer, text string, end int32) {
	t.Helper()
	ids, err := tok.Encode(text)
	if (err == nil) != utf8.ValidString(text) || err != nil && fault.KindOf(err) != fault.KindInvalid {
		t.Fatalf("%+q: %v", text, err)
	}
	if err != nil {
		return
	}
	if again, err := tok.Encode(text); err != nil || !slices.Equal(ids, again) {
		t.Fatalf("%+q: %v, then %v (%v)", text, ids, again, err)
	}
	short, err := cut.EncodeTruncated(text)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(ids[:min(len(ids), cut.Context())])
	want[len(want)-1] = end
	if !slices.Equal(short, want) {
		t.Fatalf("%+q: %v truncated is %v", text, ids, short)
	}
}

func FuzzReadBERT(f *testing.F) {
	for _, vocabulary := range []string{
		"", "[UNK]\n[CLS]\n[SEP]\na\n##b\n", "[CLS]\r\n\r\n[SEP]\n[UNK]\n##\n", "[UNK]\n[CLS]\n[SEP]\n\xff\n", "\x1f\x8b", zipped(f, "[UNK]\n[CLS]\n[SEP]\n水\n"),
	} {
		f.Add([]byte(vocabulary))
	}
	f.Fuzz(func(t *testing.T, vocabulary []byte) {
		bert, err := ReadBERT(bytes.NewReader(vocabulary), 52)
		tryRead(t, bert, err)
	})
}

func FuzzReadSentencePiece(f *testing.F) {
	f.Add([]byte{})
	f.Add(modelOf(pieceMessage("<unk>", 0, 2), pieceMessage("</s>", 0, 3), pieceMessage("a", 0xC0000000, 1)))
	for _, model := range readGoldenPieces(f).Models {
		f.Add(model)
	}
	f.Fuzz(func(t *testing.T, model []byte) {
		pieces, err := ReadSentencePiece(bytes.NewReader(model), 52, WithControls("", "</s>"))
		tryRead(t, pieces, err)
	})
}

// tryRead expects a tokenizer that works, or Invalid.
func tryRead(t *testing.T, tok Tokenizer, err error) {
	t.Helper()
	if err != nil {
		if fault.KindOf(err) != fault.KindInvalid {
			t.Fatal(err)
		}
		return
	}
	for _, text := range []string{"abc ABC a水b\u3000é!", strings.Repeat("ab", 100), "e\u0301<b>apple &amp;\n\t x"} {
		if ids, err := tok.EncodeTruncated(text); err != nil || len(ids) > tok.Context() {
			t.Fatalf("%q: %v (%v)", text, ids, err)
		}
	}
}
