package local_test

import (
	"path/filepath"
	"testing"

	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/indextest"
	"clipseek/orchestrator/index/local"
)

func config(file string) local.Config {
	cfg := local.Default()
	cfg.File = file
	return cfg
}

func TestConformance(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t *testing.T) indextest.Open {
		file := filepath.Join(t.TempDir(), "folder", "index.db")
		return func(t *testing.T) index.Database {
			db, err := local.Open(t.Context(), config(file))
			if err != nil {
				t.Fatal(err)
			}
			return db
		}
	})
}
