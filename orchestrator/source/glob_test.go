package source_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	root := tree(t, "1.jpg", "a/2.jpg", "a/3.png", "a/b/4.jpg", "a/b/c/5.JPG", "a/.hidden/6.jpg", "c/7.jpg", "c/note.txt", "shard-08.tar", "shard-09.tar", "shard-10.tar", "c/x 1.jpg", "c/x 2.jpg", "c/y{.jpg")
	for pattern, want := range map[string][]string{
		"*.jpg":               {"1.jpg"},
		"*/*.jpg":             {"a/2.jpg", "c/7.jpg", "c/x 1.jpg", "c/x 2.jpg", "c/y{.jpg"},
		"a/**/*.jpg":          {"a/2.jpg", "a/b/4.jpg"},
		"**/*.{jpg,JPG,txt}":  {"1.jpg", "a/2.jpg", "a/b/4.jpg", "a/b/c/5.JPG", "c/7.jpg", "c/x 1.jpg", "c/x 2.jpg", "c/y{.jpg"},
		"a/**":                {"a/2.jpg", "a/3.png", "a/b/4.jpg", "a/b/c/5.JPG"},
		"{a,c}/?.*":           {"a/2.jpg", "a/3.png", "c/7.jpg"},
		"{a/b,c}/*.jpg":       {"a/b/4.jpg", "c/7.jpg", "c/x 1.jpg", "c/x 2.jpg", "c/y{.jpg"},
		"c/x {1..2}.jpg":      {"c/x 1.jpg", "c/x 2.jpg"},
		"c/[67].jpg":          {"c/7.jpg"},
		"*":                   {"1.jpg"},
		"none*":               nil,
		"shard-{08..10}.tar":  nil,
		"a/b/../../[1].j[p]g": {"1.jpg"},
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			s, err := source.NewGlob(root + "/" + pattern)
			if err != nil {
				t.Fatal(err)
			}
			got, faults := list(t, s, root)
			if !slices.Equal(got, want) || len(faults) > 0 {
				t.Errorf("items %q, want %q, faults %v", got, want, faults)
			}
		})
	}
	s, err := source.NewGlob(root + "/shard-{08..10}.tar")
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for item := range s.Others(t.Context(), func(name string) bool { return strings.HasSuffix(name, "r") }) {
		others = append(others, filepath.Base(item.Path))
	}
	if !slices.Equal(others, []string{"shard-08.tar", "shard-09.tar", "shard-10.tar"}) {
		t.Errorf("others %q", others)
	}
}

// TestGlobRelative has a working folder whose name looks like a pattern.
func TestGlobRelative(t *testing.T) {
	root := tree(t, "[x]{y}/a/1.jpg", "[x]{y}/[z]/2.jpg")
	t.Chdir(filepath.Join(root, "[x]{y}"))
	for pattern, want := range map[string]string{"*/1.jpg": "a/1.jpg", "a/*": "a/1.jpg", `\[z]/*`: "[z]/2.jpg", "./**/2.*": "[z]/2.jpg"} {
		s, err := source.NewGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := list(t, s, filepath.Join(root, "[x]{y}")); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: items %q", pattern, got)
		}
	}
}

func TestGlobFaults(t *testing.T) {
	t.Parallel()
	root := tree(t, "1.jpg")
	for pattern, kind := range map[string]fault.Kind{
		"[a":                     fault.KindInvalid,
		"{a":                     fault.KindInvalid,
		"x{9..1}.jpg":            fault.KindInvalid,
		"x{0..1000000}.jpg":      fault.KindInvalid,
		"{0..9999}{0..9999}.jpg": fault.KindInvalid,
		"nowhere/*.jpg":          fault.KindNotFound,
	} {
		if _, err := source.NewGlob(filepath.Join(root, pattern)); fault.KindOf(err) != kind {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
