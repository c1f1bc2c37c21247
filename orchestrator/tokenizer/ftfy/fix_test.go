package ftfy

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFix(t *testing.T) {
	t.Parallel()
	mile := strings.Repeat("x", maxSegmentChars)
	tests := []struct{ name, text, want string }{
		{"nothing to do", "a photo\tof\fapples\n", "a photo\tof\fapples\n"},
		{"three layers", "doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t", "doesn't"},
		{"layers of different kinds", "&Atilde;&copy;", "é"},
		{"lost byte A0", "voilÃ le travail", "voilà le travail"},
		{"lost characters", "â€œ like this â€�", "\" like this �"},
		{"within other text", "schön sagt er: Ã¼ber “x”", "schön sagt er: über \"x\""},
		{"CESU-8", "í\u00a0½í¸\u0080", "😀"},
		{"CESU-8 cut off by the end of the line", "Ã©í\u00a0\u0080í°\n", "é\U0001000a"},
		{"null of Java, cut off by the end of the line", "Ã©À\n", "é"},
		{"C1 controls", "\u0093x\u0094 \u0085 \u0081", "\"x\" … \u0081"},
		{"not mojibake", "AHÅ™, the new sofa. ВІКІ. 4288×…", "AHÅ™, the new sofa. ВІКІ. 4288×…"},
		{"capitals", "&NTILDE; &nTILDE; &SZLIG; &EACUTE;", "Ñ &nTILDE; SS É"},
		{"HTML keeps its references from the first tag on", "&lt;\na<b &lt;\n&lt;\n", "<\na<b &lt;\n&lt;\n"},
		{"a tag that was a reference", "&lt;b&gt; &amp;lt;", "<b> <"},
		{"references that would leave a semicolon", "&#59; &#12x; &#xg;", "&#59; &#12x; &#xg;"},
		{"ligatures and width", "ﬁ ŉ Ǆ ＡＢ ｶﾞ ￣", "fi 'n DŽ AB ガ \u0020\u0304"},
		{"line breaks", "a\r\nb\rc\u2028d\u2029e", "a\nb\nc\nd\ne"},
		{"terminal", "\x1b[1;31mred\x1b[0m \x1b[?25h \x1b[9", "red [?25h [9"},
		{"controls", "a\x00\ufeff\u206f\ufffcb\u200d\u00adc", "ab\u200d\u00adc"},
		{"long lines are cut", mile + "Ã©", mile + "é"},
		{"mojibake is not seen across the cut", mile[1:] + "Ã©", mile[1:] + "Ã©"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Fix(test.text); got != test.want {
				t.Errorf("%.80q:\n\tgot  %.80q\n\twant %.80q", test.text, got, test.want)
			}
		})
	}
}

// The layers beyond the limit stay, and the time is bounded.
func TestLayersAreLimited(t *testing.T) {
	t.Parallel()
	deep := func(layers int) string { return "&" + strings.Repeat("amp;", layers) }
	if got := Fix(deep(maxPasses)); got != "&" {
		t.Errorf("%d layers left %q", maxPasses, got)
	}
	if got := Fix(deep(maxPasses + 3)); got != deep(3) {
		t.Errorf("%d layers left %q, want three", maxPasses+3, got)
	}
}

func TestUnescapeHTML(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"one pass", "&amp;amp;", "&amp;"},
		{"without semicolon", "&ampx &notit &copy2", "&x ¬it ©2"},
		{"with semicolon only", "&hellip &hellip;", "&hellip …"},
		{"two characters", "&bne;&fjlig;", "=\u20e5fj"},
		{"longest name", "&CounterClockwiseContourIntegral;", "∳"},
		{"unknown", "&xyz; &; & &&", "&xyz; &; & &&"},
		{"numbers", "&#65;&#65&#x41;&#X41&#x0041 ", "AAAAA "},
		{"forbidden numbers", "&#0;&#xd800;&#x110000;&#99999999999999999999;|&#1;&#xfdd0;&#x1ffff;&#11;|", "\ufffd\ufffd\ufffd\ufffd||"},
		{"Windows-1252", "&#128;&#x92;&#129;", "€’\u0081"},
		{"carriage return", "&#13;", "\r"},
		{"no digits", "&#; &#x; &#xg; &#", "&#; &#x; &#xg; &#"},
		{"at the end", "&amp &am &", "& &am &"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := UnescapeHTML(test.text); got != test.want {
				t.Errorf("%q:\n\tgot  %+q\n\twant %+q", test.text, got, test.want)
			}
		})
	}
}

func TestEntitiesAreSortedAndAsLongAsTheCodeSays(t *testing.T) {
	t.Parallel()
	shortest, longest := maxNameChars, 0
	for i, e := range entities {
		if i > 0 && entities[i-1].name >= e.name {
			t.Errorf("%s comes after %s", e.name, entities[i-1].name)
		}
		if !strings.HasSuffix(e.name, ";") {
			shortest, longest = min(shortest, len(e.name)), max(longest, len(e.name))
		}
	}
	if shortest != minBareName || longest != maxBareName {
		t.Errorf("names without semicolon have %d to %d letters, the code says %d to %d", shortest, longest, minBareName, maxBareName)
	}
}

// The plain algorithm and x/text's agree wherever the latter has no reason to break a row of marks up.
func TestComposeLong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"e\u0301 a\u0323\u0302 a\u0302\u0323", "\u1100\u1161\u11a8 가\u11a8 \u1100\u1161\u1161", "\u09c7\u09be क\u093c", "\u212b\u2126 ẛ̣",
		"\u0344\u0f73\u0f75", "\u0301a", "が\u3099", "\U0001d15e\U0001d165", "🍎é", "\u0958", "a\u0315\u0300\u05ae\u0300b",
	} {
		if got, want := composeLong(text), norm.NFC.String(text); got != want {
			t.Errorf("%+q: %+q, x/text has %+q", text, got, want)
		}
	}
	marks := strings.Repeat("\u0323\u0301", 100)
	if got, want := compose("e"+marks), "\u1eb9"+strings.Repeat("\u0323", 99)+strings.Repeat("\u0301", 100); got != want {
		t.Errorf("a long row of marks became %+q", got)
	}
}

func FuzzFix(f *testing.F) {
	for _, text := range []string{"", "doesnÃ¢â‚¬â„¢t &amp;lt;", "À\n", "e\u0301\u0323", "ØÙ\u001a\ufffd?", "\x1b[1m\r"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		fixed := Fix(text)
		if !utf8.ValidString(fixed) || !utf8.ValidString(UnescapeHTML(text)) {
			t.Fatalf("%+q became %+q", text, fixed)
		}
		if !strings.ContainsAny(text, "<&\n\r\x1b") && !strings.ContainsAny(fixed, "<&\n") && Fix(fixed) != fixed {
			t.Fatalf("%+q became %+q, and that %+q", text, fixed, Fix(fixed))
		}
	})
}
