// Package telemetry makes the program tell what it does. It is not for results: those go to standard output.
package telemetry

import (
	"errors"
	"io"
	"log/slog"
	"strings"

	"clipseek/orchestrator/fault"
)

// Config says what is logged and how.
type Config struct {
	Level  string `koanf:"level"`  // debug, info, warn or error
	Format string `koanf:"format"` // text or json
}

// Default is text for people.
func Default() Config { return Config{Level: "info", Format: "text"} }

// Validate reports every fault.
func (c Config) Validate() error {
	var all []error
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		all = append(all, fault.Invalid("level = %q must be debug, info, warn or error", c.Level))
	}
	if c.Format != "text" && c.Format != "json" {
		all = append(all, fault.Invalid("format = %q must be text or json", c.Format))
	}
	return errors.Join(all...)
}

// New makes a logger of a valid configuration.
func New(cfg Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(cfg.Level))); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
