package source_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"clipseek/orchestrator/source"
)

func TestGone(t *testing.T) {
	t.Parallel()
	dir := tree(t, "file", "folder/x")
	for from, to := range map[string]string{"link": "file", "broken": "nothing", "loop": "loop", "to folder": "folder"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]struct {
		gone bool
		err  error
	}{
		"file": {}, "link": {},
		"nothing": {gone: true}, "nothing/file": {gone: true}, "file/below": {gone: true},
		"broken":    {},                   // its disk may be away
		"loop":      {},                   // likewise a link to where nobody gets
		"loop/file": {err: syscall.ELOOP}, // nobody can say
		"folder":    {gone: true},         // which is no picture
		"to folder": {gone: true},
	} {
		if gone, err := source.Gone(filepath.Join(dir, name)); gone != want.gone || !errors.Is(err, want.err) {
			t.Errorf("%s: gone = %t and %v, want %+v", name, gone, err, want)
		}
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	dir := tree(t, "file", "emptied/x", "full/x")
	if err := os.Remove(filepath.Join(dir, "emptied/x")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		empty bool
		err   error
	}{"emptied": {empty: true}, "full": {}, "file": {err: syscall.ENOTDIR}, "nothing": {err: fs.ErrNotExist}} {
		if empty, err := source.Empty(filepath.Join(dir, name)); empty != want.empty || !errors.Is(err, want.err) {
			t.Errorf("%s: empty = %t and %v, want %+v", name, empty, err, want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, root string
		want       bool
	}{
		{"/a/b", "/a", true}, {"/a", "/a", true}, {"/a", "/", true}, {"/ab", "/a", false}, {"/", "/a", false}, {"/b/a", "/a", false},
	} {
		if got := source.Within(tc.path, tc.root); got != tc.want {
			t.Errorf("%s within %s: %t, want %t", tc.path, tc.root, got, tc.want)
		}
	}
}
