package search

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// kana stands for both of Japan's syllabaries, which are written side by side.
const kana = "Hiragana"

// otherScript is every script that no language of ISO 639-1 is written in.
const otherScript = "other"

// scripts of languages by the ISO 15924 code that package language has for them; the names are those of package unicode.
var scripts = map[string][]string{
	"Arab": {"Arabic"}, "Armn": {"Armenian"}, "Beng": {"Bengali"}, "Cans": {"Canadian_Aboriginal"}, "Cyrl": {"Cyrillic"},
	"Deva": {"Devanagari"}, "Ethi": {"Ethiopic"}, "Geor": {"Georgian"}, "Grek": {"Greek"}, "Gujr": {"Gujarati"},
	"Guru": {"Gurmukhi"}, "Hans": {"Han"}, "Hant": {"Han"}, "Hebr": {"Hebrew"}, "Jpan": {"Han", kana},
	"Khmr": {"Khmer"}, "Knda": {"Kannada"}, "Kore": {"Hangul", "Han"}, "Laoo": {"Lao"}, "Latn": {"Latin"},
	"Mlym": {"Malayalam"}, "Mymr": {"Myanmar"}, "Orya": {"Oriya"}, "Sinh": {"Sinhala"}, "Taml": {"Tamil"},
	"Telu": {"Telugu"}, "Thaa": {"Thaana"}, "Thai": {"Thai"}, "Tibt": {"Tibetan"}, "Yiii": {"Yi"},
}

// letterTables are the scripts' letters, those of most text first.
var letterTables = tablesOf(scripts)

type letterTable struct {
	name  string
	table *unicode.RangeTable
}

func tablesOf(scripts map[string][]string) []letterTable {
	var names []string
	for _, some := range scripts {
		names = append(names, some...)
	}
	slices.Sort(names)
	tables := []letterTable{{"Han", unicode.Han}, {"Latin", unicode.Latin}, {"Cyrillic", unicode.Cyrillic}}
	for _, name := range slices.Compact(names) {
		tables = append(tables, letterTable{name, unicode.Scripts[name]})
	}
	return tables
}

// alsoWritten are further scripts in daily use of languages for which package language has one.
var alsoWritten = map[string]string{
	"az": "Cyrillic", "bs": "Cyrillic", "kk": "Latin", "ku": "Arabic", "pa": "Arabic", "sr": "Latin", "tg": "Arabic", "uz": "Cyrillic",
}

// unspaced are the scripts that put no space between words.
var unspaced = map[string]bool{"Han": true, kana: true, "Thai": true, "Lao": true, "Khmer": true, "Myanmar": true, "Tibetan": true}

// scriptOf names the script of a letter; "" is what is no letter, or a letter of several scripts such as ー.
func scriptOf(r rune) string {
	switch {
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return "Latin"
	case !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited):
		return ""
	case unicode.Is(unicode.Katakana, r):
		return kana
	}
	for _, script := range letterTables {
		if unicode.Is(script.table, r) {
			return script.name
		}
	}
	return otherScript
}

// scriptsIn counts the letters of the text by their script.
func scriptsIn(text string) map[string]int {
	found := map[string]int{}
	for _, r := range text {
		if name := scriptOf(r); name != "" {
			found[name]++
		}
	}
	return found
}

// languages are those that a model knows.
type languages struct {
	codes   []string        // ISO 639-1
	scripts map[string]bool // that they are written in; nil where one of them has no script here
}

func newLanguages(codes []string) languages {
	known := map[string]bool{}
	for _, code := range codes {
		tag, err := language.Parse(code)
		if err != nil {
			return languages{codes: codes}
		}
		script, _ := tag.Script()
		names, ok := scripts[script.String()]
		if !ok {
			return languages{codes: codes}
		}
		for _, name := range names {
			known[name] = true
		}
		base, _ := tag.Base()
		if also, ok := alsoWritten[base.String()]; ok {
			known[also] = true
		}
	}
	return languages{codes: codes, scripts: known}
}

// note explains weak results: it is not empty where most letters of the text are of scripts that none of the languages is
// written in. Languages of one script are not told apart.
func (l languages) note(text string) string {
	if len(l.scripts) == 0 {
		return ""
	}
	all, foreign, strange := 0, 0, ""
	letters := scriptsIn(text)
	for _, name := range slices.Sorted(maps.Keys(letters)) {
		all += letters[name]
		if l.scripts[name] {
			continue
		}
		foreign += letters[name]
		if letters[name] > letters[strange] {
			strange = name
		}
	}
	if 2*foreign <= all {
		return ""
	}
	return fmt.Sprintf("the model knows %s and the text is written in %s, so what is found may have little to do with it",
		languageNames(l.codes), scriptName(strange))
}

// languageNames lists languages in English.
func languageNames(codes []string) string {
	const most = 6
	if len(codes) > most {
		return fmt.Sprintf("%d languages", len(codes))
	}
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = display.English.Languages().Name(language.Make(code))
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

func scriptName(name string) string {
	switch name {
	case "Han":
		return "Chinese characters"
	case kana:
		return "Japanese kana"
	case otherScript:
		return "a script of another language"
	}
	return strings.ReplaceAll(name, "_", " ") + " script"
}
