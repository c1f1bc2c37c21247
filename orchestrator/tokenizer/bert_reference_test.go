package tokenizer

import (
	"os"
	"testing"
	"unicode"

	"clipseek/orchestrator/tokenizer/referencetest"
)

// openBERT reads Chinese-CLIP's own vocabulary, which the reference package has with it, without a limit of tokens.
func openBERT(tb testing.TB, opts ...Option) *BERT {
	tb.Helper()
	file, err := os.Open(referencetest.Ask[string](tb, "vocabulary", []string{""})[0])
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	bert, err := ReadBERT(file, 1<<30, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return bert
}

func TestBERTIsTheReference(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]Option{"lower": nil, "cased": {Cased()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts := referencetest.Corpus(corpusSize(t))
			want := referencetest.Ask[Tokens](t, "bert", texts, "", name)
			compareIDs(t, openBERT(t, opts...), texts, func(i int) Tokens { return want[i] })
		})
	}
}

// Each character that both know, between letters and with marks behind it, where it shows whether it is left out, apart,
// an accent, and in which order it stands.
func TestBERTCharactersAreTheReference(t *testing.T) {
	t.Parallel()
	var texts []string
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if r >= 0x3400 && r <= 0x9FFF || r >= 0xD800 && r <= 0xF8FF || r >= 0x20000 && r <= 0xE0000 || r >= 0xF0000 || referencetest.SinceUnicode15(r) {
			continue
		}
		texts = append(texts, "a"+string(r)+"b 水"+string(r)+"\u302e\u0323\U0001d165"+string(r))
	}
	want := referencetest.Ask[Tokens](t, "bert", texts)
	compareIDs(t, openBERT(t), texts, func(i int) Tokens { return want[i] })
}
