package removal_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
	"clipseek/orchestrator/removal"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/web"
)

// row is what a record says of where it is from.
type row struct{ path, source string }

func open(t *testing.T, rows ...row) index.Index {
	t.Helper()
	cfg := local.Default()
	cfg.File = filepath.Join(t.TempDir(), "index.db")
	db, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	photos, err := db.Open(t.Context(), index.Spec{Collection: "photos", Width: 8, Model: "test"})
	if err != nil {
		t.Fatal(err)
	}
	do(t, photos.Upsert(t.Context(), records(rows...)))
	return photos
}

func records(rows ...row) []index.Record {
	all := make([]index.Record, len(rows))
	for i, r := range rows {
		all[i] = index.Record{ID: index.ID(r.path), Path: r.path, Vector: []float32{1, 0, 0, 0, 0, 0, 0, 0}, Fields: map[string]any{index.FieldSource: r.source}}
	}
	return all
}

// paths are those of the records that are there, below a folder, which is left out.
func paths(t *testing.T, photos index.Index, folder string) []string {
	t.Helper()
	var all []string
	for r, err := range photos.(index.Iterator).Iterate(t.Context(), index.Walk{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(r.Path, folder+"/"))
	}
	slices.Sort(all)
	return all
}

// tree writes empty files and gives their folder.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range files {
		write(t, filepath.Join(root, name), "")
	}
	return root
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func folders(t *testing.T, paths ...string) source.Source {
	t.Helper()
	f, err := source.NewFolders(paths...)
	do(t, err)
	return f
}

func find(t *testing.T, photos index.Index, src source.Source) *removal.Gone {
	t.Helper()
	gone, err := removal.Find(t.Context(), photos, src)
	do(t, err)
	return gone
}

// want compares a finding and, after Remove, what is left.
func want(t *testing.T, photos index.Index, gone *removal.Gone, root string, count, unseen int64, left ...string) {
	t.Helper()
	if gone.Count != count || gone.Unseen != unseen {
		t.Errorf("%d have gone and %d are unseen, want %d and %d: %+v", gone.Count, gone.Unseen, count, unseen, gone)
	}
	told := int64(0)
	removed, err := gone.Remove(t.Context(), photos, func(n int64) { told = n })
	do(t, err)
	if removed != count || told != count {
		t.Errorf("removed %d, told %d, want %d", removed, told, count)
	}
	if have := paths(t, photos, root); !slices.Equal(have, left) {
		t.Errorf("left are %q, want %q", have, left)
	}
}

