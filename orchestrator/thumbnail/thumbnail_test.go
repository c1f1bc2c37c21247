package thumbnail_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/thumbnail"
)

func store(t *testing.T, dir string) *thumbnail.Store {
	t.Helper()
	return storeOn(t, thumbnail.NewFolder(dir))
}

func storeOn(t *testing.T, kept thumbnail.Storage) *thumbnail.Store {
	t.Helper()
	decoder, err := imageprep.New(imageprep.Default())
	if err != nil {
		t.Fatal(err)
	}
	return thumbnail.New(kept, thumbnail.Config{Side: 64, Quality: 80}, decoder, apptest.Log(t))
}

// gone is an original that is not there.
func gone() (io.ReadCloser, int64, error) { return nil, 0, fault.NotFound("it has gone") }

func content(file []byte) thumbnail.Opener {
	return func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(file)), int64(len(file)), nil
	}
}

var hash = strings.Repeat("ab", 32)

func TestGetMakesOnce(t *testing.T) {
	t.Parallel()
	s := store(t, filepath.Join(t.TempDir(), "new"))
	file := apptest.PNG(t, apptest.Picture(200, apptest.Red, apptest.White))
	var reads atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			small, err := s.Get(t.Context(), hash, func() (io.ReadCloser, int64, error) {
				reads.Add(1)
				return content(file)()
			})
			if err != nil {
				t.Error(err)
				return
			}
			if cfg, format, err := image.DecodeConfig(bytes.NewReader(small)); err != nil || format != "jpeg" || cfg.Width != 64 || cfg.Height != 64 {
				t.Errorf("thumbnail: %v %s %+v", err, format, cfg)
			}
		})
	}
	all.Wait()
	if _, err := s.Get(t.Context(), hash, func() (io.ReadCloser, int64, error) { return nil, 0, errors.New("read again") }); err != nil {
		t.Errorf("a kept thumbnail: %v", err)
	}
	if reads.Load() < 1 {
		t.Error("nothing was read")
	}
}

// TestView is a copy of its own size beside the thumbnail.
func TestView(t *testing.T) {
	t.Parallel()
	s := store(t, t.TempDir())
	file := apptest.PNG(t, apptest.Picture(200, apptest.Red, apptest.White))
	for range 2 {
		for want, get := range map[int]func() ([]byte, error){
			64:  func() ([]byte, error) { return s.Get(t.Context(), hash, content(file)) },
			200: func() ([]byte, error) { return s.View(t.Context(), hash, content(file)) },
		} {
			got, err := get()
			if err != nil {
				t.Fatal(err)
			}
			if cfg, format, err := image.DecodeConfig(bytes.NewReader(got)); err != nil || format != "jpeg" || cfg.Width != want {
				t.Errorf("%v %s %+v, want %d wide", err, format, cfg, want)
			}
		}
	}
}

func TestGetFaults(t *testing.T) {
	t.Parallel()
	s := store(t, t.TempDir())
	for _, bad := range []string{"", "ab", "../../../../etc/passwd", strings.Repeat("AB", 32), strings.Repeat("/", 64)} {
		if _, err := s.Get(t.Context(), bad, nil); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("hash %q: %v", bad, err)
		}
	}
	gone := fault.NotFound("it has gone")
	if _, err := s.Get(t.Context(), hash, func() (io.ReadCloser, int64, error) { return nil, 0, gone }); !errors.Is(err, gone) {
		t.Errorf("a file that has gone: %v", err)
	}
	if _, err := s.Get(t.Context(), hash, content([]byte("text"))); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("no picture: %v", err)
	}
	file := apptest.PNG(t, apptest.Picture(20, apptest.Red, apptest.White))
	nowhere := store(t, "/dev/null/nowhere") // a folder that cannot be made costs the cache, not the answer
	if _, err := nowhere.Get(t.Context(), hash, content(file)); err != nil {
		t.Errorf("no cache: %v", err)
	}
}

// TestKeep serves what was made elsewhere, without the original, for as long as it is whole.
func TestKeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := store(t, dir)
	small := apptest.JPEG(t, apptest.Picture(64, apptest.Red, apptest.White))
	if s.Known(hash) {
		t.Error("known before it was kept")
	}
	s.Keep(t.Context(), hash, small)
	if got, err := s.Get(t.Context(), hash, gone); err != nil || !bytes.Equal(got, small) || !s.Known(hash) {
		t.Errorf("kept: %d bytes, %v, known %v", len(got), err, s.Known(hash))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.jpg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	for name, broken := range map[string][]byte{"empty": {}, "cut": small[:len(small)/2]} {
		if err := os.WriteFile(files[0], broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), hash, content(small)); err != nil || len(got) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if got, err := s.Get(t.Context(), hash, gone); err != nil || len(got) == 0 {
			t.Errorf("%s: not kept again: %d bytes, %v", name, len(got), err)
		}
	}
}

// away is a storage that does not answer, and counts how often it is asked.
type away struct{ asked atomic.Int32 }

func (a *away) Known(string) bool { return false }
func (a *away) Read(context.Context, string) ([]byte, error) {
	a.asked.Add(1)
	return nil, fault.Unavailable("the store does not answer")
}
func (a *away) Write(context.Context, string, []byte) error {
	a.asked.Add(1)
	return fault.Unavailable("the store does not answer")
}

// TestStoreAway makes thumbnails all the same and does not wait for the storage each time.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	kept := &away{}
	s := storeOn(t, kept)
	file := apptest.PNG(t, apptest.Picture(200, apptest.Red, apptest.White))
	for range 3 {
		if small, err := s.Get(t.Context(), hash, content(file)); err != nil || len(small) == 0 {
			t.Errorf("%d bytes, %v", len(small), err)
		}
		s.Keep(t.Context(), hash, file)
	}
	if n := kept.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once and then a pause", n)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*thumbnail.Config){
		"side":          func(c *thumbnail.Config) { c.Side = 1 },
		"quality":       func(c *thumbnail.Config) { c.Quality = 101 },
		"store must be": func(c *thumbnail.Config) { c.Store = "/folder" },
	} {
		cfg := thumbnail.Default()
		if change(&cfg); fault.KindOf(cfg.Validate()) != fault.KindInvalid || !strings.Contains(cfg.Validate().Error(), name) {
			t.Errorf("%s: %v", name, cfg.Validate())
		}
	}
	for _, address := range []string{"", "s3://photos/small", "gs://photos", "azblob://photos/small", "file:///srv/small"} {
		cfg := thumbnail.Default()
		if cfg.Store = address; cfg.Validate() != nil {
			t.Errorf("%q: %v", address, cfg.Validate())
		}
	}
}
