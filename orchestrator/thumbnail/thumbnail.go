// Package thumbnail keeps small JPEG copies of pictures in a folder or an object store, so that a page of results costs
// little.
//
// What is kept is a cache: it may be deleted at any time and fills again, from ingests (ingest) and as pages ask. It is
// not for originals (httpapi serves them from where they are) nor for the tensors of models (imageprep).
package thumbnail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// Config says how thumbnails look, when they are made and where they are kept.
type Config struct {
	Side     int    `koanf:"side"`      // longest side, pixels
	Quality  int    `koanf:"quality"`   // of the JPEG, 1 to 100
	AtIngest bool   `koanf:"at_ingest"` // while a picture is decoded anyway; else when a page first asks
	Store    string `koanf:"store"`     // URL of an object store; empty is a folder beside the index
}

// Default suits tiles of about 200 CSS pixels; larger ones cost an ingest time (docs/figures.md).
func Default() Config { return Config{Side: 320, Quality: 82, AtIngest: true} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("side", c.Side, 16, 2048, 320),
		fault.Between("quality", c.Quality, 1, 100, 82),
		c.checkStore(),
	)
}

func (c Config) checkStore() error {
	hasPrefix := func(scheme string) bool { return strings.HasPrefix(c.Store, scheme) }
	if c.Store == "" || slices.ContainsFunc([]string{"s3://", "gs://", "azblob://", "file:///"}, hasPrefix) {
		return nil
	}
	return fault.Invalid("store must be s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://CONTAINER/PREFIX or file:///FOLDER, or empty for a folder beside the index")
}

// Storage keeps small files by their keys, which are ASCII with slashes. It is safe for concurrent use, also by several
// processes: those who write one key write the same.
type Storage interface {
	// Read gives a file. Faults: NotFound, Unavailable.
	Read(ctx context.Context, key string) ([]byte, error)
	// Write keeps content whole or not at all. Faults: Unavailable, Forbidden, Internal.
	Write(ctx context.Context, key string, content []byte) error
	// Known tells whether a file is there, as far as can be told without asking another machine.
	Known(key string) bool
}

// Store makes and keeps thumbnails. It is safe for concurrent use, also by several processes on one storage.
type Store struct {
	kept    Storage
	cfg     Config
	decoder *imageprep.Decoder
	log     *slog.Logger
	making  singleflight.Group // several requests for one picture decode it once
	places  chan struct{}      // bounds the pictures that are decoded at once
	rest    atomic.Int64       // Unix nanoseconds until which the storage is left alone, since it failed
}

