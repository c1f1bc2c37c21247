package httpapi_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"image"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/app/apptest"
)

// TestPicturesOfArchives shows pictures that lie in archives, and none that is gone or was swapped for something else.
func TestPicturesOfArchives(t *testing.T) {
	t.Parallel()
	picture := apptest.PNG(t, apptest.Picture(90, apptest.Red, apptest.White))
	for name, pack := range map[string]func(t *testing.T, name string, content []byte) []byte{"a.zip": packZip, "a.tar.gz": packTar} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			write := func(entry string, content []byte) {
				if err := os.WriteFile(path, pack(t, entry, content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("album/red.png", picture)
			c := serve(t, path, nil)
			hit := c.search(map[string]any{"text": "apple", "limit": 1}).Hits[0]
			if hit.Path != path+"!/album/red.png" {
				t.Fatalf("path %s", hit.Path)
			}
			resp, original := c.send(http.MethodGet, hit.Original, "", nil)
			if !bytes.Equal(original, picture) || resp.Header.Get("Content-Type") != "image/png" || !strings.Contains(resp.Header.Get("Content-Disposition"), "red.png") {
				t.Errorf("%d: %d bytes of %v", resp.StatusCode, len(original), resp.Header)
			}
			_, small := c.send(http.MethodGet, hit.Thumbnail, "", nil)
			if cfg, format, err := image.DecodeConfig(bytes.NewReader(small)); err != nil || format != "jpeg" || cfg.Width != 90 {
				t.Errorf("thumbnail: %v %s %+v", err, format, cfg)
			}
			write("album/red.png", []byte("root:x:0:0:, a secret that is no picture"))
			if resp, body := c.send(http.MethodGet, hit.Original, "", nil); resp.StatusCode != http.StatusConflict || bytes.Contains(body, []byte("secret")) {
				t.Errorf("swapped: %d %s", resp.StatusCode, body)
			}
			write("album/another-name.png", picture)
			if resp, body := c.send(http.MethodGet, hit.Original, "", nil); resp.StatusCode != http.StatusNotFound {
				t.Errorf("gone: %d %s", resp.StatusCode, body)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if resp, body := c.send(http.MethodGet, hit.Original, "", nil); resp.StatusCode != http.StatusNotFound {
				t.Errorf("no archive: %d %s", resp.StatusCode, body)
			}
		})
	}
}

func packZip(t *testing.T, name string, content []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	entry, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packTar(t *testing.T, name string, content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
