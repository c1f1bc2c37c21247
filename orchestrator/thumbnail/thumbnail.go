// Package thumbnail keeps small JPEG copies of pictures in a folder, so that a page of results costs little.
//
// The folder is a cache: it may be deleted at any time and fills again. It is not for originals (httpapi serves them
// from where they are) nor for the tensors of models (imageprep).
package thumbnail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/singleflight"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// Config says how thumbnails look.
type Config struct {
	Side    int `koanf:"side"`    // longest side, pixels
	Quality int `koanf:"quality"` // of the JPEG, 1 to 100
}

// Default suits tiles of 200 to 300 CSS pixels on screens of double density.
func Default() Config { return Config{Side: 480, Quality: 82} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("side", c.Side, 16, 2048, 480),
		fault.Between("quality", c.Quality, 1, 100, 82),
	)
}

// Store makes and keeps thumbnails. It is safe for concurrent use, also by several processes on one folder.
type Store struct {
	dir     string
	cfg     Config
	decoder *imageprep.Decoder
	making  singleflight.Group // several requests for one picture decode it once
	places  chan struct{}      // bounds the pictures that are decoded at once
}

// New makes a store in dir, which is made when it is first needed.
func New(dir string, cfg Config, decoder *imageprep.Decoder) *Store {
	return &Store{dir: dir, cfg: cfg, decoder: decoder, places: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Opener opens a picture file and tells its size.
type Opener func() (file io.ReadCloser, size int64, err error)

// view is a copy large enough to stand for the picture itself on a screen.
var view = Config{Side: 2048, Quality: 90}

// View is Get at a size to look at, for pictures in formats that browsers do not show.
func (s *Store) View(ctx context.Context, hash string, open Opener) ([]byte, error) {
	return s.get(ctx, hash, view, open)
}

// Get is the JPEG thumbnail of the picture file with this SHA-256 (64 hexadecimal digits), which is opened where it has
// to be made. Faults: those of open and of imageprep.Decoder; Invalid for a hash of another form.
func (s *Store) Get(ctx context.Context, hash string, open Opener) ([]byte, error) {
	return s.get(ctx, hash, s.cfg, open)
}

func (s *Store) get(ctx context.Context, hash string, cfg Config, open Opener) ([]byte, error) {
	path, err := s.path(hash, cfg)
	if err != nil {
		return nil, err
	}
	if kept, err := os.ReadFile(path); err == nil {
		return kept, nil
	}
	made := s.making.DoChan(path, func() (any, error) { return s.make(path, cfg, open) })
	select {
	case result := <-made:
		small, _ := result.Val.([]byte)
		return small, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Store) path(hash string, cfg Config) (string, error) {
	for _, c := range hash {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fault.Invalid("%q is not a SHA-256 in hexadecimal digits", hash)
		}
	}
	if len(hash) != 64 {
		return "", fault.Invalid("%q is not a SHA-256 in hexadecimal digits", hash)
	}
	return filepath.Join(s.dir, hash[:2], fmt.Sprintf("%s-%d-%d.jpg", hash[2:], cfg.Side, cfg.Quality)), nil
}

func (s *Store) make(path string, cfg Config, open Opener) ([]byte, error) {
	s.places <- struct{}{}
	defer func() { <-s.places }()
	file, err := s.read(open)
	if err != nil {
		return nil, err
	}
	picture, err := s.decoder.Decode(file)
	if err != nil {
		return nil, err
	}
	defer picture.Release()
	small, err := picture.Thumbnail(cfg.Side, cfg.Quality)
	if err != nil {
		return nil, err
	}
	keep(path, small)
	return small, nil
}

func (s *Store) read(open Opener) ([]byte, error) {
	file, size, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return s.decoder.Read(file, size, nil)
}

// keep writes the file whole or not at all. A full or read-only disk costs speed, not the answer.
func keep(path string, small []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return
	}
	_, err = temporary.Write(small)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
}
