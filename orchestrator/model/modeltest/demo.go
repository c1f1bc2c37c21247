package modeltest

import (
	"testing"

	"clipseek/orchestrator/model"
)

// Demo is the built-in model.
func Demo(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.OpenDemo()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
