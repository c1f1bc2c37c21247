package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/sourcetest"
)

var then = time.Date(2020, 5, 17, 12, 30, 0, 0, time.UTC)

// file is an entry to be written.
type file struct{ name, content string }

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Size: int64(len(f.content)), Mode: 0o644, ModTime: then, Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, change func(*zip.FileHeader), files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: then}
		if change != nil {
			change(h)
		}
		entry, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(entry, f.content); err != nil && !strings.HasSuffix(f.name, "/") {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// save writes a file into a new folder.
func save(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, change func(*archive.Config)) *archive.Archive {
	t.Helper()
	cfg := archive.Default()
	if change != nil {
		change(&cfg)
	}
	a, err := archive.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// list gives the names in the archive, and the messages of what cannot be had by name; the archive's own is "".
func list(t testing.TB, a *archive.Archive) (names []string, faults map[string]string) {
	t.Helper()
	faults = map[string]string{}
	for item, err := range a.Items(t.Context(), "") {
		name := strings.TrimPrefix(strings.TrimPrefix(item.Path, a.Name()), "!/")
		if err != nil {
			if fault.KindOf(err) == fault.KindInternal {
				t.Errorf("%s: %v", name, err)
			}
			faults[name] = fault.Public(err)
			continue
		}
		names = append(names, name)
	}
	return names, faults
}

// read opens an item of this name.
func read(t testing.TB, a source.Source, name string) (string, error) {
	t.Helper()
	for item, err := range a.Items(t.Context(), "") {
		if err != nil || !strings.HasSuffix(item.Path, "!/"+name) {
			continue
		}
		r, err := a.Open(t.Context(), item)
		if err != nil {
			return "", err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return string(b), err
	}
	t.Fatalf("%s is not listed", name)
	return "", nil
}

// many is a folder of files that workers pass each other in.
func many() (files []file) {
	files = append(files, file{"album/", ""}, file{"album/notes.txt", "not a picture"}, file{"album/.hidden.jpg", "x"}, file{"__MACOSX/album/x.jpg", "x"})
	for i := range 80 {
		files = append(files, file{fmt.Sprintf("./album/苹果 %d/%03d.jpg", i%7, i), strings.Repeat(fmt.Sprint(i), i*20)})
	}
	return append(files, file{"album//top.PNG", "top"}, file{"root.webp", "root"})
}

// TestSuite runs the contract's suite over every kind of archive and over folders.
func TestSuite(t *testing.T) {
	t.Parallel()
	files := many()
	tarred := tarOf(t, files...)
	for name, b := range map[string][]byte{
		"a.zip": zipOf(t, nil, files...), "stored.zip": zipOf(t, func(h *zip.FileHeader) { h.Method = zip.Store }, files...), "prefix.zip": append([]byte("#!/bin/sh\n"), zipOf(t, nil, files...)...),
		"a.tar": tarred, "a.tar.gz": gzipped(t, tarred), "a.tar.zst": zstandard(t, tarred), "a-tar-without-ending": tarred, "a-gzip-without-ending": gzipped(t, tarred),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := save(t, name, b)
			content := map[string]string{}
			for _, f := range files[4:] {
				content[path+"!/"+strings.ReplaceAll(strings.TrimPrefix(f.name, "./"), "//", "/")] = f.content
			}
			sourcetest.Run(t, open(t, path, nil), content)
		})
	}
}

func TestSuiteOfOthers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	content := map[string]string{}
	for _, name := range []string{"a/1.jpg", "a/b/2.jpg", "a/b.jpg", "c/3.jpg", "4.jpg"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		content[path] = name
	}
	folders, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	glob, err := source.NewGlob(filepath.Join(root, "**/*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	path := save(t, "x.tar", tarOf(t, file{"t.jpg", "in a tar"}))
	all := map[string]string{path + "!/t.jpg": "in a tar"}
	for k, v := range content {
		all[k] = v
	}
	t.Run("folders", func(t *testing.T) { sourcetest.Run(t, folders, content) })
	t.Run("glob", func(t *testing.T) { sourcetest.Run(t, glob, content) })
	t.Run("several", func(t *testing.T) { sourcetest.Run(t, source.Join(open(t, path, nil), folders), all) })
}

func TestItems(t *testing.T) {
	t.Parallel()
	path := save(t, "holiday.tar.gz", gzipped(t, tarOf(t, file{"day 1/beach.jpg", "12345"}, file{"x.jpg", ""})))
	a := open(t, path, nil)
	var items []source.Item
	for item, err := range a.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	if len(items) != 2 {
		t.Fatalf("items %v", items)
	}
	if i := items[0]; i.Key != path+"!/day 1/beach.jpg" || i.Path != i.Key || i.Source != path || i.Label != "day 1" || i.Bytes != 5 || !i.Modified.Equal(then) {
		t.Errorf("item %+v", i)
	}
	if items[1].Label != "holiday" {
		t.Errorf("the label of what lies in no folder is %q", items[1].Label)
	}
}

// TestNames has every kind of name in both kinds of archive.
func TestNames(t *testing.T) {
	t.Parallel()
	files := []file{
		{"good.jpg", "1"}, {"../up.jpg", "2"}, {"a/../../up.jpg", "2"}, {"/etc/absolute.jpg", "3"}, {"C:/windows.jpg", "3"},
		{"line\nbreak.jpg", "4"}, {"bell\a.jpg", "4"}, {"good.jpg", "second"}, {"./good.jpg", "third"},
		{"../up.txt", "silent"}, {"deep/" + strings.Repeat("d/", 200) + "x.jpg", "deep"}, {"苹果/红.jpg", "5"}, {"last.jpg", "6"},
	}
	for name, b := range map[string][]byte{"n.tar": tarOf(t, append(files, file{"bad\xff.jpg", "7"})...), "n.zip": zipOf(t, nil, files...)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, save(t, name, b), nil)
			names, faults := list(t, a)
			if want := []string{"good.jpg", "deep/" + strings.Repeat("d/", 200) + "x.jpg", "苹果/红.jpg", "last.jpg"}; !slices.Equal(names, want) {
				t.Errorf("names %q", names)
			}
			for bad, want := range map[string]string{
				"../up.jpg": "leads out of the archive", "a/../../up.jpg": "leads out", "/etc/absolute.jpg": "is absolute", "C:/windows.jpg": "is absolute",
				`"line\nbreak.jpg"`: `the name "line\nbreak.jpg" holds control characters`, `"bell\a.jpg"`: "control characters", "good.jpg": "another entry of this name",
			} {
				if !strings.Contains(faults[bad], want) {
					t.Errorf("%s: %q lacks %q", bad, faults[bad], want)
				}
			}
			if strings.HasSuffix(name, ".tar") && !strings.Contains(faults[`"bad\xff.jpg"`], `"bad\xff.jpg" is not UTF-8`) {
				t.Errorf("faults %q", faults)
			}
			if got, err := read(t, a, "good.jpg"); got != "1" || err != nil {
				t.Errorf("of two entries the first counts: %q, %v", got, err)
			}
		})
	}
}

