package source_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// tree makes files below a new folder and returns the folder.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// list gives the paths of all items relative to root, and the errors by path.
func list(t *testing.T, s source.Source, root string) (paths []string, faults map[string]error) {
	t.Helper()
	faults = map[string]error{}
	for item, err := range s.Items(t.Context(), "") {
		path, relErr := filepath.Rel(root, item.Path)
		if relErr != nil {
			t.Fatal(relErr)
		}
		if err != nil {
			faults[path] = err
			continue
		}
		paths = append(paths, path)
	}
	return paths, faults
}

func TestFoldersListsPictures(t *testing.T) {
	t.Parallel()
	root := tree(t, "b/2.JPG", "b/1.png", "a/x.webp", "a/y.CR3", "a/z.nef", "a/notes.txt", ".hidden/3.jpg", "a/.4.jpg", "苹果/红.jpeg", "top.jpg")
	s, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	got, faults := list(t, s, root)
	want := []string{"a/x.webp", "a/y.CR3", "a/z.nef", "b/1.png", "b/2.JPG", "top.jpg", "苹果/红.jpeg"}
	if !slices.Equal(got, want) || len(faults) > 0 {
		t.Errorf("items = %q, faults = %v, want %q", got, faults, want)
	}
	for item, err := range s.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if item.Label == "苹果" && (item.Source != root || item.Bytes == 0 || item.Modified.IsZero() || item.Key != item.Path) {
			t.Errorf("item = %+v", item)
		}
	}
}

// TestFoldersGoOn begins the listing behind each of its items.
func TestFoldersGoOn(t *testing.T) {
	t.Parallel()
	root := tree(t, "a/1.jpg", "a/b/2.jpg", "a/b.jpg", "a/b-c/3.jpg", "a b/4.jpg", "a.jpg", "z/5.jpg", "A/6.jpg")
	if err := os.Symlink(filepath.Join(root, "nowhere"), filepath.Join(root, "a/gone.jpg")); err != nil {
		t.Fatal(err)
	}
	s, err := source.NewFolders(filepath.Join(root, "z"), root, filepath.Join(root, "A/6.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	places := func(after string) (all []string) {
		for item, err := range s.Items(t.Context(), after) {
			if item.Place == "" {
				t.Fatalf("after %q: %v", after, err)
			}
			all = append(all, item.Place)
		}
		return all
	}
	whole := places("")
	if len(whole) != 9 {
		t.Fatalf("places = %q", whole)
	}
	for i, place := range whole {
		if got := places(place); !slices.Equal(got, whole[i+1:]) {
			t.Errorf("after %q come %q, want %q", place, got, whole[i+1:])
		}
	}
	// What was there when the place was noted may have gone, and new files lie on both sides of it.
	if err := os.Remove(filepath.Join(root, "a/b/2.jpg")); err != nil {
		t.Fatal(err)
	}
	gone := slices.IndexFunc(whole, func(place string) bool { return strings.HasSuffix(place, "a/b/2.jpg") })
	if got := places(whole[gone]); !slices.Equal(got, whole[gone+1:]) {
		t.Errorf("behind an item that has gone come %q, want %q", got, whole[gone+1:])
	}
	for _, bad := range []string{"5:" + root, "-1:x", "a/1.jpg", "1:/elsewhere/1.jpg"} {
		for item, err := range s.Items(t.Context(), bad) {
			if fault.KindOf(err) != fault.KindInvalid || item.Path != "" {
				t.Errorf("after %q: %v, %v", bad, item, err)
			}
		}
	}
}

func TestFoldersOverlap(t *testing.T) {
	t.Parallel()
	root := tree(t, "a/1.jpg", "a/b/2.jpg", "ab/3.jpg")
	for name, paths := range map[string][]string{
		"inner first": {"a/b", "a", "."},
		"outer first": {".", "a"},
		"twice":       {".", "."},
		"files":       {"a/1.jpg", "ab", ".", "a/1.jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var full []string
			for _, p := range paths {
				full = append(full, filepath.Join(root, p))
			}
			s, err := source.NewFolders(full...)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := list(t, s, root)
			slices.Sort(got)
			if want := []string{"a/1.jpg", "a/b/2.jpg", "ab/3.jpg"}; !slices.Equal(got, want) {
				t.Errorf("items = %q, want %q", got, want)
			}
		})
	}
}