func TestSelections(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"/a/1.jpg", "/a"}, {"/a/b/2.jpg", "/a"}, {"/ab/3.jpg", "/ab"}, {"/a/z.zip!/4.jpg", "/a/z.zip"}, {"https://h/x/5.jpg", "/a/urls.txt"},
		{"https://h/xy/6.jpg", "/l.txt"}, {"https://h/x?7", "/l.txt"}, {"s3://bucket/p/8.jpg", "s3://bucket/p"}, {"/c/9.jpg", "/c/*.jpg"}, {"/c%/10.jpg", "/c%"},
	}
	for name, tc := range map[string]struct {
		removal.Selection
		want string // numbers of the rows that go
	}{
		"folder":      {removal.Selection{Source: "/a/"}, "1 2 4"},
		"inner":       {removal.Selection{Source: "/a/./b"}, "2"},
		"everything":  {removal.Selection{Source: "/"}, "1 10 2 3 4 9"},
		"archive":     {removal.Selection{Source: "/a/z.zip"}, "4"},
		"list":        {removal.Selection{Source: "/a/urls.txt"}, "5"},
		"pattern":     {removal.Selection{Source: "/c/*.jpg"}, "9"},
		"no wildcard": {removal.Selection{Source: "/c%"}, "10"},
		"URL":         {removal.Selection{Source: "HTTPS://H/x"}, "5 7"},
		"URL folder":  {removal.Selection{Source: "https://h/x/"}, "5"},
		"bucket":      {removal.Selection{Source: "s3://bucket/p"}, "8"},
		"file":        {removal.Selection{Source: "/a/1.jpg"}, "1"},
		"none":        {removal.Selection{Source: "/nowhere"}, ""},
		"ids":         {removal.Selection{IDs: []int64{index.ID("/a/1.jpg"), 7, index.ID("/a/1.jpg"), index.ID("/c/9.jpg")}}, "1 9"},
		"filter":      {removal.Selection{Filter: `path.contains("x")`}, "5 6 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			photos := open(t, rows...)
			counted, err := removal.Count(t.Context(), photos, "", tc.Selection)
			do(t, err)
			before := paths(t, photos, "")
			told := int64(0)
			removed, err := removal.Delete(t.Context(), photos, "", tc.Selection, func(n int64) { told = n })
			do(t, err)
			var went []string
			for _, path := range before {
				if !slices.Contains(paths(t, photos, ""), path) {
					went = append(went, strings.Trim(path[strings.LastIndexAny(path, "/?"):], "/?.jpg"))
				}
			}
			slices.Sort(went)
			if got := strings.Join(went, " "); got != tc.want || counted != int64(len(went)) || removed != counted || told != removed {
				t.Errorf("%q went, counted %d, removed %d, told %d; want %q", got, counted, removed, told, tc.want)
			}
			if again, err := removal.Delete(t.Context(), photos, "", tc.Selection, nil); err != nil || again != 0 {
				t.Errorf("again: %d, %v", again, err)
			}
		})
	}
}

func TestSelectionFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		removal.Selection
		want string
	}{
		"nothing":       {removal.Selection{}, "an empty filter never means every picture, `clipseek collection drop NAME`"},
		"blank":         {removal.Selection{Filter: " \n"}, "an empty filter never means"},
		"two":           {removal.Selection{IDs: []int64{1}, Filter: "id == 1"}, "exclude each other"},
		"bad filter":    {removal.Selection{Filter: "label == 3"}, "filter 1:"},
		"relative path": {removal.Selection{Source: "photos"}, "neither an absolute path nor a URL"},
	} {
		if err := tc.Validate(); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	photos := open(t)
	if _, err := removal.Delete(t.Context(), photos, "y2024", removal.Selection{Filter: "id == 1"}, nil); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("a partition where there are none: %v", err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	root := tree(t, "photos/here.jpg", "photos/a/b.jpg", "photos/emptied/x", "photos/file", "photos/near/there.jpg", "photos/folder.jpg/there.jpg")
	in := func(name string) row { return row{root + "/photos/" + name, root + "/photos"} }
	do(t, os.Remove(root+"/photos/emptied/x"))
	do(t, os.Symlink("nowhere", root+"/photos/link.jpg"))
	do(t, os.Symlink("loop", root+"/photos/loop")) // what is below it cannot be looked for, as below a folder without permission
	photos := open(t,
		in("here.jpg"), in("gone.jpg"), in("a/b.jpg"), in("a/gone/deep.jpg"), in("link.jpg"), in("loop/unseen.jpg"), in("file/below.jpg"),
		in("folder.jpg"), in("folder.jpg/there.jpg"),
		row{root + "/photos/near/there.jpg", root + "/table.csv"}, row{root + "/photos/near/gone.jpg", root + "/table.csv"},
		row{root + "/photos/z.zip!/gone.jpg", root + "/photos/z.zip"}, row{root + "/photos-2/gone.jpg", root + "/photos-2"},
		row{"https://host/gone.jpg", root + "/photos"},
	)
	gone := find(t, photos, folders(t, root+"/photos", root+"/photos/a"))
	if gone.Rows != 10 || len(gone.Kept) != 0 || gone.Doubt() != "" || gone.Allow(0) != nil || gone.Allow(4) == nil || len(gone.Examples) != 5 {
		t.Errorf("found %+v, doubt %q", gone, gone.Doubt())
	}
	want(t, photos, gone, root, 5, 1, "https://host/gone.jpg", "photos-2/gone.jpg", "photos/a/b.jpg", "photos/folder.jpg/there.jpg", "photos/here.jpg", "photos/link.jpg",
		"photos/loop/unseen.jpg", "photos/near/there.jpg", "photos/z.zip!/gone.jpg")
	if again := find(t, photos, folders(t, root+"/photos")); again.Count != 0 {
		t.Errorf("again %+v", again)
	}
}

// TestDoubt has disks that are not mounted.
func TestDoubt(t *testing.T) {
	t.Parallel()
	root := tree(t, "1.jpg", "2.jpg", "3.jpg", "4.jpg", "disk/x")
	do(t, os.Remove(root+"/disk/x"))
	rows := []row{{root + "/1.jpg", root}, {root + "/2.jpg", root}, {root + "/3.jpg", root}, {root + "/disk/sub/5.jpg", root}}
	gone := find(t, open(t, rows...), folders(t, root))
	if err := gone.Allow(0); gone.Count != 1 || gone.Emptied != 1 || fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), root+"/disk; is a disk not mounted?") {
		t.Errorf("an emptied folder: %+v, %v", gone, err)
	}
	if err := gone.Allow(1); err != nil {
		t.Errorf("an emptied folder, allowed: %v", err)
	}
	rows = append(rows, row{root + "/6.jpg", root}, row{root + "/7.jpg", root}, row{root + "/8.jpg", root})
	do(t, os.Remove(root+"/disk"))
	gone = find(t, open(t, rows...), folders(t, root))
	if err := gone.Allow(0); gone.Count != 4 || gone.Emptied != 0 || !strings.Contains(fault.Public(err), "4 of the 7 pictures") {
		t.Errorf("more than half: %+v, %v", gone, err)
	}
	for _, name := range []string{"1", "2", "3", "4"} {
		do(t, os.Remove(root+"/"+name+".jpg"))
	}
	if gone = find(t, open(t, rows...), folders(t, root)); gone.Count != 7 || gone.Emptied != 7 || gone.Allow(0) == nil {
		t.Errorf("an empty root: %+v", gone)
	}
}

