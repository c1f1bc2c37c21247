package encodertest

import (
	"strings"
	"testing"

	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// CLIP is the tokenizer of a model that has one of that kind.
func CLIP(t testing.TB, m *model.Model) *tokenizer.CLIP {
	t.Helper()
	merges, err := m.ReadFile(m.Card.Text.Tokenizer.Merges)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.ReadCLIP(strings.NewReader(string(merges)), m.Card.Text.Context)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
