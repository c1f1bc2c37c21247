package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// caption is one line of captions.jsonl.
type caption struct {
	File       string `json:"file"`       // path below the output folder, with forward slashes
	Fruit      string `json:"fruit"`      // one of the ten names
	Kind       string `json:"kind"`       // such as "red apple"
	Colour     string `json:"colour"`     // such as "red" or "yellow and pink"
	Count      int    `json:"count"`      // pieces; bunches of grapes, single bananas
	Setting    string `json:"setting"`    // such as "on a white plate on a wooden table"
	Background string `json:"background"` // such as "wood" or "plain yellow"
	Light      string `json:"light"`      // such as "warm evening light"
}

// fileName is where a picture goes below the output folder; pictures are numbered from 1.
func fileName(fruit, slug string, number, digits int) string {
	return fmt.Sprintf("%s/%s-%s-%0*d.jpg", fruit, fruit, slug, digits, number+1)
}

// captionLines writes one JSON object a line.
func captionLines(captions []caption) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, c := range captions {
		if err := enc.Encode(c); err != nil {
			return nil, fmt.Errorf("write the caption of %s: %w", c.File, err)
		}
	}
	return out.Bytes(), nil
}
