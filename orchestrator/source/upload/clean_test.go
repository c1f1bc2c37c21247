package upload_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/upload"
)

func TestHashesIn(t *testing.T) {
	t.Parallel()
	const hash, rest = "0123456789abcdef0123456789abcdef", "01/23456789abcdef0123456789abcdef"
	for path, want := range map[string][]string{
		"/data/uploads/" + rest + "/1.jpg":                      {hash},
		"/elsewhere/" + rest + "/a/b.zip!/c/1.jpg":              {hash},
		"/a/b/c/d/" + rest + "/trip/day 1/1.jpg":                {hash},
		"/ff/" + hash[2:] + "/uploads/" + rest + "/1.jpg":       {"ff" + hash[2:], hash},
		"/data/uploads/" + rest:                                 nil,
		"/data/uploads/0/123456789abcdef0123456789abcdef/1.jpg": nil,
		"/data/uploads/01/23456789abcdef0123456789abcdeg/1.jpg": nil,
		"/photos/2019/1.jpg":                                    nil,
		"https://h/01/x.jpg":                                    nil,
		"":                                                      nil,
	} {
		if got := upload.HashesIn(path); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// TestClean removes what is neither shown, nor named by a list, nor new, and nothing that is no upload's.
func TestClean(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "uploads")
	store := open(t, dir)
	if done, err := store.Clean(t.Context(), nil, false); err != nil || done != (upload.Cleaned{}) {
		t.Errorf("no folder: %+v, %v", done, err)
	}
	const day = 25 * time.Hour
	files := map[string]string{}
	for name, by := range map[string]time.Duration{"shown": day, "named": day, "gone": day, "trip/gone": day, "new": 0} {
		kept, err := send(t, store, file{name + ".jpg", jpeg + name})
		if err != nil {
			t.Fatal(err)
		}
		paths, _ := items(t, dir, kept)
		files[name] = paths[name+".jpg"].Path
		age(t, by, files[name])
		if name != "named" {
			if err := os.Remove(kept.List); err != nil {
				t.Fatal(err)
			}
		}
	}
	foreign := []string{"notes.txt", "ab/notes.txt", "ab/cd/notes.txt", "mine/0123456789abcdef0123456789abcd/x.jpg", "requests/old.txt"}
	for _, name := range foreign {
		write(t, filepath.Join(dir, name), "x")
		age(t, day, filepath.Join(dir, name))
	}
	shown := map[string]bool{upload.HashesIn(files["shown"])[0]: true}
	size := int64(2*len(jpeg) + len("gone") + len("trip/gone"))
	for _, dry := range []bool{true, false} {
		done, err := store.Clean(t.Context(), shown, dry)
		if err != nil || done != (upload.Cleaned{Files: 2, Bytes: size}) {
			t.Errorf("dry %t: %+v, %v", dry, done, err)
		}
		for name, path := range files {
			if there(t, path) != (dry || filepath.Base(name) != "gone") {
				t.Errorf("dry %t: %s", dry, name)
			}
		}
	}
	for _, name := range foreign {
		if !there(t, filepath.Join(dir, name)) {
			t.Errorf("%s was removed", name)
		}
	}
	if there(t, filepath.Dir(filepath.Dir(files["trip/gone"]))) {
		t.Error("an empty folder stays")
	}
	placed := placing(t, dir)
	if _, err := store.Clean(t.Context(), nil, false); fault.KindOf(err) != fault.KindOverloaded || !there(t, files["shown"]) {
		t.Errorf("while files go to their places: %v", err)
	}
	placed()
	write(t, filepath.Join(dir, "requests", "0-.upload"), "{damaged")
	if _, err := store.Clean(t.Context(), nil, false); fault.KindOf(err) != fault.KindInvalid || !there(t, files["shown"]) {
		t.Errorf("with a damaged list: %v", err)
	}
}
