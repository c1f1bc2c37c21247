package main

import "testing"

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/photos/红苹果 a\u3000b\u00a0c 👩‍🌾.jpg": "/photos/红苹果 a\u3000b\u00a0c 👩‍🌾.jpg",
		"a\nb\r\tc.jpg":           `a\nb\r\tc.jpg`,
		"caf\xe9 \x1b[2J\x00.jpg": `caf\xe9 \x1b[2J\x00.jpg`,
		"\u2028\u202egpj.exe":     `\u2028\u202egpj.exe`,
		"\ufffd'\n'":              "\ufffd'\\n'",
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
}