// New makes a store.
func New(kept Storage, cfg Config, decoder *imageprep.Decoder, log *slog.Logger) *Store {
	return &Store{kept: kept, cfg: cfg, decoder: decoder, log: log, places: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Opener opens a picture file and tells its size.
type Opener func() (file io.ReadCloser, size int64, err error)

// look is how one kind of copy is made.
type look struct{ side, quality int }

// view is a copy large enough to stand for the picture itself on a screen.
var view = look{2048, 90}

func (s *Store) tile() look { return look{s.cfg.Side, s.cfg.Quality} }

// View is Get at a size to look at, for pictures in formats that browsers do not show.
func (s *Store) View(ctx context.Context, hash string, open Opener) ([]byte, error) {
	return s.get(ctx, hash, view, open)
}

// Get is the JPEG thumbnail of the picture file with this SHA-256 (64 hexadecimal digits), which is opened where it has
// to be made. Faults: those of open and of imageprep.Decoder; Invalid for a hash of another form.
func (s *Store) Get(ctx context.Context, hash string, open Opener) ([]byte, error) {
	return s.get(ctx, hash, s.tile(), open)
}

// Look is the longest side and the quality of a thumbnail, for who makes one to Keep.
func (s *Store) Look() (side, quality int) { return s.cfg.Side, s.cfg.Quality }

// Known tells whether the thumbnail of a picture file is there already, as far as can be told at once.
func (s *Store) Known(hash string) bool {
	key, err := keyOf(hash, s.tile())
	return err == nil && s.kept.Known(key)
}

// Keep keeps a thumbnail that was made elsewhere. A storage that fails or is away costs speed later and nothing else: it
// is logged, and left alone for a while.
func (s *Store) Keep(ctx context.Context, hash string, small []byte) {
	if key, err := keyOf(hash, s.tile()); err == nil {
		s.keep(ctx, key, small)
	}
}

// Tag is the entity tag of a picture file's thumbnail, in quotes as HTTP has them.
func (s *Store) Tag(hash string) string {
	return fmt.Sprintf(`"%s-%d-%d"`, hash, s.cfg.Side, s.cfg.Quality)
}

func (s *Store) get(ctx context.Context, hash string, l look, open Opener) ([]byte, error) {
	key, err := keyOf(hash, l)
	if err != nil {
		return nil, err
	}
	made := s.making.DoChan(key, func() (any, error) {
		ctx := context.WithoutCancel(ctx) // others may wait for the same
		if kept, err := s.read(ctx, key); err == nil {
			return kept, nil
		}
		return s.make(ctx, key, l, open)
	})
	select {
	case result := <-made:
		small, _ := result.Val.([]byte)
		return small, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keyOf is where a copy is kept.
func keyOf(hash string, l look) (string, error) {
	for _, c := range hash {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fault.Invalid("%q is not a SHA-256 in hexadecimal digits", hash)
		}
	}
	if len(hash) != 64 {
		return "", fault.Invalid("%q is not a SHA-256 in hexadecimal digits", hash)
	}
	return fmt.Sprintf("%s/%s-%d-%d.jpg", hash[:2], hash[2:], l.side, l.quality), nil
}

// wait bounds one question to a storage, which may be a server that hangs.
const wait = 10 * time.Second

// read gives what is kept, if it is whole: a machine that lost its power may leave a file without its content.
func (s *Store) read(ctx context.Context, key string) ([]byte, error) {
	var small []byte
	err := s.ask(ctx, func(ctx context.Context) (err error) {
		if small, err = s.kept.Read(ctx, key); fault.KindOf(err) == fault.KindNotFound {
			return nil // which is no failure of the storage, as it would be of a write
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(small, []byte{0xff, 0xd8}) || !bytes.HasSuffix(small, []byte{0xff, 0xd9}) {
		return nil, fault.NotFound("there is no whole %s", key)
	}
	return small, nil
}

// pause is how long a storage that failed is left alone, so that neither a page nor an ingest waits for each of its
// thumbnails.
const pause = 15 * time.Second

// ask asks the storage, unless it failed just now.
func (s *Store) ask(ctx context.Context, question func(context.Context) error) error {
	rest := s.rest.Load()
	if time.Now().UnixNano() < rest {
		return fault.Unavailable("the storage of thumbnails failed just now")
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := question(ctx)
	if err == nil || errors.Is(err, context.Canceled) { // the latter: whoever asked has gone
		return err
	}
	if s.rest.CompareAndSwap(rest, time.Now().Add(pause).UnixNano()) { // one of those that fail at once tells of it
		s.log.Warn("thumbnails cannot be kept or read; they are made when a page asks", "pause", pause, "err", err)
	}
	return err
}

func (s *Store) make(ctx context.Context, key string, l look, open Opener) ([]byte, error) {
	s.places <- struct{}{}
	defer func() { <-s.places }()
	file, err := s.original(open)
	if err != nil {
		return nil, err
	}
	picture, err := s.decoder.Decode(file)
	if err != nil {
		return nil, err
	}
	defer picture.Release()
	small, err := picture.Thumbnail(l.side, l.quality)
	if err != nil {
		return nil, err
	}
	s.keep(ctx, key, small)
	return small, nil
}

func (s *Store) original(open Opener) ([]byte, error) {
	file, size, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return s.decoder.Read(file, size, nil)
}

func (s *Store) keep(ctx context.Context, key string, small []byte) {
	_ = s.ask(ctx, func(ctx context.Context) error { return s.kept.Write(ctx, key, small) }) // ask tells of it
}