// TestChanged opens items of a listing of an archive that was packed again since.
func TestChanged(t *testing.T) {
	t.Parallel()
	before := []file{{"a.jpg", "a"}, {"b.jpg", "bb"}, {"gone.jpg", "gone"}}
	after := []file{{"new.jpg", "new"}, {"b.jpg", "BBB"}, {"a.jpg", "AAAA"}}
	pack := map[string]func(...file) []byte{
		"c.zip":    func(f ...file) []byte { return zipOf(t, nil, f...) },
		"c.tar":    func(f ...file) []byte { return tarOf(t, f...) },
		"c.tar.gz": func(f ...file) []byte { return gzipped(t, tarOf(t, f...)) },
	}
	for name, pack := range pack {
		path := save(t, name, pack(before...))
		a := open(t, path, nil)
		var items []source.Item
		for item, err := range a.Items(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, item)
		}
		if _, err := read(t, a, "a.jpg"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pack(append(after, file{"more.txt", strings.Repeat("x", 5000)})...), 0o600); err != nil { // of another size, whatever the clock says
			t.Fatal(err)
		}
		for i, want := range []string{"AAAA", "BBB"} {
			r, err := a.Open(t.Context(), items[i])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if b, err := io.ReadAll(r); string(b) != want || err != nil {
				t.Errorf("%s: %s holds %q, %v", name, items[i].Path, b, err)
			}
			r.Close()
		}
		if _, err := a.Open(t.Context(), items[2]); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("%s: %v", name, err)
		}
		for item, err := range a.Items(t.Context(), "99.0.0.0") {
			if item.Path == "" && fault.KindOf(err) != fault.KindInvalid {
				t.Errorf("%s: a place behind the end: %v", name, err)
			}
		}
	}
}