func TestFoldersLinks(t *testing.T) {
	t.Parallel()
	root := tree(t, "real/1.jpg")
	for link, target := range map[string]string{"loop": root, "file.jpg": "real/1.jpg", "broken.jpg": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	got, faults := list(t, s, root)
	if want := []string{"file.jpg", "real/1.jpg"}; !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
	if fault.KindOf(faults["broken.jpg"]) != fault.KindNotFound || len(faults) != 1 {
		t.Errorf("faults = %v", faults)
	}
}

// TestFoldersRootIsLink names a folder by a link, and by a link to that.
func TestFoldersRootIsLink(t *testing.T) {
	t.Parallel()
	root := tree(t, "disk/1.jpg", "disk/in/2.jpg", "single.jpg")
	for link, target := range map[string]string{"photos": "disk", "again": "photos", "disk/loop": "..", "picture": "single.jpg", "self": "self"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		roots []string
		want  []string
	}{
		"link":                {[]string{"photos"}, []string{"photos/1.jpg", "photos/in/2.jpg"}},
		"link to a link":      {[]string{"again"}, []string{"again/1.jpg", "again/in/2.jpg"}},
		"below a link":        {[]string{"photos/in"}, []string{"photos/in/2.jpg"}},
		"link and below":      {[]string{"photos", "photos/in"}, []string{"photos/1.jpg", "photos/in/2.jpg"}},
		"loop that is named":  {[]string{"disk/loop"}, []string{"disk/loop/disk/1.jpg", "disk/loop/disk/in/2.jpg", "disk/loop/single.jpg"}},
		"link to one picture": {[]string{"picture"}, []string{"picture"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var roots []string
			for _, r := range test.roots {
				roots = append(roots, filepath.Join(root, r))
			}
			s, err := source.NewFolders(roots...)
			if err != nil {
				t.Fatal(err)
			}
			got, faults := list(t, s, root)
			if slices.Sort(got); !slices.Equal(got, test.want) || len(faults) > 0 {
				t.Errorf("items = %q, faults = %v, want %q", got, faults, test.want)
			}
			places := map[string]string{}
			var order []string
			for item, err := range s.Items(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				order, places[item.Path] = append(order, item.Path), item.Place
			}
			for i, path := range order { // it goes on from each
				var rest []string
				for item := range s.Items(t.Context(), places[path]) {
					rest = append(rest, item.Path)
				}
				if !slices.Equal(rest, order[i+1:]) {
					t.Errorf("behind %s come %q, want %q", path, rest, order[i+1:])
				}
			}
		})
	}
	glob, err := source.NewGlob(filepath.Join(root, "photos", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := list(t, glob, root); !slices.Equal(got, []string{"photos/1.jpg"}) {
		t.Errorf("a pattern below a link: %q", got)
	}
	if _, err := source.NewFolders(filepath.Join(root, "self")); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), "self cannot be read: too many levels") {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestFoldersFaults(t *testing.T) {
	t.Parallel()
	root := tree(t, "1.jpg")
	if _, err := source.NewFolders(); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("no path: %v", err)
	}
	missing := filepath.Join(root, "missing")
	if _, err := source.NewFolders(missing); fault.KindOf(err) != fault.KindNotFound || !strings.Contains(fault.Public(err), missing) {
		t.Errorf("missing folder: %v", err)
	}
	s, err := source.NewFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), source.Item{Path: missing}); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("open of a file that has gone: %v", err)
	}
	file, err := s.Open(t.Context(), source.Item{Path: filepath.Join(root, "1.jpg")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(file); err != nil || string(b) != "1.jpg" {
		t.Errorf("content = %q, %v", b, err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range s.Items(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled walk gives %v", err)
		}
	}
}

func TestRoots(t *testing.T) {
	t.Parallel()
	base := tree(t, "open/1.jpg", "open/sub/2.jpg", "open2/3.jpg", "secret/4.jpg")
	if err := os.Symlink(filepath.Join(base, "secret"), filepath.Join(base, "open/out")); err != nil {
		t.Fatal(err)
	}
	roots, err := source.NewRoots([]string{filepath.Join(base, "open")})
	if err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]fault.Kind{
		"secret":         fault.KindForbidden,
		"open/../secret": fault.KindForbidden,
		"open/out":       fault.KindForbidden,
		"open/out/4.jpg": fault.KindForbidden,
		"open2":          fault.KindForbidden,
		"nowhere":        fault.KindForbidden,
		"open/nowhere":   fault.KindNotFound,
	} {
		if got, err := roots.Resolve(base + "/" + path); fault.KindOf(err) != kind {
			t.Errorf("%s resolves to %q, %v; want %v", path, got, err, kind)
		}
	}
	for _, path := range []string{"open", "open/sub", "open/sub/../1.jpg"} {
		if _, err := roots.Resolve(base + "/" + path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := roots.Resolve("open"); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("relative path: %v", err)
	}
	none, err := source.NewRoots(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Resolve(base); fault.KindOf(err) != fault.KindForbidden {
		t.Errorf("no roots: %v", err)
	}
	if _, err := source.NewRoots([]string{base + "/nowhere"}); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("missing root: %v", err)
	}
}

func TestRootsOfBuckets(t *testing.T) {
	t.Parallel()
	roots, err := source.NewRoots(nil, "s3://all", "s3://part/of/it/", "gs://pictures", "azblob://scans/new")
	if err != nil {
		t.Fatal(err)
	}
	for address, kind := range map[string]fault.Kind{
		"s3://other":               fault.KindForbidden,
		"s3://pictures/x.jpg":      fault.KindForbidden, // of that name elsewhere
		"gs://all/x.jpg":           fault.KindForbidden,
		"azblob://scans/newer.jpg": fault.KindForbidden,
		"gs://pictures/../x.jpg":   fault.KindInvalid,
		"azblob://scans?sig=x":     fault.KindInvalid,
		"s3://all2/x.jpg":          fault.KindForbidden,
		"s3://part":                fault.KindForbidden,
		"s3://part/of/italy.jpg":   fault.KindForbidden,
		"s3://part/of/it/../x.jpg": fault.KindInvalid,
		"s3://all/./x.jpg":         fault.KindInvalid,
		"s3://all?endpoint=http:x": fault.KindInvalid,
		"S3://all/x.jpg":           fault.KindInvalid,
		"s3://":                    fault.KindInvalid,
	} {
		if got, err := roots.Resolve(address); fault.KindOf(err) != kind {
			t.Errorf("%s resolves to %q, %v; want %v", address, got, err, kind)
		}
	}
	for _, address := range []string{"s3://all", "s3://all/", "s3://all/a ..b/what?.jpg", "s3://part/of/it", "s3://part/of/it/x/y.jpg", "gs://pictures/x.jpg", "azblob://scans/new"} {
		if got, err := roots.Resolve(address); got != address || err != nil {
			t.Errorf("%s resolves to %q, %v", address, got, err)
		}
	}
	none, err := source.NewRoots([]string{t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Resolve("s3://all"); fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "ingest.buckets") {
		t.Errorf("no buckets: %v", err)
	}
	if _, err := source.NewRoots(nil, "photos"); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("a bucket without s3://: %v", err)
	}
}
