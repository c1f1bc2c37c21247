package webui_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"clipseek/orchestrator/webui"
)

// The logic of the page is tested by Node's own test runner where Node is installed; the programs are testdata/*.test.js.
// They are put beside the modules into a folder that calls itself ESM, because a browser needs no package.json.
func TestScripts(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed; the page's logic is not tested here")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, webui.Files()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	programs, err := fs.Glob(os.DirFS(dir), "*.test.js")
	if err != nil || len(programs) == 0 {
		t.Fatalf("no test programs: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, node, append([]string{"--test"}, programs...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
}
