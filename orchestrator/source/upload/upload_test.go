package upload_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/sourcetest"
	"clipseek/orchestrator/source/upload"
)

const jpeg = "\xff\xd8\xff\xe0 looks like a picture"

func check(_ context.Context, path string, _ bool) (bool, error) { return archive.Is(path) }

func open(t *testing.T, dir string) *upload.Store {
	t.Helper()
	store, err := upload.Open(dir, upload.Config{MaxFiles: 100, AtOnce: 2, MaxItemBytes: 3 << 20}, check)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// file is one of a request.
type file struct{ name, content string }

func send(t *testing.T, store *upload.Store, files ...file) (upload.Kept, error) {
	t.Helper()
	batch, err := store.Begin(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := batch.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, f := range files {
		if err := batch.Add(t.Context(), f.name, strings.NewReader(f.content)); err != nil {
			return upload.Kept{}, err
		}
	}
	return batch.Commit()
}

// items lists what a request brought: paths below the folder, and reasons of what failed, by name.
func items(t *testing.T, dir string, kept upload.Kept) (paths map[string]source.Item, failed map[string]string) {
	t.Helper()
	list, _, err := upload.OpenList(kept.List)
	if err != nil {
		t.Fatal(err)
	}
	paths, failed = map[string]source.Item{}, map[string]string{}
	for item, err := range list.Items(t.Context(), "") {
		if err != nil {
			failed[item.Path] = fault.Public(err)
			continue
		}
		rel, err := filepath.Rel(dir, item.Path)
		if err != nil {
			t.Fatal(err)
		}
		paths[strings.Join(strings.Split(filepath.ToSlash(rel), "/")[2:], "/")] = item
	}
	return paths, failed
}

// TestNames sends files under names of all kinds.
func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	for name, tc := range map[string]struct{ name, as, reason string }{
		"plain":              {"1.jpg", "1.jpg", ""},
		"with folders":       {"holiday/day 1/红.jpg", "holiday/day 1/红.jpg", ""},
		"of Windows":         {`holiday\1.jpg`, "holiday/1.jpg", ""},
		"doubled slashes":    {"a//./b.jpg", "a/b.jpg", ""},
		"dots in it":         {"a..b/c...jpg", "a..b/c...jpg", ""},
		"no ending":          {"scan", "scan", ""},
		"leads out":          {"../1.jpg", "", "leads out"},
		"leads out inside":   {"a/../../1.jpg", "", "leads out"},
		"leads out, Windows": {`a\..\..\1.jpg`, "", "leads out"},
		"absolute":           {"/etc/1.jpg", "", "absolute"},
		"a drive":            {`C:\1.jpg`, "", "absolute"},
		"a folder":           {"a/", "", "none that a file can have"},
		"nothing":            {"", "", "none that a file can have"},
		"line feed":          {"a\nb.jpg", "", "control characters"},
		"NUL":                {"a\x00.jpg", "", "control characters"},
		"not UTF-8":          {"a\xff.jpg", "", "not UTF-8"},
		"long part":          {strings.Repeat("a", 256) + ".jpg", "", "at most 255"},
		"long":               {strings.Repeat("ab/", 200) + "1.jpg", "", "at most 512"},
	} {
		kept, err := send(t, store, file{tc.name, jpeg + name}, file{"good.jpg", jpeg})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		paths, failed := items(t, dir, kept)
		if _, ok := paths[tc.as]; tc.as != "" && (!ok || len(failed) != 0 || len(paths) != 2) {
			t.Errorf("%s: %v, %v", name, paths, failed)
		}
		for _, reason := range failed {
			if tc.reason == "" || !strings.Contains(reason, tc.reason) {
				t.Errorf("%s: %s", name, reason)
			}
		}
		if tc.reason != "" && len(failed) != 1 {
			t.Errorf("%s: taken", name)
		}
	}
	for _, hidden := range []string{".DS_Store", "a/.git/1.jpg", "__MACOSX/1.jpg", "a/Thumbs.db", `a\desktop.ini`} {
		kept, err := send(t, store, file{hidden, jpeg}, file{"good.jpg", jpeg})
		if paths, failed := items(t, dir, kept); err != nil || len(paths) != 1 || len(failed) != 0 {
			t.Errorf("%s: %v, %v, %v", hidden, paths, failed, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"a/b.jpg", "../x", `..\x`, "/x", "C:x", "a\x00", "./.", "a/./b/../c.jpg", ".x", "…/\u202e.jpg"} {
		f.Add(name)
	}
	dir := f.TempDir()
	outside := filepath.Dir(dir)
	store, err := upload.Open(filepath.Join(dir, "uploads"), upload.Config{MaxFiles: 10, AtOnce: 100, MaxItemBytes: 1000}, check)
	if err != nil {
		f.Fatal(err)
	}
	before, _ := os.ReadDir(outside)
	f.Fuzz(func(t *testing.T, name string) {
		kept, err := send(t, store, file{name, jpeg})
		if err != nil {
			if fault.KindOf(err) == fault.KindInternal {
				t.Fatal(err)
			}
			return
		}
		list, _, err := upload.OpenList(kept.List)
		if err != nil {
			t.Fatal(err)
		}
		for item, err := range list.Items(t.Context(), "") {
			if err != nil || !strings.HasPrefix(item.Path, filepath.Join(dir, "uploads")+"/") {
				t.Fatalf("%q is %q, %v", name, item.Path, err)
			}
		}
		if after, _ := os.ReadDir(outside); len(after) > len(before) {
			t.Fatalf("%q wrote outside", name)
		}
	})
}

// TestSameAndOther sends files again, and others under their names.
func TestSameAndOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	first, err := send(t, store, file{"a/1.jpg", jpeg}, file{"2.jpg", jpeg + "2"})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := items(t, dir, first)
	if before["a/1.jpg"].Label != "a" || before["2.jpg"].Label != "" || before["2.jpg"].Source != upload.Source {
		t.Errorf("%+v", before)
	}
	again, err := send(t, store, file{"a/1.jpg", jpeg}, file{"2.jpg", jpeg + "2"})
	if err != nil || again != first {
		t.Errorf("sent again: %+v, %v; the first was %+v", again, err, first)
	}
	if after, _ := items(t, dir, again); !reflect.DeepEqual(after, before) {
		t.Errorf("sent again: %+v, was %+v", after, before)
	}
	other, err := send(t, store, file{"2.jpg", jpeg + "other"})
	if err != nil {
		t.Fatal(err)
	}
	changed, _ := items(t, dir, other)
	if changed["2.jpg"].Path == before["2.jpg"].Path {
		t.Error("another picture took the place of the one of its name")
	}
	if content, err := os.ReadFile(before["2.jpg"].Path); err != nil || string(content) != jpeg+"2" {
		t.Errorf("%q, %v", content, err)
	}
	twice, err := send(t, store, file{"x.jpg", jpeg}, file{"x.jpg", jpeg + "!"}, file{"x.jpg", jpeg})
	if err != nil {
		t.Fatal(err)
	}
	if paths, failed := items(t, dir, twice); twice.Files != 2 || len(paths) != 1 || !strings.Contains(failed["x.jpg"], "sent twice") {
		t.Errorf("%d, %v, %v", twice.Files, paths, failed)
	}
	// The same bytes, once as a file and once below a folder of its name.
	crossed, err := send(t, store, file{"y", jpeg}, file{"y/1.jpg", jpeg}, file{"z.jpg", jpeg})
	if err != nil {
		t.Fatal(err)
	}
	if paths, failed := items(t, dir, crossed); len(paths) != 2 || !strings.Contains(failed["y/1.jpg"], "another name") {
		t.Errorf("%v, %v", paths, failed)
	}
}

// TestRefused sends what is not taken.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	for name, tc := range map[string]struct {
		files  []file
		kind   fault.Kind
		reason string
	}{
		"nothing":         {nil, fault.KindInvalid, "holds no file"},
		"only hidden":     {[]file{{".a.jpg", jpeg}}, fault.KindInvalid, "holds no file"},
		"empty":           {[]file{{"a.jpg", ""}}, fault.KindInvalid, "a.jpg: it is empty"},
		"a text":          {[]file{{"a.txt", "hello"}}, fault.KindInvalid, "a.txt: it is no picture and no archive"},
		"a large picture": {[]file{{"a.jpg", jpeg + strings.Repeat("x", 3<<20)}}, fault.KindTooLarge, "image.max_bytes"},
		"two":             {[]file{{"a.txt", "hello"}, {"b.txt", "hello"}}, fault.KindInvalid, "none of the 2 files"},
		"too many":        {make([]file, 101), fault.KindTooLarge, "upload.max_files"},
	} {
		_, err := send(t, store, tc.files...)
		if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
	nothing(t, dir)
	first, err1 := store.Begin(t.Context(), -1)
	second, err2 := store.Begin(t.Context(), -1)
	if _, err := store.Begin(t.Context(), -1); fault.KindOf(err) != fault.KindOverloaded || errors.Join(err1, err2) != nil {
		t.Errorf("a third at once: %v, %v, %v", err, err1, err2)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Begin(t.Context(), 1<<60); fault.KindOf(err) != fault.KindUnavailable || !strings.Contains(fault.Public(err), "no room") {
		t.Errorf("an exbibyte: %v", err)
	}
}

// nothing fails where files were left.
func nothing(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path != filepath.Join(dir, ".lock") {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestList runs the suite of sources on a list.
func TestList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	zip := append([]byte("PK\x05\x06"), make([]byte, 18)...) // without entries
	kept, err := send(t, open(t, dir), file{"a/1.jpg", jpeg}, file{"b.txt", "hello"}, file{"c.zip", string(zip)}, file{"d/2.jpg", jpeg})
	if err != nil {
		t.Fatal(err)
	}
	list, archives, err := upload.OpenList(kept.List)
	if err != nil || len(archives) != 1 || filepath.Base(archives[0]) != "c.zip" {
		t.Fatal(archives, err)
	}
	if content, err := os.ReadFile(archives[0]); err != nil || !bytes.Equal(content, zip) {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	paths, _ := items(t, dir, kept)
	content := map[string]string{}
	for _, item := range paths {
		content[item.Path] = jpeg
	}
	sourcetest.Run(t, list, content)
	if !upload.IsList(kept.List, dir) || upload.IsList(kept.List, t.TempDir()) || upload.IsList(paths["d/2.jpg"].Path, dir) {
		t.Error("lists are told by their place")
	}
	if err := os.WriteFile(kept.List, []byte(`{"name":"x","path":"../../etc/passwd"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := upload.OpenList(kept.List); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("a list that names a file elsewhere: %v", err)
	}
}
