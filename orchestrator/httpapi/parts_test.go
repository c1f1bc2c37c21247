package httpapi_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/jobs/natsd"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/tokenizer"
)

// parts are what a test gives the routes in place of servers: they do what it says, at the moment it says so.
type parts struct {
	db    *able
	enc   *scripted
	ready func(context.Context) map[string]error
}

// serveParts runs the routes on parts until the test ends.
func serveParts(t *testing.T, change func(*httpapi.Config, *parts)) (client, *parts) {
	t.Helper()
	m, err := app.OpenModel(apptest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{
		db:    newAble(t),
		enc:   &scripted{card: m.Card},
		ready: func(context.Context) map[string]error { return map[string]error{"model": nil, "index": nil} },
	}
	cfg := httpapi.Default()
	root := photos(t)
	if change != nil {
		change(&cfg, p)
	}
	roots, err := source.NewRoots([]string{root})
	if err != nil {
		t.Fatal(err)
	}
	patient := ingest.Default()
	patient.Patience = 0
	node, err := natsd.Open(t.Context(), t.TempDir(), apptest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	open := collections{p.db, m.Card}
	queue, err := jobs.Open(t.Context(), jobs.Default(), jobs.Deps{
		Conn: node.Conn(), Open: app.Opener(app.Default(), apptest.Log(t)), Ingester: ingest.New(patient, m.Decoder, m.Spec, p.enc), Log: apptest.Log(t),
		Index: func(ctx context.Context, collection, partition string) (index.Index, error) {
			photos, err := open.Make(ctx, collection)
			if err != nil || partition == "" {
				return photos, err
			}
			return httpapi.MakePartition(ctx, photos, partition)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	queue.Work("")
	server, err := httpapi.New(cfg, httpapi.Deps{
		Version: "test", Card: m.Card, Collections: open, Jobs: queue, Roots: roots, Files: plainFiles{}, Log: apptest.Log(t),
		Searcher: search.New(search.Default(), m.Tokenizer, m.Decoder, m.Spec, p.enc),
		Ready:    func(ctx context.Context) map[string]error { return p.ready(ctx) },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := errors.Join(queue.Close(), node.Close()); err != nil {
			t.Error(err)
		}
	})
	return client{t: t, base: "http://" + listener.Addr().String(), key: cfg.APIKey}, p
}

// scripted is an encoder for which every text and picture is the same; fail, if set, is what becomes of a call.
type scripted struct {
	card model.Card
	fail func(context.Context) error
}

func (e *scripted) Card() model.Card { return e.card }
func (e *scripted) Close() error     { return nil }

func (e *scripted) encode(ctx context.Context, n int) ([]encoder.Vector, error) {
	if e.fail != nil {
		return nil, e.fail(ctx)
	}
	vectors := make([]encoder.Vector, n)
	for i := range vectors {
		vectors[i] = make(encoder.Vector, e.card.Width)
		vectors[i][0] = 1
	}
	return vectors, nil
}

func (e *scripted) EncodeText(ctx context.Context, texts []tokenizer.Tokens) ([]encoder.Vector, error) {
	return e.encode(ctx, len(texts))
}

func (e *scripted) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	return e.encode(ctx, batch.N)
}

// collections opens collections anew for every request.
type collections struct {
	db   *able
	card model.Card
}

func (c collections) Get(ctx context.Context, name string) (index.Index, error) {
	return c.Make(ctx, name)
}

func (c collections) Make(ctx context.Context, name string) (index.Index, error) {
	return c.db.Open(ctx, index.Spec{Collection: name, Width: c.card.Width, Model: c.card.Identity()})
}

func (c collections) List(ctx context.Context) ([]index.Info, error) { return c.db.Collections(ctx) }
func (c collections) Forget(context.Context, string)                 {}

func (c collections) Default() string          { return "photos" }
func (c collections) Database() index.Database { return c.db }

type database = index.Database

// able is a local database with the abilities of a server, for what they look like over HTTP: a search structure whose
// state the test sets, partitions, each a collection of its own, and aliases.
type able struct {
	database
	fail func(context.Context) error // if set, what becomes of opening a collection

	mu       sync.Mutex
	parts    map[string]index.Index // by the name of their collection
	aliases  map[string]string
	building index.Building
	calls    []string // of builders
}

func newAble(t *testing.T) *able {
	t.Helper()
	cfg := local.Default()
	cfg.File = filepath.Join(t.TempDir(), "index.db")
	db, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &able{
		database: db, parts: map[string]index.Index{}, aliases: map[string]string{},
		building: index.Building{Type: "IVF_FLAT", Metric: "IP", Params: map[string]string{"nlist": "1024"}, Total: 20_000, Covered: 12_000, State: index.BuildRunning},
	}
}

func (a *able) Open(ctx context.Context, spec index.Spec) (index.Index, error) {
	if a.fail != nil {
		return nil, a.fail(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if name, ok := a.aliases[spec.Collection]; ok {
		spec.Collection = name
	}
	inner, err := a.database.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return ableIndex{Index: inner, db: a, spec: spec}, nil
}

func (a *able) Aliases(context.Context) (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.aliases), nil
}

func (a *able) SetAlias(ctx context.Context, alias, collection string) error {
	if _, err := a.database.Open(ctx, index.Spec{Collection: collection}); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.aliases[alias] = collection
	return nil
}

func (a *able) DropAlias(_ context.Context, alias string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.aliases[alias]; !ok {
		return fault.NotFound("there is no alias %q", alias)
	}
	delete(a.aliases, alias)
	return nil
}

// ableIndex has what Index says and the abilities that able is for, and no others.
type ableIndex struct {
	index.Index
	db   *able
	spec index.Spec
}

func (i ableIndex) did(call string) error {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	i.db.calls = append(i.db.calls, call)
	return nil
}

func (i ableIndex) Flush(context.Context) error { return i.did("flush") }
func (i ableIndex) Build(context.Context) error { return i.did("build") }

func (i ableIndex) Building(context.Context) (index.Building, error) {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	return i.db.building, nil
}

const inPart = "__" // between the name of a collection and that of a partition

func (i ableIndex) Partitions(ctx context.Context) ([]index.Partition, error) {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	all := []index.Partition{{Name: "_default"}}
	for _, name := range slices.Sorted(maps.Keys(i.db.parts)) {
		n, err := i.db.parts[name].(index.Counter).Count(ctx, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, index.Partition{Name: name[len(i.spec.Collection+inPart):], Count: n})
	}
	return all, nil
}

func (i ableIndex) CreatePartition(ctx context.Context, name string) error {
	if name == "bad" {
		return fault.Invalid("%q cannot name a partition", name)
	}
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	infos, err := i.db.Collections(ctx)
	if err != nil {
		return err
	}
	spec := index.Spec{Collection: i.spec.Collection + inPart + name, Width: infos[0].Width, Model: infos[0].Model}
	i.db.parts[spec.Collection], err = i.db.database.Open(ctx, spec)
	return err
}

func (i ableIndex) DropPartition(_ context.Context, name string) error {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	whole := i.spec.Collection + inPart + name
	if _, ok := i.db.parts[whole]; !ok {
		return fault.NotFound("there is no partition %q in %s", name, i.spec.Collection)
	}
	delete(i.db.parts, whole)
	return nil
}

func (i ableIndex) Partition(name string) index.Index {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	if part, ok := i.db.parts[i.spec.Collection+inPart+name]; ok {
		return part
	}
	return noPart{}
}

type noPart struct{ index.Index }

func (noPart) Search(context.Context, index.Query) ([]index.Hit, error) {
	return nil, fault.NotFound("there is no such partition")
}

// plainFiles opens files of the disk.
type plainFiles struct{}

func (plainFiles) Open(_ context.Context, path string) (io.ReadCloser, int64, error) {
	return source.OpenFile(path)
}
