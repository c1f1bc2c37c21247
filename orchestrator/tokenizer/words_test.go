package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func words(text string, special bool) []string {
	var found []string
	for i := 0; ; {
		first, end := nextWord([]byte(text), i, special)
		if first == end {
			return found
		}
		found = append(found, text[first:end])
		i = end
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		special    bool
		want       string // with "/" between
	}{
		{"words and numbers", "a photo of 12 red-apples.", false, "a/photo/of/1/2/red/-/apples/."},
		{"contractions", "don't they've i'm it's he'd we'll you're", false, "don/'t/they/'ve/i/'m/it/'s/he/'d/we/'ll/you/'re"},
		{"a contraction before more letters", "'saddle 'market 'llama", false, "'s/addle/'m/arket/'ll/ama"},
		{"an apostrophe within punctuation", "!'s ''t", false, "!'/s/''/t"},
		{"case does not matter", "DON'T 'LL 'ſ", false, "DON/'T/'LL/'ſ"},
		{"special strings as text", "a<|endoftext|>b", false, "a/<|/endoftext/|>/b"},
		{"special strings", "a<|endoftext|><|startoftext|>b", true, "a/<|endoftext|>/<|startoftext|>/b"},
		{"special strings, other case", "<|EndOfText|><|ſtartoftext|>", true, "<|EndOfText|>/<|ſtartoftext|>"},
		{"special strings after punctuation", "!<|endoftext|>", true, "!<|/endoftext/|>"},
		{"nearly special", "<|endoftext| <|endo", true, "<|/endoftext/|/<|/endo"},
		{"scripts", "红苹果 яблоко ٣٤ ½²", false, "红苹果/яблоко/٣/٤/½/²"},
		{"marks are no letters", "e\u0301a क्षि", false, "e/\u0301/a/क/\u094d/ष/\u093f"},
		{"a mark that no part matches", "x\u0345y\u0345", false, "x/y"},
		{"emoji", "a👩‍👧🍎b", false, "a/👩‍👧🍎/b"},
		{"nothing", " \u2028\u00a0", false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(words(test.text, test.special), "/"); got != test.want {
				t.Errorf("%q:\n\tgot  %s\n\twant %s", test.text, got, test.want)
			}
		})
	}
}

// The short cuts for common characters say what the table says, and the table agrees with Go's as far as Go's goes.
func TestClassesAgree(t *testing.T) {
	t.Parallel()
	table := func(r rune) wordClass {
		i, _ := slices.BinarySearch(wordRuns[:], uint32(r+1)<<2)
		return wordClass(wordRuns[i-1] & 3)
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		want := table(r)
		if got, _ := classAt(utf8.AppendRune(nil, r)); got != want {
			t.Fatalf("%U: %d, the table has %d", r, got, want)
		}
		known := classOther
		switch {
		case unicode.IsLetter(r):
			known = classLetter
		case unicode.IsNumber(r):
			known = classNumber
		case unicode.IsSpace(r), r == 0x345:
			known = classNone
		}
		if known != want && known != classOther {
			t.Fatalf("%U: %d, Go's tables have %d", r, want, known)
		}
	}
}
