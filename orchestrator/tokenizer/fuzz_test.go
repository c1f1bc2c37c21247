package tokenizer

import (
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
			inside := id >= 0 && id < clip.start()
			if i == 0 && id != clip.start() || i == len(ids)-1 && id != clip.end() || i > 0 && i < len(ids)-1 && !inside {
				t.Fatalf("%+q: token %d of %v", text, i, ids)
			}
		}
		short, err := cut.EncodeTruncated(text)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(ids[:min(len(ids), 8)])
		want[len(want)-1] = clip.end()
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
