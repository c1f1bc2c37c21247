package object_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/object"
	"clipseek/orchestrator/source/sourcetest"
)

// put writes objects into the bucket photos.
func put(t *testing.T, s *buckettest.Store, content map[string]string) *bucket.Bucket {
	t.Helper()
	b := s.Open(t, "photos")
	write(t, b, content)
	return b
}

func write(t *testing.T, b *bucket.Bucket, content map[string]string) {
	t.Helper()
	for key, text := range content {
		if err := b.Write(t.Context(), key, []byte(text), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, store *buckettest.Store, path string) *object.Objects {
	t.Helper()
	s, err := object.New(t.Context(), bucket.NewClient(store.Config), store.Address(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// album holds pictures, and what is to be passed over.
var album = map[string]string{
	"a.jpg": "1", "in/b c+d.PNG": "2", "in/deep/é日本🍎.webp": "3", "in-between.jpg": "4", "in/#1?.jpg": "5", "in/100%.jpg": "6",
	"in/notes.txt": "no", "in/.hidden.jpg": "no", ".thumbs/a.jpg": "no", "in/video.mp4": "no", "other.tar": "no",
}

func pictures(prefix, below string) map[string]string {
	all := map[string]string{}
	for key, text := range album {
		if text != "no" && strings.HasPrefix(key, below) {
			all[prefix+key] = text
		}
	}
	return all
}

func TestStores(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, store *buckettest.Store) {
		put(t, store, album)
		all := store.Address("photos")
		for path, below := range map[string]string{"photos": "", "photos/": "", "photos/in/": "in/", "photos/in": "in/", "photos/in/deep": "in/deep/", "photos/in/#1?.jpg": "in/#1?.jpg"} {
			t.Run(path, func(t *testing.T) { sourcetest.Run(t, open(t, store, path), pictures(all+"/", below)) })
		}
		t.Run("one of any ending", func(t *testing.T) {
			sourcetest.Run(t, open(t, store, "photos/in/video.mp4"), map[string]string{all + "/in/video.mp4": "no"})
		})
		for item := range open(t, store, "photos").Items(t.Context(), "") {
			want := map[string]string{"a.jpg": "photos", "in/#1?.jpg": "in", "in/deep/é日本🍎.webp": "deep"}[item.Place]
			if want != "" && item.Label != want || item.Key != item.Path || all+"/"+item.Place != item.Path || item.Source != all {
				t.Errorf("%+v, want label %s", item, want)
			}
		}
	})
}

func TestFolder(t *testing.T) {
	t.Parallel()
	b, err := bucket.Open(t.Context(), "file://"+t.TempDir(), bucket.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	write(t, b, album)
	sourcetest.Run(t, object.Of(b, ""), pictures(b.Name()+"/", ""))
	sourcetest.Run(t, object.Of(b, "in/"), pictures(b.Name()+"/", "in/"))
}

// TestChanges looks at objects that change between listing and opening.
func TestChanges(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, store *buckettest.Store) {
		b := put(t, store, map[string]string{"a.jpg": "a", "b.jpg": "b", "c.jpg": "c"})
		s := open(t, store, "photos")
		listed := list(t, s, "")
		if len(listed) != 3 {
			t.Fatalf("%+v", listed)
		}
		write(t, b, map[string]string{"a.jpg": "another"})
		if err := b.Delete(t.Context(), "b.jpg"); err != nil {
			t.Fatal(err)
		}
		if content, err := read(t.Context(), s, listed[0]); content != "another" || err != nil {
			t.Errorf("changed: %q, %v", content, err)
		}
		if _, err := s.Open(t.Context(), listed[1]); fault.KindOf(err) != fault.KindNotFound || fault.Public(err) != store.Address("photos/b.jpg is not there") {
			t.Errorf("gone: %v", err)
		}
		if again := list(t, s, ""); len(again) != 2 || again[0].Bytes != 7 || again[1].Place != "c.jpg" {
			t.Errorf("listed again: %+v", again)
		}
		if rest := list(t, s, listed[1].Place); len(rest) != 1 || rest[0].Place != "c.jpg" {
			t.Errorf("behind an object that has gone: %+v", rest)
		}
	})
}

func list(t *testing.T, s source.Source, after string) (all []source.Item) {
	t.Helper()
	for item, err := range s.Items(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		item.Modified = item.Modified.UTC()
		all = append(all, item)
	}
	return all
}

func read(ctx context.Context, s source.Source, item source.Item) (string, error) {
	r, err := s.Open(ctx, item)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}

// TestManyPages goes on with a listing of several pages from places in each of them, one of an object that has gone, with
// the server restarted in between.
func TestManyPages(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	store := &buckettest.Store{Server: server, Scheme: bucket.S3, Config: bucket.Default()}
	store.Config.Endpoint, store.Config.Retries = server.Endpoint, 0
	if err := server.MakeBucket(t.Context(), "photos"); err != nil {
		t.Fatal(err)
	}
	b := put(t, store, nil)
	const n = 2100
	for i := range n {
		if err := os.WriteFile(filepath.Join(server.Buckets, "photos", fmt.Sprintf("%04d.jpg", i)), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, store, "photos")
	if all := list(t, s, ""); len(all) != n || !slices.IsSortedFunc(all, func(a, b source.Item) int { return strings.Compare(a.Path, b.Path) }) {
		t.Errorf("%d items", len(all))
	}
	if err := b.Delete(t.Context(), "1500.jpg"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for item, err := range s.Items(t.Context(), "0500.jpg") {
		if fault.KindOf(err) != fault.KindUnavailable || item.Path != "" {
			t.Errorf("the server is dead: %+v, %v", item, err)
		}
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]int{"0999.jpg": n - 1001, "1500.jpg": n - 1501, "2099.jpg": 0} {
		if rest := list(t, s, place); len(rest) != want {
			t.Errorf("behind %s come %d, want %d", place, len(rest), want)
		}
	}
}

func TestRefusals(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, store *buckettest.Store) {
		put(t, store, map[string]string{"a.jpg": "a"})
		for path, want := range map[string]fault.Kind{
			"": fault.KindInvalid, "/a.jpg": fault.KindInvalid, "photos?endpoint=http://127.0.0.1/a": fault.KindInvalid, "user:word@photos/a": fault.KindInvalid,
			"photos/nothing": fault.KindNotFound, "photos/nothing/": fault.KindNotFound, "nothing": fault.KindNotFound, "nothing/a.jpg": fault.KindNotFound,
		} {
			if _, err := object.New(t.Context(), bucket.NewClient(store.Config), store.Address(path)); fault.KindOf(err) != want {
				t.Errorf("%s: %v", path, err)
			}
		}
		if _, _, err := object.Read(t.Context(), bucket.NewClient(store.Config), "file:///etc/hostname"); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("a record's path of another scheme: %v", err)
		}
		if store.Scheme == bucket.Google { // the server takes everybody for its owner
			return
		}
		t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
		t.Setenv("AZURE_STORAGE_KEY", "d3Jvbmc=")
		for _, path := range []string{"photos", "photos/a.jpg", "photos/x/"} {
			if _, err := object.New(t.Context(), bucket.NewClient(store.Config), store.Address(path)); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s with a wrong secret: %v", path, err)
			}
		}
	})
}

// TestRead opens objects as the records of every store name them.
func TestRead(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, store *buckettest.Store) {
		put(t, store, album)
		for key, text := range album {
			r, size, err := object.Read(t.Context(), bucket.NewClient(store.Config), store.Address("photos/"+key))
			if err != nil {
				t.Fatal(err)
			}
			if content, err := io.ReadAll(r); string(content) != text || size != int64(len(text)) || err != nil {
				t.Errorf("%s: %q of %d bytes, %v", key, content, size, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
