package tokenizer

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/tokenizer/referencetest"
)

// trainModels returns the folder of the models that pieces.py trains from captions and varied texts.
func trainModels(tb testing.TB) string {
	tb.Helper()
	folder := tb.TempDir()
	var input bytes.Buffer
	lines := json.NewEncoder(&input)
	for _, text := range slices.Concat(referencetest.Captions(4000), referencetest.Corpus(3000)) {
		if err := lines.Encode(text); err != nil {
			tb.Fatal(err)
		}
	}
	referencetest.Run(tb, &input, "pieces.py", folder)
	return folder
}

// openPieces reads a model without a limit of tokens. Every text gets an end piece.
func openPieces(tb testing.TB, path string, opts ...Option) *SentencePiece {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	pieces, err := ReadSentencePiece(file, 1<<30, append([]Option{WithControls("", "</s>")}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return pieces
}

func TestPiecesAreTheReference(t *testing.T) {
	t.Parallel()
	folder := trainModels(t)
	models, err := filepath.Glob(filepath.Join(folder, "*.model"))
	if err != nil || len(models) == 0 {
		t.Fatal("no models were trained", err)
	}
	for _, path := range models {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".model"), func(t *testing.T) {
			t.Parallel()
			pieces := openPieces(t, path)
			texts := referencetest.Corpus(corpusSize(t))
			want := referencetest.Ask[Tokens](t, "sentencepiece", texts, path)
			compareIDs(t, pieces, texts, func(i int) Tokens { return append(want[i], pieces.end) })
		})
	}
}

// compareIDs reports the texts whose ids are not the wanted ones.
func compareIDs(t *testing.T, tok Tokenizer, texts []string, want func(i int) Tokens) {
	t.Helper()
	got := make([]Tokens, len(texts))
	for i, text := range texts {
		var err error
		if got[i], err = tok.Encode(text); err != nil {
			t.Fatalf("text %d: %+q: %v", i, text, err)
		}
	}
	report(t, texts,
		func(i int) bool { return slices.Equal(got[i], want(i)) },
		func(i int) { t.Errorf("\tgot  %v\n\twant %v", got[i], want(i)) })
}

// The two orders of cleaning that open_clip has for SigLIP: with ftfy, as it loads models, and big_vision's own.
func TestCleanIsTheReference(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]Clean{
		"get_clean_fn": CleanRepair | CleanPunctuation | CleanCase | CleanSpaces,
		"canonicalize": CleanPunctuation | CleanCase | CleanSpaces,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts := referencetest.Corpus(corpusSize(t) / 2)
			want := referencetest.Ask[string](t, "clean", texts, name)
			report(t, texts,
				func(i int) bool { return steps.apply(texts[i]) == want[i] },
				func(i int) { t.Errorf("\tgot  %+q\n\twant %+q", steps.apply(texts[i]), want[i]) })
		})
	}
}
