package source_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// TestFoundOneByOne compares what Items lists with what Lists and Item say of every file there is.
func TestFoundOneByOne(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"a.jpg", "b.txt", ".c.jpg", "d/e.PNG", "d/.f/g.jpg", "d.jpg/h.jpg", "i/j"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.jpg", filepath.Join(root, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	folders, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]source.Item{}, map[string]source.Item{}
	for item, err := range folders.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		item.Place = ""
		want[item.Path] = item
	}
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !folders.Lists(path) {
			return err
		}
		got[path], err = folders.Item(path)
		return err
	})
	same := func(a, b source.Item) bool {
		return a.Key == b.Key && a.Path == b.Path && a.Source == b.Source && a.Label == b.Label && a.Bytes == b.Bytes && a.Modified.Equal(b.Modified)
	}
	if err != nil || len(want) != 4 || !maps.EqualFunc(want, got, same) {
		t.Errorf("one by one %v, listed %v, %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)), err)
	}
	for name, entered := range map[string]bool{"": true, "d": true, "d/.f": false, ".x/y": false, "../elsewhere": false} {
		if folders.Enters(filepath.Join(root, name)) != entered {
			t.Errorf("%q: want entered = %t", name, entered)
		}
	}
	for name, kind := range map[string]fault.Kind{"nothing.jpg": fault.KindNotFound, "d.jpg": fault.KindInvalid} {
		if _, err := folders.Item(filepath.Join(root, name)); fault.KindOf(err) != kind {
			t.Errorf("%s: %v, want %v", name, err, kind)
		}
	}
}
