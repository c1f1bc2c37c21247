package main

import (
	"testing"

	"clipseek/orchestrator/model/pull"
)

func TestProgressText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		now  pull.Progress
		want string
	}{
		"no bytes":     {pull.Progress{Step: "proving X", Done: 5, Total: 5, Rate: 7}, "proving X"},
		"begun":        {pull.Progress{Step: "image.onnx", Bytes: true, Total: 2_000_000}, "image.onnx: 0 B of 2.0 MB (0 %)"},
		"half":         {pull.Progress{Step: "image.onnx", Bytes: true, Done: 1_000_000, Total: 2_000_000, Rate: 10_000}, "image.onnx: 1.0 MB of 2.0 MB (50 %), 10 kB/s, 1m40s left"},
		"no total":     {pull.Progress{Step: "image.onnx", Bytes: true, Done: 1_000_000, Rate: 10_000}, "image.onnx: 1.0 MB, 10 kB/s"},
		"stands still": {pull.Progress{Step: "image.onnx", Bytes: true, Done: 1_000_000, Total: 2_000_000}, "image.onnx: 1.0 MB of 2.0 MB (50 %)"},
		"more than it": {pull.Progress{Step: "image.onnx", Bytes: true, Done: 3_000_000, Total: 2_000_000, Rate: 10_000}, "image.onnx: 3.0 MB of 2.0 MB (100 %), 10 kB/s"},
	} {
		if got := progressText(tc.now); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
