package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/table"
	"clipseek/orchestrator/source/web"
)

// isListed reports whether an argument is a list of URLs or a table.
func isListed(arg string) bool { return strings.EqualFold(filepath.Ext(arg), ".txt") || table.Is(arg) }

// addListed makes a source of a list of URLs (.txt) or a table.
func (b *sourceBuilder) addListed(ctx context.Context, arg string) (err error) {
	var listed source.Source
	if table.Is(arg) {
		listed, err = table.New(ctx, arg, table.Options{
			Column: b.spec.Tables.Column, Key: b.spec.Tables.Key, AnyPath: b.spec.Tables.AnyPath, Roots: b.cfg.Ingest.Roots,
			Fetch: b.client.Open, Note: func(text string) { b.note(arg + ": " + text) },
		})
	} else {
		listed, err = web.NewList(arg, b.client)
	}
	if err == nil {
		b.parts = append(b.parts, listed)
	}
	return err
}

// KeepList writes a list of URLs to a file of the data folder, so that a job can go on with it, and names the file: the same
// list is the same file. Faults: Unavailable.
func KeepList(cfg Config, list io.Reader) (path string, err error) {
	dir := filepath.Join(cfg.Data, "lists")
	refuse := func(err error) (string, error) {
		return "", fault.Unavailable("the list cannot be kept in %s; is there room, and may it be written?", dir).Because(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return refuse(err)
	}
	file, err := disk.Create(dir, 0o600)
	if err != nil {
		return refuse(err)
	}
	defer file.Drop()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, sum), list); err != nil {
		return refuse(err)
	}
	path = filepath.Join(dir, hex.EncodeToString(sum.Sum(nil))[:32]+".txt")
	if err := file.Keep(path); err != nil {
		return refuse(err)
	}
	return filepath.Abs(path)
}