// TestFiles opens by path, as records do.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd := filepath.Join(dir, "odd!", "x!")
	if err := os.MkdirAll(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	files := archive.NewFiles(archive.Default())
	tarred := tarOf(t, file{"a/1.jpg", "one"}, file{"2.jpg", "two!"})
	for name, b := range map[string][]byte{"f.zip": zipOf(t, nil, file{"a/1.jpg", "one"}, file{"2.jpg", "two!"}), "f.tar": tarred, "f.tar.gz": gzipped(t, tarred), "f.tar.zst": zstandard(t, tarred), "g.tar": tarred, "h.tar": tarred} {
		path := filepath.Join(odd, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, want := range []file{{"2.jpg", "two!"}, {"a/1.jpg", "one"}, {"2.jpg", "two!"}} {
			r, size, err := files.Open(t.Context(), path+"!/"+want.name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if b, err := io.ReadAll(r); string(b) != want.content || err != nil || size != int64(len(b)) {
				t.Errorf("%s: %q, %d, %v", want.name, b, size, err)
			}
			r.Close()
		}
		for _, missing := range []string{path + "!/nowhere.jpg", path + "!/", path + "x!/1.jpg", path, path + "!/../f.zip"} {
			if _, _, err := files.Open(t.Context(), missing); fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("%s: %v", missing, err)
			}
		}
	}
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	cfg := archive.Default()
	cfg.MaxScan = 1 << 20
	small := archive.NewFiles(cfg)
	defer small.Close()
	path := save(t, "large.tar.gz", gzipped(t, tarOf(t, file{"first.jpg", strings.Repeat("noise", 1<<18)}, file{"last.jpg", "x"})))
	if _, _, err := small.Open(t.Context(), path+"!/last.jpg"); fault.KindOf(err) != fault.KindTooLarge || !strings.Contains(fault.Public(err), "archive.max_scan") {
		t.Errorf("a picture too far within: %v", err)
	}
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"x.7z": "7z\xbc\xaf\x27\x1cxxxxx", "x.rar": "Rar!\x1a\x07\x00xxx", "x.tar.xz": "\xfd7zXZ\x00xxxx", "x.jpg": "\xff\xd8\xff\xe0", "x.gz": string(gzipped(t, []byte("words"))), "empty": "",
	} {
		path := save(t, name, []byte(want))
		if _, err := archive.Open(path, archive.Default()); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), path) {
			t.Errorf("%s: %v", name, err)
		}
		is, err := archive.Is(path)
		if foreign := strings.ContainsAny(name, "7r") && !strings.HasSuffix(name, ".jpg"); is != foreign || err != nil {
			t.Errorf("%s is an archive: %v, %v", name, is, err)
		}
	}
	if _, err := archive.Open(filepath.Join(t.TempDir(), "nowhere.zip"), archive.Default()); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("nowhere: %v", err)
	}
	if err := (archive.Config{}).Validate(); fault.KindOf(err) != fault.KindInvalid {
		t.Error("a configuration of zeros passes")
	}
	if err := archive.Default().Validate(); err != nil {
		t.Error(err)
	}
}
