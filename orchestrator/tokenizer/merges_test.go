package tokenizer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"clipseek/orchestrator/fault"
)

func zipped(tb testing.TB, text string) string {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestReadCLIPRefuses(t *testing.T) {
	t.Parallel()
	const header = "#version: 0.2\n"
	good := header + "a b\nab c</w>\n"
	tests := []struct {
		name    string
		table   string
		context int
		merges  int
		message string
	}{
		{"empty", "", 77, 0, `the merge table is empty; it must start with a line that has "#version:" in it`},
		{"no header", "a b\n", 77, 0, `merge table, line 1: the header is missing; the first line must have "#version:" in it`},
		{"one symbol", header + "ab\n", 77, 0, `merge table, line 2: "ab" is not two symbols with one space between`},
		{"three symbols", header + "a b\na b c\n", 77, 0, `merge table, line 3: "a b c" is not two symbols with one space between`},
		{"blank line", header + "a b\n\nb c\n", 77, 0, `merge table, line 3: "" is not two symbols with one space between`},
		{"symbol from nowhere", header + "a b\nab cd\n", 77, 0, `merge table, line 3: no line before it makes the symbol "cd"`},
		{"symbol from a later line", header + "ab c\na b\n", 77, 0, `merge table, line 2: no line before it makes the symbol "ab"`},
		{"not a byte", header + "水 a\n", 77, 0, `merge table, line 2: no line before it makes the symbol "水"`},
		{"twice", header + "a b\nb c\na b\n", 77, 0, `merge table, line 4: the same merge is there before`},
		{"too few", good, 77, 3, `the merge table has 2 merges where 3 are wanted; it may have been cut off`},
		{"endless line", header + strings.Repeat("a", 10_000), 77, 0, `merge table, line 2: it has more than 4096 bytes, so this is no merge table`},
		{"half a gzip file", zipped(t, good)[:20], 77, 0, `the merge table cannot be read to its end; fetch or copy it again`},
		{"gzip in name only", "\x1f\x8bnonsense", 77, 0, `the merge table cannot be read to its end; fetch or copy it again`},
		{"negative merges", good, 77, -1, `-1 merges are asked for; there can be 0 (all there are) to 1048576`},
		{"no context", good, 1, 0, `a context of 1 tokens has no room for the start and the end token; it must be at least 2`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadCLIP(strings.NewReader(test.table), test.context, WithMerges(test.merges))
			if fault.KindOf(err) != fault.KindInvalid || fault.Public(err) != test.message {
				t.Errorf("got  %v\nwant %s", err, test.message)
			}
		})
	}
}

func TestReadCLIPKeepsTheCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("the disk is gone")
	broken := io.MultiReader(strings.NewReader("#version: 0.2\na b\n"), iotest.ErrReader(cause))
	if _, err := ReadCLIP(broken, 77); !errors.Is(err, cause) {
		t.Errorf("got %v, want the reader's error as the cause", err)
	}
}

func TestReadCLIPLayouts(t *testing.T) {
	t.Parallel()
	const text = "#version: 0.2\na b\nab c</w>\nd e"
	tests := []struct {
		name   string
		table  string
		merges int
		size   int
	}{
		{"as written", text, 0, 512 + 3 + 2},
		{"line break at the end", text + "\n", 0, 512 + 3 + 2},
		{"Windows line breaks", strings.ReplaceAll(text, "\n", "\r\n"), 0, 512 + 3 + 2},
		{"gzip", zipped(t, text), 0, 512 + 3 + 2},
		{"the first two", text, 2, 512 + 2 + 2},
		{"what follows is not looked at", text + "\n?\n", 3, 512 + 3 + 2},
		{"no merges at all", "#version: 0.2\n", 0, 512 + 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			clip, err := ReadCLIP(strings.NewReader(test.table), 77, WithMerges(test.merges))
			if err != nil {
				t.Fatal(err)
			}
			if clip.VocabularySize() != test.size || clip.Context() != 77 {
				t.Errorf("vocabulary %d, context %d; want %d, 77", clip.VocabularySize(), clip.Context(), test.size)
			}
			ids, err := clip.Encode("abc")
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) == 3 && ids[1] != 512+1 {
				t.Errorf("abc is %v, want the second merge", ids)
			}
		})
	}
}
