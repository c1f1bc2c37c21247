package tokenizer

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"clipseek/orchestrator/tokenizer/ftfy"
	"clipseek/orchestrator/tokenizer/referencetest"
)

// corpusSize is how many texts are compared with the reference; TEST_CORPUS changes it.
func corpusSize(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("TEST_CORPUS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 2_000
	}
	return 20_000
}

// openAI reads openai/CLIP's own merge table, which the reference package has with it.
func openAI(tb testing.TB, opts ...Option) *CLIP {
	tb.Helper()
	table, err := os.Open(referencetest.Ask[string](tb, "table", []string{""})[0])
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = table.Close() })
	clip, err := ReadCLIP(table, 77, append(opts, WithMerges(OpenAIMerges))...)
	if err != nil {
		tb.Fatal(err)
	}
	return clip
}

// report fails the test for the first few differences, which say most, and counts the rest.
func report(t *testing.T, texts []string, same func(i int) bool, show func(i int)) {
	t.Helper()
	differences := 0
	for i := range texts {
		if same(i) {
			continue
		}
		if differences++; differences <= 5 {
			t.Errorf("text %d: %+q", i, texts[i])
			show(i)
		}
	}
	if differences > 0 {
		t.Errorf("%d of %d texts differ from the reference", differences, len(texts))
	}
}

func TestIDsAreTheReference(t *testing.T) {
	t.Parallel()
	clip := openAI(t, AllowSpecial())
	clip.context = 1 << 20
	texts := referencetest.Corpus(corpusSize(t))
	want := referencetest.Ask[Tokens](t, "ids", texts)
	got := make([]Tokens, len(texts))
	for i, text := range texts {
		var err error
		if got[i], err = clip.Encode(text); err != nil {
			t.Fatalf("text %d: %+q: %v", i, text, err)
		}
	}
	report(t, texts,
		func(i int) bool { return slices.Equal(got[i], want[i]) },
		func(i int) { t.Errorf("\tgot  %v\n\twant %v", got[i], want[i]) })
}

func TestTextIsTheReference(t *testing.T) {
	t.Parallel()
	normalize := func(text string) string {
		normal, err := Normalize(text)
		if err != nil {
			return err.Error()
		}
		return normal
	}
	for _, step := range []struct {
		mode string
		run  func(string) string
	}{
		{"fix", ftfy.Fix},
		{"unescape", ftfy.UnescapeHTML},
		{"normalize", normalize},
	} {
		t.Run(step.mode, func(t *testing.T) {
			t.Parallel()
			texts := referencetest.Corpus(corpusSize(t) / 2)
			want := referencetest.Ask[string](t, step.mode, texts)
			report(t, texts,
				func(i int) bool { return step.run(texts[i]) == want[i] },
				func(i int) { t.Errorf("\tgot  %+q\n\twant %+q", step.run(texts[i]), want[i]) })
		})
	}
}

// Each character that both know, East Asia's letters and surrogates left out, where sigma's form shows whether it has case
// and whether it matters for case.
func TestLowerCaseIsTheReference(t *testing.T) {
	t.Parallel()
	var texts []string
	for r := rune('!'); r <= 0x1FFFF; r++ {
		if r >= 0x3400 && r <= 0xA48F || r >= 0xAC00 && r <= 0xF8FF || isTrimmed(r) || referencetest.SinceUnicode15(r) {
			continue
		}
		texts = append(texts, string(r)+"Σ", "a"+string(r)+"Σ", "aΣ"+string(r)+"b")
	}
	want := referencetest.Ask[string](t, "lower", texts)
	got := func(i int) string { return string(appendLower(nil, texts[i], true)) }
	report(t, texts,
		func(i int) bool { return got(i) == want[i] },
		func(i int) { t.Errorf("\tgot  %+q\n\twant %+q", got(i), want[i]) })
}

// The generated tables are what the generator makes of the packages that are installed, if those are the ones it says.
func TestTablesAreCurrent(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	referencetest.Run(t, nil, "tables.py", folder)
	for _, name := range []string{"words_table.go", "ftfy/mojibake_table.go", "ftfy/entities_table.go"} {
		made, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// The second line says which versions a table is from.
		madeFrom, keptFrom := bytes.SplitN(made, []byte("\n"), 4), bytes.SplitN(kept, []byte("\n"), 4)
		if !bytes.Equal(madeFrom[1], keptFrom[1]) {
			t.Skipf("%s was made from other versions:\n%s\n%s", name, keptFrom[1], madeFrom[1])
		}
		if !bytes.Equal(made, kept) {
			t.Errorf("%s is not what testdata/tables.py makes; run it again", name)
		}
	}
}

// BenchmarkAgainstReference encodes the same texts with the references and with this package and reports how many times
// faster the latter is, on one core each, the start of neither counted: x-python is against the package that ids are
// compared with, x-rust against Hugging Face's tokenizers. SentencePiece's package is C++ called from Python.
func BenchmarkAgainstReference(b *testing.B) {
	clip := openAI(b)
	clip.context = 1 << 30
	folder := trainModels(b)
	unigram, bpe := filepath.Join(folder, "unigram-nfkc.model"), filepath.Join(folder, "bpe-gemma.model")
	for _, set := range []struct {
		name  string
		texts []string
	}{
		{"captions", referencetest.Captions(5_000)},
		{"varied", referencetest.Corpus(5_000)},
	} {
		for _, tc := range []struct {
			name   string
			tok    Tokenizer
			python []string
			rust   []string
		}{
			{"clip", clip, []string{"ids"}, []string{"huggingface-clip"}},
			{"bert", openBERT(b), []string{"bert"}, []string{"huggingface-bert"}},
			{"unigram", openPieces(b, unigram), []string{"sentencepiece", unigram}, []string{"huggingface-pieces", unigram}},
			{"bpe", openPieces(b, bpe), []string{"sentencepiece", bpe}, []string{"huggingface-pieces", bpe}},
		} {
			b.Run(set.name+"/"+tc.name, func(b *testing.B) {
				python := referencetest.Seconds(b, set.texts, tc.python...)
				rust := referencetest.Seconds(b, set.texts, tc.rust...)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					for _, text := range set.texts {
						if _, err := tc.tok.Encode(text); err != nil {
							b.Fatal(err)
						}
					}
				}
				one := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(python/one, "x-python")
				b.ReportMetric(rust/one, "x-rust")
				b.ReportMetric(1e9*one/float64(len(set.texts)), "ns/text")
			})
		}
	}
}
