package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/config"
	"clipseek/orchestrator/fault"
)

type server struct {
	Listen  string        `koanf:"listen"`
	Key     string        `koanf:"api_key" secret:"true"`
	Timeout time.Duration `koanf:"timeout"`
	Limit   int           `koanf:"limit"`
}

func (s server) Validate() error {
	var all []error
	if s.Listen == "" {
		all = append(all, fault.Invalid("listen must be host:port, for example 127.0.0.1:9099"))
	}
	if s.Limit < 1 {
		all = append(all, fault.Invalid("limit = %d must be at least 1", s.Limit))
	}
	return errors.Join(all...)
}

type root struct {
	Data   string   `koanf:"data"`
	Roots  []string `koanf:"roots"`
	Server server   `koanf:"server"`
}

func defaults() root {
	return root{Data: "/data", Server: server{Listen: "127.0.0.1:9099", Timeout: 30 * time.Second, Limit: 16}}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadPrecedence(t *testing.T) {
	t.Parallel()
	file := write(t, "data: /file\nserver:\n  listen: file:1\n  timeout: 5s\n  limit: 3\n")
	cfg, err := config.Load(defaults(), config.Sources{
		File:    file,
		Environ: []string{"CLIPSEEK_SERVER__LISTEN=env:2", "CLIPSEEK_SERVER__LIMIT=4", "CLIPSEEK_ROOTS=/a,/b", "OTHER=x"},
		Flags:   map[string]any{"server.limit": 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Data != "/file" || cfg.Server.Listen != "env:2" || cfg.Server.Limit != 5 || cfg.Server.Timeout != 5*time.Second || len(cfg.Roots) != 2 || cfg.Roots[1] != "/b" {
		t.Errorf("cfg = %+v", cfg)
	}
	if cfg, err := config.Load(defaults(), config.Sources{}); err != nil || cfg.Server != defaults().Server {
		t.Errorf("defaults alone: %+v, %v", cfg, err)
	}
}

func TestLoadFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		env  []string
		want []string
	}{
		"unknown key":          {"servr:\n  listen: x\n", nil, []string{"no key servr.listen", "did you mean server.listen?"}},
		"unknown key, no hint": {"zzzzzzzzzzzzzzzzz: 1\n", nil, []string{"no key zzzzzzzzzzzzzzzzz", "config print"}},
		"unknown variable":     {"", []string{"CLIPSEEK_SERVER__LISTN=x"}, []string{"the environment", "CLIPSEEK_SERVER__LISTN", "server.listen"}},
		"wrong type":           {"server:\n  limit: many\n", nil, []string{"server.limit"}},
		"wrong duration":       {"server:\n  timeout: soon\n", nil, []string{"server.timeout"}},
		"not yaml":             {"server: [\n", nil, []string{"cannot be read", "line"}},
		"two faults together":  {"server:\n  listen: ''\n  limit: 0\n", nil, []string{"2 faults", "server.listen must be host:port", "server.limit = 0 must be at least 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(defaults(), config.Sources{File: write(t, tc.file), Environ: tc.env})
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatalf("err = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(fault.Public(err), want) {
					t.Errorf("message %q lacks %q", fault.Public(err), want)
				}
			}
		})
	}
	if _, err := config.Load(defaults(), config.Sources{File: "/nowhere/c.yaml"}); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("missing file: %v", err)
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.Server.Key = "hunter2"
	cfg.Roots = []string{"/a"}
	text, err := config.Print(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "********") {
		t.Errorf("the secret shows:\n%s", text)
	}
	again, err := config.Load(defaults(), config.Sources{File: write(t, text)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	again.Server.Key = cfg.Server.Key
	if again.Server != cfg.Server || again.Roots[0] != "/a" {
		t.Errorf("read back %+v, want %+v", again, cfg)
	}
}
