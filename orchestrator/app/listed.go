package app

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/table"
	"clipseek/orchestrator/source/web"
)

// Lists says how lists of URLs and tables among the arguments of OpenSource are read.
type Lists struct {
	Column  string       // of a table, that names the pictures; empty finds it
	Key     string       // column of a table whose values name the items; empty takes URL or path
	AnyPath bool         // tables may name files anywhere
	In      io.Reader    // what "-" is, a list of URLs
	Version string       // of the program, which servers are told
	Note    func(string) // is told what is left out of tables; nil for nobody
}

// stdin is the argument that stands for Lists.In.
const stdin = "-"

// isListed reports whether an argument is a list of URLs or a table.
func isListed(arg string) bool {
	return arg == stdin || strings.EqualFold(filepath.Ext(arg), ".txt") || table.Is(arg)
}

// openListed makes a source of a list of URLs (.txt, or - for standard input) or a table.
func openListed(ctx context.Context, cfg Config, client *web.Client, arg string, lists Lists) (source.Source, error) {
	switch {
	case arg == stdin && lists.In == nil:
		return nil, fault.Invalid("there is no standard input to read a list from")
	case arg == stdin:
		return web.ReadList(stdin, lists.In, client)
	case table.Is(arg):
		return table.New(ctx, arg, table.Options{
			Column: lists.Column, Key: lists.Key, AnyPath: lists.AnyPath, Roots: cfg.Ingest.Roots,
			Fetch: client.Open, Note: func(text string) {
				if lists.Note != nil {
					lists.Note(arg + ": " + text)
				}
			},
		})
	}
	return web.NewList(arg, client)
}
