package milvus_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index/milvus"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*milvus.Config)
		want  []string // what the faults say
	}{
		"default":       {func(*milvus.Config) {}, nil},
		"no address":    {func(c *milvus.Config) { c.Address = "" }, []string{`address = "" must be host:port`}},
		"no port":       {func(c *milvus.Config) { c.Address = "milvus" }, []string{`address = "milvus" must be host:port`}},
		"database":      {func(c *milvus.Config) { c.Database = "a b" }, []string{`database = "a b" must be letters`}},
		"fields":        {func(c *milvus.Config) { c.Fields = milvus.Fields{ID: "x", Vector: "x", Path: "1"} }, []string{`fields.path = "1"`, "must be three names"}},
		"numbers":       {func(c *milvus.Config) { c.PathLength, c.Shards, c.Replicas = 70_000, 0, -1 }, []string{"path_length = 70000", "shards = 0", "replicas = -1"}},
		"batch":         {func(c *milvus.Config) { c.Batch = milvus.Batch{Bytes: 1} }, []string{"batch.bytes = 1", "batch.rows = 0", "batch.writers = 0"}},
		"times":         {func(c *milvus.Config) { c.Timeout, c.WriteTimeout = 0, 2*time.Hour }, []string{"timeout = 0s", "write_timeout = 2h0m0s"}},
		"consistency":   {func(c *milvus.Config) { c.Consistency = "weak" }, []string{`consistency = "weak" must be strong, session, bounded or eventually`}},
		"secrets":       {func(c *milvus.Config) { c.User, c.Token = "root", "t" }, []string{"token must stand alone", "user and password must be given together"}},
		"tls":           {func(c *milvus.Config) { c.TLS.Cert = "a.pem" }, []string{"tls.cert and tls.key must be given together", "tls.enabled must be true"}},
		"type":          {func(c *milvus.Config) { c.Index.Type = "ANNOY" }, []string{`type = "ANNOY" must be one of FLAT, IVF_FLAT`}},
		"metric":        {func(c *milvus.Config) { c.Index.Metric = "HAMMING" }, []string{`metric = "HAMMING" must be IP, COSINE or L2`}},
		"not a pair":    {func(c *milvus.Config) { c.Index.Params = []string{"nlist"} }, []string{`params has "nlist"; each must be name=value, for example nlist=1024`}},
		"foreign param": {func(c *milvus.Config) { c.Index.Params = []string{"M=16"} }, []string{"params has M, which IVF_FLAT has not; for example nlist=1024"}},
		"twice":         {func(c *milvus.Config) { c.Index.Params = []string{"nlist=1", "nlist=2"} }, []string{"params has nlist twice"}},
		"range":         {func(c *milvus.Config) { c.Index.Params = []string{"nlist=65537"} }, []string{`params has nlist = "65537"; it must be 1 to 65536, for example 1024`}},
		"not a number":  {func(c *milvus.Config) { c.Index.Search = []string{"nprobe=many"} }, []string{`search has nprobe = "many"; it must be 1 to 65536, for example 64`}},
		"more lists":    {func(c *milvus.Config) { c.Index.Params, c.Index.Search = []string{"nlist=64"}, []string{"nprobe=65"} }, []string{"search has nprobe = 65, and there are nlist = 64 lists"}},
		"missing": {func(c *milvus.Config) { c.Index.Type = "IVF_PQ" },
			[]string{"params needs m, which IVF_PQ cannot be without; it must be 1 to 32768, for example m=96"}},
		"word": {func(c *milvus.Config) { c.Index.Type, c.Index.Params = "SCANN", []string{"with_raw_data=yes"} },
			[]string{`params has with_raw_data = "yes"; it must be one of true, false`}},
		"none to take": {func(c *milvus.Config) { c.Index.Type, c.Index.Search = "FLAT", []string{"ef=64"} }, []string{"search has ef, which FLAT has not; FLAT takes none"}},
		"graph": {func(c *milvus.Config) { c.Index.Type, c.Index.Params = "GPU_CAGRA", []string{"graph_degree=200"} },
			[]string{"params has graph_degree = 200, and only intermediate_graph_degree = 128 to choose from"}},
		"all together": {func(c *milvus.Config) {
			c.Index = milvus.IndexConfig{Type: "HNSW", Metric: "X", Params: []string{"M=1", "nlist=1"}, Search: []string{"ef=0"}}
		},
			[]string{`metric = "X"`, `M = "1"`, "has nlist, which HNSW has not", `ef = "0"`}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := milvus.Default()
			tc.spoil(&cfg)
			err := errors.Join(cfg.Validate(), cfg.Index.Validate())
			if tc.want == nil {
				check(t, err)
				return
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %q", err, want)
				}
			}
			if _, err := milvus.Open(cfg, slog.New(slog.DiscardHandler)); fault.KindOf(err) != fault.KindInvalid {
				t.Errorf("Open answers %v, want Invalid", err)
			}
		})
	}
}

// Every type can be configured without a parameter that has a default.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"FLAT", "IVF_FLAT", "IVF_SQ8", "SCANN", "HNSW", "DISKANN", "GPU_IVF_FLAT", "GPU_CAGRA", "GPU_BRUTE_FORCE", "AUTOINDEX"} {
		check(t, milvus.IndexConfig{Type: kind, Metric: "IP"}.Validate())
	}
	for _, kind := range []string{"IVF_PQ", "GPU_IVF_PQ"} {
		check(t, milvus.IndexConfig{Type: kind, Metric: "IP", Params: []string{"m=96"}}.Validate())
	}
}
