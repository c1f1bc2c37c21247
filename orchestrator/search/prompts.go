package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"clipseek/orchestrator/model"
)

// What a short query is.
const (
	shortWords     = 3
	shortBytes     = 200
	lettersPerWord = 2 // in scripts without spaces; most Chinese words have two
	contentLetters = 4 // a word of so many letters says something: photo, picture, unlike of and the
)

// template is a text that takes a query, such as "a photo of a {}".
type template struct {
	before, after string
	scripts       map[string]int // of its letters; empty takes any
	words         []string       // what it says beside the query
}

func newTemplates(texts []string) []template {
	var all []template
	for _, text := range texts {
		before, after, _ := strings.Cut(text, model.PromptSlot) // the card was checked
		all = append(all, template{before, after, scriptsIn(before + after), append(content(before), content(after)...)})
	}
	return all
}

// prompted is the query in every template that takes it; none where only the query as it stands would come out.
//
// Templates take short queries: at most three words, where two letters of a script without spaces count as a word, not
// ending as a sentence does; a leading "a", "an" or "the" is left out. A template takes a query whose letters are all of
// scripts that the template is written in, so that 苹果 does not get into an English one, and which does not say yet what the
// template says, such as "photo".
func prompted(templates []template, query string) []string {
	name, ok := shortName(query)
	if !ok {
		return nil
	}
	letters, said := scriptsIn(name), content(name)
	var texts []string
	for _, t := range templates {
		if t.takes(letters, said) {
			texts = append(texts, t.before+name+t.after)
		}
	}
	if len(texts) == 1 && (texts[0] == name || texts[0] == query) {
		return nil
	}
	return texts
}

func (t template) takes(letters map[string]int, said []string) bool {
	for script := range letters {
		if len(t.scripts) > 0 && t.scripts[script] == 0 {
			return false
		}
	}
	return !slices.ContainsFunc(said, func(word string) bool { return slices.Contains(t.words, word) })
}

// shortName is the query without its article, if it is short.
func shortName(query string) (string, bool) {
	query = strings.TrimSpace(query)
	last, _ := utf8.DecodeLastRuneInString(query)
	if len(query) > shortBytes || strings.ContainsAny(query, "\r\n") || strings.ContainsRune(".!?。！？؟।", last) {
		return "", false
	}
	fields := strings.Fields(query)
	if len(fields) > 1 && slices.Contains([]string{"a", "an", "the"}, strings.ToLower(fields[0])) {
		fields = fields[1:]
	}
	words, lettered := 0, false
	for _, field := range fields {
		spaceless, other := 0, 0
		for script, count := range scriptsIn(field) {
			if unspaced[script] {
				spaceless += count
			} else {
				other += count
			}
		}
		words += (spaceless + lettersPerWord - 1) / lettersPerWord
		if other > 0 || spaceless == 0 {
			words++
		}
		lettered = lettered || spaceless+other > 0
	}
	return strings.Join(fields, " "), lettered && words <= shortWords
}

// content lists the words of a text that say something: those of four letters and more, and in scripts without spaces any
// two letters in a row.
func content(text string) []string {
	var found []string
	between := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }
	for _, word := range strings.FieldsFunc(strings.ToLower(text), between) {
		letters := []rune(word)
		switch {
		case unspaced[scriptOf(letters[0])]:
			for i := range len(letters) - 1 {
				found = append(found, string(letters[i:i+2]))
			}
		case len(letters) >= contentLetters:
			found = append(found, word)
		}
	}
	return found
}
