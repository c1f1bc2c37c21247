package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/sourcetest"
	"clipseek/orchestrator/source/web"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const mixed = "\xef\xbb\xbf# pictures\r\n\r\n" +
	"HTTPS://Example.COM/A.jpg#top\r\n" +
	"   http://x.example/b c.jpg?q=#f  \n" +
	"photos/1.jpg\n" +
	"ftp://x.example/1.jpg\n" +
	"http://x.example/\xff.jpg\n" +
	"http://例え.example/絵.jpg\n" +
	"http://me:Secret@X.example:8080\n" +
	"http://\n" +
	"http://x.example/last.jpg"

func TestList(t *testing.T) {
	t.Parallel()
	long := "http://x.example/" + strings.Repeat("x", source.MaxURL)
	path := write(t, "urls.txt", mixed+"\n"+long+"\n"+long+long+"\n"+long[:source.MaxURL])
	list, err := web.NewList(path, newClient(t, here()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item, err := range list.Items(t.Context(), "") {
		if err != nil {
			got = append(got, fmt.Sprintf("%s: %s", strings.TrimPrefix(item.Path, path), fault.KindOf(err)))
			continue
		}
		got = append(got, item.Path[:min(len(item.Path), 40)]+" "+item.Label)
		if item.Key != item.Path || item.Source != path || item.Bytes != 0 || !item.Modified.IsZero() {
			t.Errorf("%+v", item)
		}
	}
	want := []string{
		"https://example.com/A.jpg example.com", "http://x.example/b c.jpg?q= x.example", ":5: invalid", ":6: invalid", ":7: invalid",
		"http://例え.example/絵.jpg 例え.example", "http://me:Secret@x.example:8080 x.example", ":10: invalid", "http://x.example/last.jpg x.example",
		":12: too_large", ":13: too_large", long[:40] + " x.example",
	}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	sourcetest.RunListing(t, list, len(want))
	for _, bad := range []string{"x", "1", "1:5", "-1:-1", "0:0", "1:99999999", "2:0"} {
		for item, err := range list.Items(t.Context(), bad) {
			if fault.KindOf(err) != fault.KindInvalid || item.Path != "" {
				t.Errorf("after %q: %+v, %v", bad, item, err)
			}
		}
	}
	if _, err := web.NewList(path+"x", nil); fault.KindOf(err) != fault.KindNotFound {
		t.Error(err)
	}
	if _, err := web.NewList(filepath.Dir(path), nil); fault.KindOf(err) != fault.KindInvalid {
		t.Error(err)
	}
}

func TestListOpens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(picture)
	t.Cleanup(server.Close)
	list, err := web.NewList(write(t, "urls.txt", server.URL+"/1.jpg\n"+server.URL+"/2.jpg\nnot one\n"), newClient(t, here()))
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.RunListing(t, list, 3)
	for item, err := range list.Items(t.Context(), "") {
		if err != nil {
			continue
		}
		file, err := list.Open(t.Context(), item)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(file); err != nil || string(content) != string(pixels) {
			t.Errorf("%s: %d bytes, %v", item.Path, len(content), err)
		}
	}
}

// TestListIsFlat lists a million URLs and looks at the heap on the way.
func TestListIsFlat(t *testing.T) {
	t.Parallel()
	path := write(t, "urls.txt", "")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	const n = 1_000_000
	for i := range n {
		_, _ = fmt.Fprintf(w, "https://pictures.example/albums/of/summer/%d.jpg\n", i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	list, err := web.NewList(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.RunFlat(t, list, n, 250_000)
}

func FuzzList(f *testing.F) {
	f.Add(mixed)
	f.Add("http://x/\n\n\n#\r\r\n")
	f.Add("\xef\xbb\xbf")
	f.Add("http://user@[::1%25eth0]:8/?#\nHTTP://\u0130/\n")
	f.Fuzz(func(t *testing.T, content string) {
		list, err := web.NewList(write(t, "list.txt", content), nil)
		if err != nil {
			t.Fatal(err)
		}
		last := ""
		for item, err := range list.Items(t.Context(), "") {
			if item.Place == last || item.Path == "" {
				t.Fatalf("%+v, %v", item, err)
			}
			last = item.Place
			if err != nil {
				continue
			}
			again, err := source.NormalURL(item.Path)
			if err != nil || again != item.Path || !utf8.ValidString(again) {
				t.Fatalf("%q becomes %q, %v", item.Path, again, err)
			}
		}
		if last != "" {
			for item, err := range list.Items(t.Context(), last) {
				t.Fatalf("behind the last comes %+v, %v", item, err)
			}
		}
	})
}
