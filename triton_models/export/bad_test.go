package export_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadWeightsAreRefused has every bad input end with one line that says what is wrong, nothing written, and nothing
// that a file says carried out.
func TestBadWeightsAreRefused(t *testing.T) {
	folder := t.TempDir()
	must(t, nil, "testdata/bad.py", folder)
	there := filepath.Join(folder, "there")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, weights string
		args          []string
		want          string
	}{
		{"pickle that runs a command", "malicious.pt", nil, "a pickle that wants to run code"},
		{"the same with --trust", "malicious.pt", []string{"--trust", "--arch", "ViT-B/32"}, "a pickle that wants to run code"},
		{"checkpoint that calls eval", "malicious-checkpoint.pt", []string{"--arch", "ViT-B-32"}, "a pickle that wants to run code"},
		{"old format", "malicious-old.pt", nil, "a pickle that wants to run code"},
		{"bare pickle", "bare.pkl", nil, "a pickle that wants to run code"},
		{"folder of Hugging Face", "malicious-folder", nil, "a pickle that wants to run code"},
		{"program", "program.pt", nil, "say --trust"},
		{"program that only looks like one", "disguised.pt", nil, "say --trust"},
		{"the same with --trust", "disguised.pt", []string{"--trust"}, "damaged TorchScript archive"},
		{"weights of something else", "other.pt", nil, "name it with --arch"},
		{"weights of something else, named", "other.pt", []string{"--arch", "ViT-B/32"}, "does not hold the two towers"},
		{"weights of something else, as open_clip's", "other.pt", []string{"--arch", "ViT-B-32"}, "are not those of open_clip's ViT-B-32"},
		{"weights of something else, as Chinese-CLIP's", "other.pt", []string{"--arch", "chinese-clip-vit-b-16"}, "original Chinese-CLIP"},
		{"weights of something else, as a ResNet's", "other.pt", []string{"--arch", "resnet50"}, "ResNet-50"},
		{"unknown architecture", "other.pt", []string{"--arch", "ViT-B-33"}, "did you mean"},
		{"no weights", "nothing.pt", nil, "holds no weights"},
		{"list", "list.pt", nil, "not a state dict"},
		{"text", "text.pt", nil, "text.pt"},
		{"empty file", "empty.pt", nil, "empty.pt"},
		{"cut file", "cut.pt", nil, "cut.pt"},
		{"cut safetensors", "cut.safetensors", nil, "not a safetensors file or is damaged"},
		{"missing file", "missing.pt", nil, "is not there"},
		{"folder without a model", "plain", nil, "is no model folder"},
		{"folder of another model", "unknown", nil, "model_type 'bert'"},
		{"calibration without a folder", "other.pt", []string{"--calibration", filepath.Join(folder, "no")}, "correct --calibration"},
		{"out that is there", "other.pt", []string{"--out", there}, "is there already"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := t.TempDir()
			args := append([]string{"--weights", filepath.Join(folder, tc.weights), "--out", filepath.Join(parent, "out")}, tc.args...)
			told, err := run(t, nil, "export.py", args...)
			if err == nil {
				t.Fatalf("it was exported: %s", told)
			}
			if line := strings.TrimSpace(told); !strings.HasPrefix(line, "export: ") || !strings.Contains(line, tc.want) || strings.Contains(line, "\n") {
				t.Errorf("it says %q, want one line with %q", line, tc.want)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if _, err := os.Stat(filepath.Join(folder, "ran")); err == nil {
				t.Fatal("what the file says was carried out")
			}
		})
	}
}
