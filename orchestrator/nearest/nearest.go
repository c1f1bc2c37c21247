// Package nearest finds the word that was probably meant: for messages that end in "did you mean".
package nearest

import (
	"cmp"
	"slices"
)

// Word is the known word nearest to a mistyped one; empty where none is near. A word is near when fewer than a third of
// its letters, and two more, have to change.
func Word(mistyped string, known []string) string {
	if words := Words(mistyped, known, 1); len(words) > 0 {
		return words[0]
	}
	return ""
}

// Words are at most most near words, the nearest first, those of equal distance in the order of known.
func Words(mistyped string, known []string, most int) []string {
	type candidate struct {
		word     string
		distance int
	}
	var near []candidate
	for _, word := range known {
		if d := Distance(mistyped, word); d < len(mistyped)/3+2 {
			near = append(near, candidate{word, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var words []string
	for _, c := range near[:min(most, len(near))] {
		words = append(words, c.word)
	}
	return words
}

// Distance is the Levenshtein distance: the fewest insertions, deletions and replacements of bytes that make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := corner
			if a[i] != b[j] {
				replace++
			}
			corner = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
