package ftfy

import (
	"math/rand/v2"
	"testing"

	"clipseek/orchestrator/tokenizer/referencetest"
)

// interesting are all characters that have a category, those that the rules name, and some of each other kind.
func interesting() []rune {
	chars := []rune("aezAZ09_.,?! \t\n\u00a0\u3000'-;中あк\u0301\u0490²")
	for r := range rune(0x10000) {
		if classOf(r) != 0 {
			chars = append(chars, r)
		}
	}
	return chars
}

// Every two of the characters that matter, alone, and many longer rows of them.
func TestBadIsTheReference(t *testing.T) {
	t.Parallel()
	chars := interesting()
	texts := make([]string, 0, len(chars)*len(chars)+100_000)
	for _, a := range chars {
		for _, b := range chars {
			texts = append(texts, string([]rune{a, b}))
		}
	}
	// The rules for longer rows are about few characters; these make them frequent.
	named := []rune("ØÙВГРСΒΓΞΟÂÃЂўв‚Ä€âóà√≈βā×²°œaz .!“”®µ\u00a0\n»A")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 80_000 {
		from := chars
		if i%3 > 0 {
			from = named
		}
		row := make([]rune, 3+random.IntN(5))
		for k := range row {
			row[k] = from[random.IntN(len(from))]
		}
		texts = append(texts, string(row))
	}
	texts = append(texts, "ГўВЂВ°a", "ГўВЂВ° ", "ГўВЂВ\na", "ГўВЂВ", "ГўВЂВx", "ГўВЂВ°é", "a\u00a0Ã ", "\u2003Â€", "Â ", "Ã")
	want := referencetest.Ask[bool](t, "bad", texts)
	differences := 0
	for i, text := range texts {
		if got := isBad(text); got != want[i] {
			if differences++; differences <= 10 {
				t.Errorf("%q (%+q): %v, want %v", text, text, got, want[i])
			}
		}
	}
	if differences > 0 {
		t.Errorf("%d of %d texts differ from the reference", differences, len(texts))
	}
}
