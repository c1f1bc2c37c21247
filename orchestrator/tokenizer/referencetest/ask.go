// Package referencetest is what the tests of tokenizers share: the reference packages of Python, asked about texts, and a
// large varied set of texts to ask about.
//
// It is for tests only.
package referencetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// requireEnv makes a missing reference a failure, where it is set to 1, instead of a reason to skip.
const requireEnv = "REQUIRE_REFERENCE"

// Ask sends texts to testdata/reference.py in the given mode, with the mode's arguments, and returns its answers, one for
// each text. It skips the test where the project's Python environment is not there.
func Ask[T any](tb testing.TB, mode string, texts []string, args ...string) []T {
	tb.Helper()
	var input bytes.Buffer
	lines := json.NewEncoder(&input)
	for _, text := range texts {
		if err := lines.Encode(text); err != nil {
			tb.Fatal(err)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(Run(tb, &input, "reference.py", append([]string{mode}, args...)...)))
	answers := make([]T, 0, len(texts))
	for {
		var answer T
		if err := decoder.Decode(&answer); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			tb.Fatalf("answer %d of reference.py %s: %v", len(answers), mode, err)
		}
		answers = append(answers, answer)
	}
	if mode != timeMode && len(answers) != len(texts) {
		tb.Fatalf("reference.py %s gave %d answers to %d texts", mode, len(answers), len(texts))
	}
	return answers
}

// timeMode has one answer for all texts.
const timeMode = "time"

// Seconds is how long the reference takes to answer all texts in a mode, its start not counted.
func Seconds(tb testing.TB, texts []string, mode ...string) float64 {
	tb.Helper()
	return Ask[struct{ Seconds float64 }](tb, timeMode, texts, mode...)[0].Seconds
}

// Run runs a program of testdata in the project's Python environment and returns what it printed. It skips the test where
// that environment is not there.
func Run(tb testing.TB, stdin io.Reader, program string, args ...string) []byte {
	tb.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("the place of the source is not known")
	}
	folder := filepath.Dir(filepath.Dir(here))
	python := filepath.Join(folder, "..", "..", ".venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		if os.Getenv(requireEnv) == "1" {
			tb.Fatalf("the reference's interpreter is not there, and %s is set: %v", requireEnv, err)
		}
		tb.Skipf("the reference's interpreter is not there (make setup installs it): %v", err)
	}
	var output, complaints bytes.Buffer
	args = append([]string{"-B", filepath.Join(folder, "testdata", program)}, args...)
	command := exec.CommandContext(tb.Context(), python, args...)
	command.Stdin, command.Stdout, command.Stderr = stdin, &output, &complaints
	if err := command.Run(); err != nil {
		tb.Fatalf("%s: %v\n%s", program, err, complaints.Bytes())
	}
	return output.Bytes()
}
