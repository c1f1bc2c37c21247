package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/search"
)

func (p *program) searchCommand() *cobra.Command {
	var query search.Query
	var image string
	var asJSON, prompts, noPrompts bool
	cmd := &cobra.Command{
		Use:   "search [TEXT]",
		Short: "Find indexed pictures by text, by a picture, or by both",
		Example: `  clipseek search "a red apple"
  clipseek search --image photo.jpg --limit 5
  clipseek search 红苹果 --filter 'width >= 800' --json`,
		Long: "Find indexed pictures by text, by a picture, or by both. Prints score and path, best first." + exitCodesHelp,
		RunE: func(cmd *cobra.Command, words []string) error {
			query.Text = strings.Join(words, " ")
			if cmd.Flags().Changed("limit") && query.Limit == 0 {
				return usageError{errors.New("--limit must be at least 1")}
			}
			if prompts && noPrompts {
				return usageError{errors.New("--prompts and --no-prompts exclude each other; leave one out")}
			}
			if prompts || noPrompts {
				query.Prompts = &prompts
			}
			return p.search(cmd.Context(), query, image, asJSON)
		},
	}
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection")
	flags := cmd.Flags()
	flags.StringVar(&image, "image", "", "picture `FILE` to find others like it")
	flags.BoolVar(&prompts, "prompts", false, "put a short text into the templates of the model's card (default: search.prompts)")
	flags.BoolVar(&noPrompts, "no-prompts", false, "search for the text as it is")
	flags.StringVar(&query.Filter, "filter", "", "only pictures that match, for example `'label == \"apple\" && width >= 800'`")
	flags.StringVar(&query.Partition, "partition", "", "only pictures of the partition `NAME`")
	flags.IntVar(&query.Limit, "limit", 0, "most hits (default 16)")
	flags.IntVar(&query.Offset, "offset", 0, "leave out so many of the best")
	flags.BoolVar(&asJSON, "json", false, "print the answer as JSON on standard output")
	return cmd
}

func (p *program) search(ctx context.Context, query search.Query, image string, asJSON bool) (err error) {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	if image != "" {
		decoder, err := imageprep.New(cfg.Image)
		if err != nil {
			return err
		}
		if query.Image, err = readFile(decoder, image, nil); err != nil {
			return err
		}
		if len(query.Image) == 0 {
			return fault.Invalid("%s is empty (0 bytes)", image)
		}
		query.ImageName = image
	}
	if err := query.Validate(cfg.Search); err != nil { // before the model is loaded
		return err
	}
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	photos, err := core.Get(ctx, cfg.Collection)
	if err != nil {
		return err
	}
	answer, err := core.Searcher.Search(ctx, photos, query)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(p.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(httpapi.NewAnswer(cfg.Collection, answer))
	}
	if query.Text != "" && query.Prompts != nil && *query.Prompts && !answer.Prompts {
		if _, err := fmt.Fprintln(p.err, "the text was searched for as it is: no template of the model takes it"); err != nil {
			return err
		}
	}
	return p.printHits(cfg, answer)
}

func (p *program) printHits(cfg app.Config, answer search.Answer) error {
	if len(answer.Hits) == 0 {
		_, err := fmt.Fprintf(p.err, "nothing found in collection %s of %s; `clipseek ingest PATH` adds pictures\n", cfg.Collection, cfg.Data)
		return err
	}
	if answer.LanguageNote != "" {
		if _, err := fmt.Fprintln(p.err, answer.LanguageNote); err != nil {
			return err
		}
	}
	if answer.Weak {
		if _, err := fmt.Fprintln(p.err, "nothing looks much like it; these are the nearest"); err != nil {
			return err
		}
	}
	for _, hit := range answer.Hits {
		if _, err := fmt.Fprintf(p.out, "%.4f  %s\n", hit.Score, visible(hit.Path)); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads a picture that the command line names, a file or a pipe, within the decoder's limit.
func readFile(decoder *imageprep.Decoder, path string, buf []byte) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fault.NotFound("%s is not there", path).Because(err)
	case err == nil && info.IsDir():
		return nil, fault.Invalid("%s is a folder; a picture file is needed", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Forbidden("%s cannot be read", path).Because(err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	content, err := decoder.Read(file, info.Size(), buf)
	return content, fault.At(path, err)
}
