package thumbnail_test

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg"
	"io"
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
	decoder, err := imageprep.New(imageprep.Default())
	if err != nil {
		t.Fatal(err)
	}
	return thumbnail.New(dir, thumbnail.Config{Side: 64, Quality: 80}, decoder)
}

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
