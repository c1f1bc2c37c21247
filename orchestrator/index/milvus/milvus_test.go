package milvus_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/milvus-io/milvus-sdk-go/v2/client"

	"clipseek/deploy/servers"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/indextest"
	"clipseek/orchestrator/index/milvus"
)

// server is the Milvus that the tests of this package share; it starts with the first that needs it.
var server = sync.OnceValues(func() (*servers.Milvus, error) {
	home, err := servers.Home(".")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "clipseek-milvus-")
	if err != nil {
		return nil, err
	}
	started.Store(&folder)
	return servers.StartMilvus(context.Background(), servers.MilvusConfig{Home: home, Folder: folder})
})

var started atomic.Pointer[string] // folder of the server

func TestMain(m *testing.M) {
	code := m.Run()
	if folder := started.Load(); folder != nil {
		if s, err := server(); err == nil {
			s.Kill()
		}
		_ = os.RemoveAll(*folder)
	}
	os.Exit(code)
}

// address is the shared server's.
func address(t testing.TB) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return s.GRPC
}

var databases atomic.Int64

// config is a configuration with a database of its own on the shared server, removed with the test.
func config(t testing.TB) milvus.Config {
	t.Helper()
	cfg := milvus.Default()
	cfg.Address = address(t)
	cfg.Database = fmt.Sprintf("test_%d", databases.Add(1))
	t.Cleanup(func() { remove(t, cfg) })
	return cfg
}

// plain is the Milvus client as others use it.
func plain(t testing.TB, cfg milvus.Config) client.Client {
	t.Helper()
	c, err := client.NewClient(context.Background(), client.Config{Address: cfg.Address, DBName: cfg.Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// remove drops a test's database and what is in it: the server holds 64 at most.
func remove(t testing.TB, cfg milvus.Config) {
	t.Helper()
	ctx := context.Background() // the test's has ended
	c, err := client.NewClient(ctx, client.Config{Address: cfg.Address})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	if err := c.UsingDatabase(ctx, cfg.Database); err != nil {
		return // it was never made
	}
	collections, err := c.ListCollections(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, one := range collections {
		_ = c.ReleaseCollection(ctx, one.Name)
		if err := c.DropCollection(ctx, one.Name); err != nil {
			t.Error(err)
		}
	}
	_ = c.UsingDatabase(ctx, "default")
	if err := c.DropDatabase(ctx, cfg.Database); err != nil {
		t.Error(err)
	}
}

func open(t testing.TB, cfg milvus.Config) *milvus.Database {
	t.Helper()
	db, err := milvus.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// exact is a configuration that misses nothing.
func exact(t testing.TB) milvus.Config {
	cfg := config(t)
	cfg.Index.Type = "FLAT"
	return cfg
}

func TestConformance(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t *testing.T) indextest.Open {
		cfg := exact(t)
		return func(t *testing.T) index.Database {
			db, err := milvus.Open(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			return db
		}
	})
}
