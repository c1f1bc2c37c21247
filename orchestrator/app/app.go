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
	"clipseek/orchestrator/tokenizer"
)

// Model is a model that is not running: what turns texts and pictures into its inputs.
type Model struct {
	*model.Model
	Tokenizer tokenizer.Tokenizer
	Decoder   *imageprep.Decoder
	Spec      imageprep.Spec
}

// ModelsFolder is where models lie that are called by name.
func (c Config) ModelsFolder() string { return filepath.Join(c.Data, "models") }

// OpenModel finds the configured model and reads its card and tokenizer.
func OpenModel(cfg Config) (*Model, error) {
	m, err := model.Find(cfg.Model, cfg.ModelsFolder())
	if err != nil {
		return nil, err
	}
	tok, err := openTokenizer(m)
	if err != nil {
		return nil, err
	}
	decoder, err := imageprep.New(cfg.Image)
	if err != nil {
		return nil, err
	}
	image := m.Card.Image
	spec := imageprep.Spec{Size: image.Size, Resize: image.Resize, Mean: image.Mean, Std: image.Std}
	return &Model{Model: m, Tokenizer: tok, Decoder: decoder, Spec: spec}, spec.Validate()
}

func openTokenizer(m *model.Model) (tokenizer.Tokenizer, error) {
	text := m.Card.Text
	merges, err := m.Files().Open(text.Tokenizer.Merges)
	if err != nil {
		return nil, fault.Internal("open %s of %s", text.Tokenizer.Merges, m.Where()).Because(err)
	}
	tok, err := tokenizer.ReadCLIP(merges, text.Context, tokenizer.WithMerges(text.Tokenizer.Count))
	if closeErr := merges.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fault.At(m.Where()+": "+text.Tokenizer.Merges, err)
	}
	return tok, nil
}

// Prepare decodes a picture file and writes its tensor to dst.
func (m *Model) Prepare(file []byte, dst []float32) error {
	picture, err := m.Decoder.Decode(file)
	if err != nil {
		return err
	}
	defer picture.Release()
	return picture.Tensor(m.Spec, dst)
}

// Core is a running model and the index, with what the command line needs of both.
type Core struct {
	*Model
	*Collections
	Encoder  encoder.Encoder // the search lane
	Searcher *search.Searcher
	Ingester *ingest.Ingester

	towers   *towers
	database index.Database
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
	if c.towers, err = openTowers(cfg, c.Model, log); err != nil {
		return nil, err
	}
	c.closers = append(c.closers, c.towers)
	if err := c.towers.proof.Ensure(ctx); err != nil && !isAway(err) {
		return nil, err
	}
	c.Collections = newCollections(c.database, cfg.Collection, c.Card)
	c.closers = append(c.closers, c.Collections)
	lanes := encoder.NewLanes(c.towers.search, c.towers.bulk, cfg.Encoder.Lanes)
	c.Encoder = lanes.Search()
	c.Searcher = search.New(cfg.Search, c.Tokenizer, c.Decoder, c.Spec, c.Encoder)
	c.Ingester = ingest.New(cfg.Ingest, c.Decoder, c.Spec, lanes.Bulk())
	return c, nil
}

// Ready tells how each part that searches need stands: nil, or what is missing.
func (c *Core) Ready(ctx context.Context) map[string]error {
	parts := map[string]error{"model": c.towers.ready(ctx)}
	if parts["index"] = ready(ctx, c.database); parts["index"] == nil {
		_, parts["index"] = c.Make(ctx, c.Default()) // refuses another width or model
	}
	return parts
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
	if !create {
		infos, err := c.db.Collections(ctx)
		if err != nil {
			return nil, err
		}
		if !has(infos, name) {
			return nil, fault.NotFound("there is no collection %q; `clipseek ingest --collection %s PATH` makes it", name, name)
		}
	}
	photos, err := c.db.Open(ctx, index.Spec{Collection: name, Width: c.card.Width, Model: c.card.Identity()})
	if err != nil {
		return nil, err
	}
	c.open[name] = photos
	return photos, nil
}

func has(infos []index.Info, name string) bool {
	for _, info := range infos {
		if info.Name == name {
			return true
		}
	}
	return false
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
