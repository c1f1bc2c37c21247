package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrompted(t *testing.T) {
	t.Parallel()
	english := []string{"{}", "a photo of a {}", "the large {}."}
	mixed := []string{"{}", "a photo of a {}", "一张{}的照片", "{}の写真"}
	for name, tc := range map[string]struct {
		templates []string
		query     string
		want      []string
	}{
		"a name":                        {english, "apple", []string{"apple", "a photo of a apple", "the large apple."}},
		"spaces":                        {english, "  red \t apple ", []string{"red apple", "a photo of a red apple", "the large red apple."}},
		"three words":                   {english, "granny smith apple", []string{"granny smith apple", "a photo of a granny smith apple", "the large granny smith apple."}},
		"four words":                    {english, "apples on a shelf", nil},
		"an article is none":            {english, "The old oak tree", []string{"old oak tree", "a photo of a old oak tree", "the large old oak tree."}},
		"an article alone":              {[]string{"a photo of {}"}, "the", []string{"a photo of the"}},
		"a sentence":                    {english, "It rains.", nil},
		"a question in Chinese":         {mixed, "苹果呢？", nil},
		"two lines":                     {english, "red\napple", nil},
		"what a template says":          {english, "photo of apples", []string{"photo of apples", "the large photo of apples."}},
		"what another says":             {english, "Large dog", []string{"Large dog", "a photo of a Large dog"}},
		"no templates":                  {nil, "apple", nil},
		"only itself":                   {[]string{"{}"}, "apple", nil},
		"only itself, with its article": {[]string{"{}"}, "an apple", nil},
		"Chinese":                       {mixed, "红苹果", []string{"红苹果", "一张红苹果的照片", "红苹果の写真"}},
		"Chinese with English alone":    {english, "红苹果", nil},
		"English with all":              {mixed, "apple", []string{"apple", "a photo of a apple"}},
		"kana":                          {mixed, "リンゴ", []string{"リンゴ", "リンゴの写真"}},
		"six characters":                {mixed, "澳洲的青苹果", []string{"澳洲的青苹果", "一张澳洲的青苹果的照片", "澳洲的青苹果の写真"}},
		"seven characters":              {mixed, "澳洲来的青苹果", nil},
		"a photo, in Chinese":           {mixed, "苹果照片", []string{"苹果照片", "苹果照片の写真"}},
		"two scripts":                   {mixed, "T恤", nil},
		"Russian":                       {[]string{"a photo of a {}", "фото: {}"}, "яблоко", []string{"фото: яблоко"}},
		"no letters":                    {english, "🍎 7", nil},
		"a number and a word":           {english, "7 apples", []string{"7 apples", "a photo of a 7 apples", "the large 7 apples."}},
		"a long word":                   {english, strings.Repeat("x", 201), nil},
		"blank":                         {english, " ", nil},
	} {
		if got := prompted(newTemplates(tc.templates), tc.query); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// FuzzPrompted holds that templates lengthen a text by no more than themselves and add no broken UTF-8.
func FuzzPrompted(f *testing.F) {
	for _, seed := range []string{"apple", "a red apple", "红苹果", "T恤", "\xff", "a\xe9b", "ー", "\u0301x", "the  the"} {
		f.Add(seed)
	}
	templates := newTemplates([]string{"{}", "a photo of a {}", "一张{}的照片"})
	f.Fuzz(func(t *testing.T, query string) {
		texts := prompted(templates, query)
		if len(texts) > len(templates) {
			t.Fatalf("%d texts of %d templates", len(texts), len(templates))
		}
		for _, text := range texts {
			if len(text) > shortBytes+len("一张的照片") || utf8.ValidString(query) && !utf8.ValidString(text) {
				t.Errorf("%q became %q", query, text)
			}
		}
	})
}
