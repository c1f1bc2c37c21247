package model

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// PromptSlot is where a template takes the query.
const PromptSlot = "{}"

// The bounds of a card's templates. OpenAI's list for ImageNet, the longest in use, has 80 of up to 40 bytes.
const (
	maxPrompts     = 100
	maxPromptBytes = 200
)

// promptFaults says what is wrong with text.prompts.
func promptFaults(templates []string) []string {
	var wrong []string
	if len(templates) > maxPrompts {
		wrong = append(wrong, fmt.Sprintf("text.prompts has %d templates and may have %d: each one is another text to encode", len(templates), maxPrompts))
	}
	for i, template := range templates {
		switch rest := strings.Replace(template, PromptSlot, "", 1); {
		case len(template) > maxPromptBytes:
			wrong = append(wrong, fmt.Sprintf("text.prompts[%d] has %d bytes and may have %d", i, len(template), maxPromptBytes))
		case !utf8.ValidString(template):
			wrong = append(wrong, fmt.Sprintf("text.prompts[%d] is not UTF-8", i))
		case rest == template || strings.ContainsAny(rest, "{}"):
			wrong = append(wrong, fmt.Sprintf("text.prompts[%d] is %q and must hold {} once and no other brace, as in \"a photo of a {}\"", i, template))
		case slices.Contains(templates[:i], template):
			wrong = append(wrong, fmt.Sprintf("text.prompts[%d] is %q, which is there already", i, template))
		}
	}
	return wrong
}
