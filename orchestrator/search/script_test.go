package search

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

// Every language of ISO 639-1 has a script that is known here, but those for which package language has none or a dead one;
// for them no note is made.
func TestScriptsOfAllLanguages(t *testing.T) {
	t.Parallel()
	none := []string{"ae", "an", "bh", "ie", "oj", "pi", "tw"}
	found := 0
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			code := string([]rune{a, b})
			base, err := language.ParseBase(code)
			if err != nil || base.String() != code { // withdrawn codes stand for others
				continue
			}
			found++
			if got := newLanguages([]string{code}).scripts; (len(got) == 0) != slices.Contains(none, code) {
				t.Errorf("%s: %v", code, got)
			}
		}
	}
	if found < 170 {
		t.Errorf("%d languages were tried; ISO 639-1 has more than 180", found)
	}
}

func TestScriptOf(t *testing.T) {
	t.Parallel()
	for r, want := range map[rune]string{
		'a': "Latin", 'É': "Latin", 'я': "Cyrillic", 'λ': "Greek", '苹': "Han", 'り': kana, 'リ': kana, '사': "Hangul", 'ت': "Arabic",
		'แ': "Thai", 'ა': "Georgian", '\U00010400': otherScript, 'ー': "", '7': "", '🍎': "", ' ': "", '\u0301': "",
	} {
		if got := scriptOf(r); got != want {
			t.Errorf("%c (%U): %q, want %q", r, r, got, want)
		}
	}
}

func TestLanguageNote(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		languages []string
		text      string
		want      string // "" is no note
	}{
		"English":                     {[]string{"en"}, "a red apple", ""},
		"Chinese for English":         {[]string{"en"}, "红苹果", "the model knows English and the text is written in Chinese characters"},
		"Chinese":                     {[]string{"en", "zh"}, "红苹果", ""},
		"traditional Chinese":         {[]string{"zh"}, "紅蘋果", ""},
		"Russian for both":            {[]string{"en", "zh"}, "яблоко", "the model knows English and Chinese and the text is written in Cyrillic script"},
		"English for Chinese":         {[]string{"zh"}, "apple", "the model knows Chinese and the text is written in Latin script"},
		"a name among Chinese":        {[]string{"zh"}, "红色的苹果和iPad", ""},
		"a word of Russian":           {[]string{"en"}, "an old самовар in a museum", ""},
		"mostly Russian":              {[]string{"en"}, "самовар и sugar", "Cyrillic"},
		"kana for Chinese":            {[]string{"zh"}, "りんご", "Japanese kana"},
		"characters for Japanese":     {[]string{"ja"}, "東京", ""},
		"characters for Korean":       {[]string{"ko"}, "東京", ""},
		"French for English":          {[]string{"en"}, "une pomme", ""}, // one script: not told apart
		"Serbian has two":             {[]string{"sr"}, "jabuka и јабука", ""},
		"a script of no language":     {[]string{"en"}, "\U00010428\U00010429", "a script of another language"},
		"figures":                     {[]string{"zh"}, "7 🍎", ""},
		"no text":                     {[]string{"zh"}, "", ""},
		"no languages":                {nil, "红苹果", ""},
		"a language that is none":     {[]string{"en", "many"}, "红苹果", ""},
		"more languages than a few":   {[]string{"en", "fr", "de", "es", "it", "pt", "nl"}, "яблоко", "the model knows 7 languages and"},
		"several, with the last word": {[]string{"en", "fr", "de"}, "яблоко", "knows English, French and German and"},
	} {
		got := newLanguages(tc.languages).note(tc.text)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
