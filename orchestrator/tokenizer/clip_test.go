package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/tokenizer/ftfy"
)

// golden is what the reference made of texts; testdata/golden.py wrote it and says how.
type golden struct {
	Origin string
	Merges []string
	Cases  []struct {
		Text, Fixed, Normal string
		IDs                 Tokens
	}
}

func readGolden(tb testing.TB) golden { return readJSON[golden](tb, "testdata/golden.json") }

func readJSON[T any](tb testing.TB, path string) T {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		tb.Fatal(err)
	}
	return value
}

// small is a tokenizer with the golden set's own merge table.
func small(tb testing.TB, context int, opts ...Option) *CLIP {
	tb.Helper()
	table := strings.Join(append([]string{"#version: 0.2"}, readGolden(tb).Merges...), "\n") + "\n"
	clip, err := ReadCLIP(strings.NewReader(table), context, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return clip
}

func TestGolden(t *testing.T) {
	t.Parallel()
	clip := small(t, 10_000, AllowSpecial())
	for _, c := range readGolden(t).Cases {
		if fixed := ftfy.Fix(c.Text); fixed != c.Fixed {
			t.Errorf("%+q repaired:\n\tgot  %+q\n\twant %+q", c.Text, fixed, c.Fixed)
		}
		if normal, err := Normalize(c.Text); err != nil || normal != c.Normal {
			t.Errorf("%+q normalized:\n\tgot  %+q (%v)\n\twant %+q", c.Text, normal, err, c.Normal)
		}
		if ids, err := clip.Encode(c.Text); err != nil || !slices.Equal(ids, c.IDs) {
			t.Errorf("%+q encoded:\n\tgot  %v (%v)\n\twant %v", c.Text, ids, err, c.IDs)
		}
	}
}

func TestSpecialStringsAreText(t *testing.T) {
	t.Parallel()
	clip, special := small(t, 77), small(t, 77, AllowSpecial())
	const text = "a<|endoftext|>b"
	plain, err := clip.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(plain[1:len(plain)-1], clip.end) {
		t.Errorf("%q became a control token: %v", text, plain)
	}
	// The words of the pattern without its first two parts.
	apart, err := clip.Encode("a <| endoftext |> b")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(plain, apart) {
		t.Errorf("%q is %v, want the words' %v", text, plain, apart)
	}
	control, err := special.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(control) != 5 || control[2] != special.end {
		t.Errorf("%q with AllowSpecial is %v, want the end token in the middle of three", text, control)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	// Letters that no merge joins, so that each is a token.
	const four = "j q j q"
	tests := []struct {
		name      string
		context   int
		text      string
		message   string // of Encode; empty is success
		truncated int    // tokens
	}{
		{"fits exactly", 6, four, "", 6},
		{"room to spare", 77, four, "", 6},
		{"one too many", 5, four, "the text has 6 tokens, the model takes 5 (start and end included); shorten it or ask for truncation", 5},
		{"only start and end", 2, four, "the text has 6 tokens, the model takes 2 (start and end included); shorten it or ask for truncation", 2},
		{"empty", 2, "", "", 2},
		{"only space", 2, " \n\u3000", "", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			clip := small(t, test.context)
			ids, err := clip.Encode(test.text)
			if test.message == "" && err != nil || test.message != "" && (fault.Public(err) != test.message || fault.KindOf(err) != fault.KindTooLarge) {
				t.Errorf("Encode: %v, want %q", err, test.message)
			}
			cut, err := clip.EncodeTruncated(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(cut) != test.truncated || cut[0] != clip.start || cut[len(cut)-1] != clip.end {
				t.Errorf("EncodeTruncated = %v, want %d tokens from start to end", cut, test.truncated)
			}
			if test.message == "" && !slices.Equal(ids, cut) {
				t.Errorf("what fits was truncated: %v, %v", ids, cut)
			}
		})
	}
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	clip := small(t, 77)
	for _, test := range []struct{ name, text, message string }{
		{"stray byte", "caf\xe9", "the text is not UTF-8: byte 3 (0xe9) does not belong there; send the text in UTF-8"},
		{"after a real U+FFFD", "\ufffd\xff", "the text is not UTF-8: byte 3 (0xff) does not belong there; send the text in UTF-8"},
		{"cut off", "水\xe6\xb0", "the text is not UTF-8: byte 3 (0xe6) does not belong there; send the text in UTF-8"},
		{"surrogate", "\xed\xa0\x80", "the text is not UTF-8: byte 0 (0xed) does not belong there; send the text in UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for method, encode := range map[string]func(string) (Tokens, error){"Encode": clip.Encode, "EncodeTruncated": clip.EncodeTruncated} {
				ids, err := encode(test.text)
				if ids != nil || fault.KindOf(err) != fault.KindInvalid || fault.Public(err) != test.message {
					t.Errorf("%s = %v, %v; want %q", method, ids, err, test.message)
				}
			}
		})
	}
}

// Tokens belong to the caller and calls do not share memory that shows.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	clip := small(t, 10_000, AllowSpecial())
	cases := readGolden(t).Cases
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range cases {
				c := cases[(i+worker*50)%len(cases)]
				ids, err := clip.Encode(c.Text)
				if err != nil || !slices.Equal(ids, c.IDs) {
					t.Errorf("%+q: %v, %v", c.Text, ids, err)
				}
				clear(ids)
			}
		})
	}
	group.Wait()
}

// Once the scratch memory is there, only the result is allocated. The test leaves room for making that memory anew now
// and then, as the race detector forces sync.Pool to; the texts have 60 words and more, so an allocation for each shows.
func TestAllocationsDoNotGrowWithTheText(t *testing.T) {
	clip := small(t, 10_000)
	for _, text := range []string{"a photo of red apples", "pommes mûres à côté d'une fenêtre", "яблоки на столе"} {
		text = strings.Repeat(text+" ", 20)
		if n := testing.AllocsPerRun(100, func() { _, _ = clip.Encode(text) }); n > 20 {
			t.Errorf("%.30q... takes %v allocations", text, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	clip := openAI(b, AllowSpecial())
	for _, bench := range []struct{ name, text string }{
		{"query", "a photo of ripe cherries in a wooden basket"},
		{"accents", "une photo de pommes mûres à côté d'une fenêtre très éclairée"},
		{"chinese", "一张放在木桌上的红苹果的照片"},
		{"mojibake", "une photo de pommes mÃ»res Ã  cÃ´tÃ© d'une fenÃªtre trÃ¨s Ã©clairÃ©e"},
		{"megabyte word", strings.Repeat("a", 1<<20)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for range b.N {
				if _, err := clip.EncodeTruncated(bench.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
