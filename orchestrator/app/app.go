// Package app is the composition root: it chooses implementations, hands each part what it needs, and ends them in order.
//
// The parts come in three layers, so that a command opens no more than it uses: Model (a card, its tokenizer and its
// picture preparation), Core (the model running, and the index) and Service (everything, answering HTTP).
//
// It is the only package that imports implementations of contracts, and holds no logic of its own.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/thumbnail"
	"clipseek/orchestrator/tokenizer"
)

// Model is a model that is not running: what turns texts and pictures into its inputs.
type Model struct {
	*model.Model
	Tokenizer tokenizer.Tokenizer // nil where the model has no text tower
	Decoder   *imageprep.Decoder
	Spec      imageprep.Spec
}

// ModelsFolder is where models lie that are called by name.
func (c Config) ModelsFolder() string { return filepath.Join(c.Data, "models") }

// OpenModel finds the configured model and reads its card and tokenizer.
func OpenModel(cfg Config) (*Model, error) {
	m, err := FindModel(cfg)
	if err != nil {
		return nil, err
	}
	var tok tokenizer.Tokenizer
	if m.Card.HasText() {
		if tok, err = OpenTokenizer(m); err != nil {
			return nil, err
		}
	}
	decoder, err := imageprep.New(cfg.Image)
	if err != nil {
		return nil, err
	}
	image := m.Card.Image
	spec := imageprep.Spec{Size: image.Size, Resize: image.Resize, Filter: image.Filter, Mean: image.Mean, Std: image.Std}
	return &Model{Model: m, Tokenizer: tok, Decoder: decoder, Spec: spec}, spec.Validate()
}

// Pixels decodes a picture file and writes it, resized and cropped, to dst, one picture of an imageprep.Batch.
func (m *Model) Pixels(file, dst []byte) error {
	return m.decoded(file, func(picture *imageprep.Picture) error { return picture.Pixels(m.Spec, dst) })
}

// Tensor decodes a picture file and writes its tensor, float32 [3, size, size], to dst.
func (m *Model) Tensor(file []byte, dst []float32) error {
	return m.decoded(file, func(picture *imageprep.Picture) error { return picture.Tensor(m.Spec, dst) })
}

func (m *Model) decoded(file []byte, use func(*imageprep.Picture) error) error {
	picture, err := m.Decoder.Decode(file)
	if err != nil {
		return err
	}
	defer picture.Release()
	return use(picture)
}

// Core is a running model and the index, with what the command line needs of both.
type Core struct {
	*Model
	*Collections
	Encoder    encoder.Encoder // the search lane
	Searcher   *search.Searcher
	Ingester   *ingest.Ingester
	Thumbnails *thumbnail.Store // what the ingester fills and pages are served from

	towers   *towers
	database index.Database
	stored   string      // names the index, for messages
	closers  []io.Closer // in the order of opening
}