// TestLooksAgain changes files between Find and Remove.
func TestLooksAgain(t *testing.T) {
	t.Parallel()
	root := tree(t, "photos/1.jpg")
	rows := []row{{root + "/photos/back.jpg", root}, {root + "/photos/gone.jpg", root}}
	photos := open(t, rows...)
	src := folders(t, root+"/photos")
	gone := find(t, photos, src)
	write(t, root+"/photos/back.jpg", "")
	if n, err := gone.Remove(t.Context(), photos, nil); n != 1 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	photos = open(t, append(rows, row{root + "/photos/1.jpg", root})...)
	gone = find(t, photos, src)
	do(t, os.Rename(root+"/photos", root+"/away"))
	if n, err := gone.Remove(t.Context(), photos, nil); n != 0 || err != nil {
		t.Errorf("removed %d below a folder that vanished, %v", n, err)
	}
	if gone = find(t, photos, src); gone.Count != 0 || gone.Unseen != 3 || len(gone.Kept) != 1 || !strings.Contains(gone.Kept[0], "is not there any more") {
		t.Errorf("a folder that vanished: %+v", gone)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := removal.Find(ended, photos, src); err == nil {
		t.Error("a cancelled search ends well")
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	client, err := web.New(web.Default(), 1<<20, "test")
	do(t, err)
	defer client.Close()
	list := func(name, content string) source.Source {
		write(t, filepath.Join(root, name), content)
		l, err := web.NewList(filepath.Join(root, name), client)
		do(t, err)
		return l
	}
	url := func(n int, list string) row { return row{fmt.Sprintf("https://h/%d", n), filepath.Join(root, list)} }
	rows := []row{url(1, "a.txt"), url(2, "a.txt"), url(3, "b.txt"), url(4, "b.txt"), url(5, "c.txt"), {"https://h/6", "/elsewhere"}}
	a, b := list("a.txt", "https://h/1\nhttps://h/3\n"), list("b.txt", "https://h/4\n")

	photos := open(t, rows...)
	want(t, photos, find(t, photos, source.Join(a, b)), root, 1, 0, "https://h/1", "https://h/3", "https://h/4", "https://h/5", "https://h/6")
	want(t, photos, find(t, photos, b), root, 1, 0, "https://h/1", "https://h/4", "https://h/5", "https://h/6")

	photos = open(t, rows...)
	gone := find(t, photos, source.Join(a, list("bad.txt", "ttp://h/2\n"), b))
	if len(gone.Kept) != 3 || !strings.Contains(strings.Join(gone.Kept, "\n"), "bad.txt:1") {
		t.Errorf("kept %q", gone.Kept)
	}
	want(t, photos, gone, root, 0, 4, paths(t, photos, root)...)
}

// dumb is a source that knows nothing of what it gave.
type dumb struct{ source.Source }

func (dumb) Name() string { return "dumb" }

// broken is a list of which nobody sees the end.
type broken struct{ source.Source }

func (broken) Items(context.Context, string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		yield(source.Item{}, fault.Unavailable("the list cannot be read to its end"))
	}
}

func (broken) Traces() []source.Traces {
	return []source.Traces{{Name: "broken", Prefix: "s3://bucket/", Lists: true}}
}

func TestOtherSources(t *testing.T) {
	t.Parallel()
	photos := open(t, row{"s3://bucket/1.jpg", "s3://bucket"})
	gone := find(t, photos, source.Join(dumb{}, broken{}))
	if !slices.Equal(gone.Kept, []string{"dumb: a source of this kind cannot tell which of its pictures have gone", "broken: the list cannot be read to its end"}) {
		t.Errorf("kept %q", gone.Kept)
	}
	want(t, photos, gone, "", 0, 1, "s3://bucket/1.jpg")
}

func TestPattern(t *testing.T) {
	t.Parallel()
	root := tree(t, "1.jpg", "in/2.png")
	photos := open(t,
		row{root + "/1.jpg", root}, row{root + "/3.jpg", root}, row{root + "/in/4.jpg", root}, row{root + "/5.png", root},
		row{root + "/z.zip!/6.jpg", root + "/z.zip"}, row{root + "/z.tar!/7.jpg", root + "/z.tar"})
	g, err := source.NewGlob(root + "/*.{jpg,zip}")
	do(t, err)
	want(t, photos, find(t, photos, g), root, 2, 0, "1.jpg", "5.png", "in/4.jpg", "z.tar!/7.jpg")
}

// TestMany removes more than is looked at once.
func TestMany(t *testing.T) {
	t.Parallel()
	root := tree(t, "there.jpg")
	rows := []row{{root + "/there.jpg", root}}
	for i := range 12_000 {
		rows = append(rows, row{fmt.Sprintf("%s/%d/%d.jpg", root, i%10, i), root})
	}
	photos := open(t, rows...)
	gone := find(t, photos, folders(t, root))
	if gone.Rows != 12_001 || len(gone.Examples) != 10 || gone.Allow(12_000) != nil || gone.Allow(11_999) == nil {
		t.Errorf("%+v", gone)
	}
	ended, cancel := context.WithCancel(t.Context())
	n, err := gone.Remove(ended, photos, func(n int64) {
		if n == 3_000 {
			cancel()
		}
	})
	if n != 3_000 || err == nil {
		t.Errorf("removed %d before the end of the context, %v", n, err)
	}
	want(t, photos, find(t, photos, folders(t, root)), root, 9_000, 0, "there.jpg")
}
