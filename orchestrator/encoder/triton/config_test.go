package triton_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/config"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/modeltest"
)

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	if err := triton.Default().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*triton.Config){
		"endpoints must name at least one server":              func(c *triton.Config) { c.Endpoints = nil },
		`endpoints has "triton"; each must be host:port`:       func(c *triton.Config) { c.Endpoints = []string{"triton"} },
		`endpoints has "http://triton:8001"`:                   func(c *triton.Config) { c.Endpoints = []string{"http://triton:8001"} },
		`endpoints has "triton:0"`:                             func(c *triton.Config) { c.Endpoints = []string{"triton:0"} },
		`endpoints has ":8001"`:                                func(c *triton.Config) { c.Endpoints = []string{":8001"} },
		`endpoints has "dns:///triton:grpc"`:                   func(c *triton.Config) { c.Endpoints = []string{"dns:///triton:grpc"} },
		"endpoints names a:1 twice":                            func(c *triton.Config) { c.Endpoints = []string{"a:1", "b:1", "a:1"} },
		"must be two names, for example clip_image":            func(c *triton.Config) { c.TextModel = c.ImageModel },
		`image_model = ""`:                                     func(c *triton.Config) { c.ImageModel = "" },
		`version = "latest" must be a number from 1`:           func(c *triton.Config) { c.Version = "latest" },
		"image_batch = 0 must be 1 to 1024, for example 8":     func(c *triton.Config) { c.ImageBatch = 0 },
		"text_batch = -1":                                      func(c *triton.Config) { c.TextBatch = -1 },
		"in_flight = 0":                                        func(c *triton.Config) { c.InFlight = 0 },
		"timeout = 0s must be 10ms to 1h0m0s, for example 10s": func(c *triton.Config) { c.Timeout = 0 },
		"bulk_timeout = -1s":                                   func(c *triton.Config) { c.BulkTimeout = -time.Second },
		"priority = -1":                                        func(c *triton.Config) { c.Priority = -1 },
		"bulk_priority = -1":                                   func(c *triton.Config) { c.BulkPriority = -1 },
		"retry.search = 1001":                                  func(c *triton.Config) { c.Retry.Search = 1001 },
		"retry.bulk = -1":                                      func(c *triton.Config) { c.Retry.Bulk = -1 },
		"retry.base = 0s":                                      func(c *triton.Config) { c.Retry.Base = 0 },
		"retry.most = 1ms must be 100ms to 1h0m0s":             func(c *triton.Config) { c.Retry.Most = time.Millisecond },
		"retry.elapsed = -1s":                                  func(c *triton.Config) { c.Retry.Elapsed = -time.Second },
		"tls.cert and tls.key must be given together":          func(c *triton.Config) { c.TLS = triton.TLS{Enabled: true, Cert: "a.pem"} },
		"tls.enabled must be true where other keys":            func(c *triton.Config) { c.TLS.CA = "ca.pem" },
		`shared_memory = "yes" must be auto, on or off`:        func(c *triton.Config) { c.SharedMemory = "yes" },
		"headers must be name=value pairs separated by commas": func(c *triton.Config) { c.Headers = "s3cret" },
		"for example triton-grpc-protocol-key=value":           func(c *triton.Config) { c.Headers = "a b=s3cret" },
	} {
		cfg := triton.Default()
		change(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v lacks %q or tells a secret", err, want)
		}
		if _, err := triton.Open(modeltest.Demo(t), cfg, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("Open takes a configuration that has: %s", want)
		}
	}
}

// TestFilesOfTLS: files are read when the encoder opens.
func TestFilesOfTLS(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, tls := range map[string]triton.TLS{
		"tls.ca = /nowhere/ca.pem cannot be read":         {Enabled: true, CA: "/nowhere/ca.pem"},
		"tls.ca = " + empty + " holds no certificate":     {Enabled: true, CA: empty},
		"tls.cert = " + empty + " and tls.key = " + empty: {Enabled: true, Cert: empty, Key: empty},
	} {
		cfg := triton.Default()
		cfg.TLS = tls
		_, err := triton.Open(modeltest.Demo(t), cfg, slog.New(slog.DiscardHandler))
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// TestConfigKeys reads every key from YAML and hides the secret when it is printed.
func TestConfigKeys(t *testing.T) {
	t.Parallel()
	type root struct {
		Triton triton.Config `koanf:"triton"`
	}
	cfg := root{triton.Default()}
	cfg.Triton.Endpoints = []string{"a:1", "dns:///b:2"}
	cfg.Triton.Headers = "triton-grpc-protocol-key=s3cret"
	printed, err := config.Print(cfg)
	if err != nil || strings.Contains(printed, "s3cret") {
		t.Fatalf("%v in\n%s", err, printed)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(printed, "'********'", cfg.Triton.Headers, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := config.Load(root{triton.Default()}, config.Sources{File: file})
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	if a, b := again.Triton, cfg.Triton; strings.Join(a.Endpoints, ",") != strings.Join(b.Endpoints, ",") || a.Headers != b.Headers || a.Retry != b.Retry || a.TLS != b.TLS {
		t.Errorf("read back %+v, want %+v", a, b)
	}
}
