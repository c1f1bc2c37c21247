package config

// suggest names the known key nearest to a mistyped one, as the end of a message; empty where none is near.
func suggest(key string, known []string) string {
	best, least := "", len(key)/3+2
	for _, candidate := range known {
		if d := distance(key, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return "; `clipseek config print` lists the keys"
	}
	return "; did you mean " + best + "?"
}

// distance is the Levenshtein distance: the fewest insertions, deletions and replacements that make b of a.
func distance(a, b string) int {
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
