package config

import "clipseek/orchestrator/nearest"

// suggest names the known key nearest to a mistyped one, as the end of a message.
func suggest(key string, known []string) string {
	best := nearest.Word(key, known)
	if best == "" {
		return "; `clipseek config print` lists the keys"
	}
	return "; did you mean " + best + "?"
}