// OpenCore opens the model, its encoder and the index. Servers among them need not be there: what needs them answers
// Unavailable until they are. Close is owed.
func OpenCore(ctx context.Context, cfg Config, log *slog.Logger) (_ *Core, err error) {
	c := &Core{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.Model, err = OpenModel(cfg); err != nil {
		return nil, err
	}
	if c.database, err = OpenDatabase(ctx, cfg, log); err != nil {
		return nil, err
	}
	c.closers = append(c.closers, c.database)
	c.stored = cfg.Index.where()
	if c.towers, err = openTowers(cfg, c.Model, log); err != nil {
		return nil, err
	}
	c.closers = append(c.closers, c.towers)
	if err := c.towers.proof.Ensure(ctx); err != nil && !fault.IsPassing(err) {
		return nil, err
	}
	c.Collections = newCollections(c.database, cfg.Collection, c.Card)
	c.closers = append(c.closers, c.Collections)
	lanes := encoder.NewLanes(c.towers.search, c.towers.bulk, cfg.Encoder.Lanes)
	c.Encoder = encoder.Recent(lanes.Search(), cfg.Encoder.Recent)
	c.Searcher = search.New(cfg.Search, c.Tokenizer, c.Decoder, c.Spec, c.Encoder)
	c.Ingester = ingest.New(cfg.Ingest, c.Decoder, c.Spec, lanes.Bulk(c.towers.step))
	return c, c.openThumbnails(ctx, cfg, log)
}

// Ready tells how each part that searches need stands: nil, or what is missing. The parts are asked at once.
func (c *Core) Ready(ctx context.Context) map[string]error {
	var model, photos error
	var both sync.WaitGroup
	both.Go(func() { model = unanswered(c.towers.where, c.towers.ready(ctx)) })
	both.Go(func() {
		if photos = ready(ctx, c.database); photos == nil {
			_, photos = c.Make(ctx, c.Default()) // refuses another width or model
		}
		photos = unanswered(c.stored, photos)
	})
	both.Wait()
	return map[string]error{"model": model, "index": photos}
}

// Close ends the parts, the last opened first.
func (c *Core) Close() error {
	var all []error
	for i := len(c.closers) - 1; i >= 0; i-- {
		all = append(all, c.closers[i].Close())
	}
	c.closers = nil
	return errors.Join(all...)
}

// Collections keeps the collections of one model open by name. It implements httpapi.Collections.
type Collections struct {
	db     index.Database
	byName string
	always bool // the default one is made whenever it is asked for
	card   model.Card

	mu   sync.Mutex
	open map[string]index.Index
}

func newCollections(db index.Database, name string, card model.Card) *Collections {
	return &Collections{db: db, byName: name, card: card, open: map[string]index.Index{}}
}

// Default names the collection that is used when nobody names one.
func (c *Collections) Default() string { return c.byName }

// Get opens a collection that is there.
func (c *Collections) Get(ctx context.Context, name string) (index.Index, error) {
	return c.get(ctx, name, false)
}

// Make opens a collection and makes it if need be.
func (c *Collections) Make(ctx context.Context, name string) (index.Index, error) {
	return c.get(ctx, name, true)
}

// get opens each collection once. The lock is held while the database opens one: others of the same name would only do
// it again.
func (c *Collections) get(ctx context.Context, name string, create bool) (index.Index, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if photos, ok := c.open[name]; ok {
		return photos, nil
	}
	if err := index.CheckCollection(name); err != nil {
		return nil, err
	}
	if !create && (name != c.byName || !c.always) { // an alias is as good as a name
		found, err := c.db.Open(ctx, index.Spec{Collection: name})
		if fault.KindOf(err) == fault.KindNotFound {
			return nil, fault.NotFound("there is no collection %q; `clipseek ingest --collection %s PATH` makes it", name, name)
		}
		if err != nil {
			return nil, err
		}
		if err := found.Close(); err != nil {
			return nil, err
		}
	}
	photos, err := c.db.Open(ctx, index.Spec{Collection: name, Width: c.card.Width, Model: c.card.Identity()})
	if err != nil {
		return nil, err
	}
	c.open[name] = photos
	return photos, nil
}

// Forget lets go of a collection that has been dropped, perhaps by another process, so that the next request finds the one
// that was made in its place.
func (c *Collections) Forget(ctx context.Context, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	photos, ok := c.open[name]
	if !ok {
		return
	}
	if _, err := photos.Get(ctx, []int64{0}); fault.KindOf(err) == fault.KindNotFound {
		delete(c.open, name)
		_ = photos.Close() // there is nothing behind it
	}
}

// List describes all collections of the database.
func (c *Collections) List(ctx context.Context) ([]index.Info, error) { return c.db.Collections(ctx) }

// Close closes what is open.
func (c *Collections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []error
	for name, photos := range c.open {
		all = append(all, photos.Close())
		delete(c.open, name)
	}
	return errors.Join(all...)
}
