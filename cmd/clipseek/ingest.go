package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
)

// summary is what `ingest --json` prints.
type summary struct {
	Found       int64            `json:"found"`
	Indexed     int64            `json:"indexed"`
	Unchanged   int64            `json:"unchanged"`
	Failed      int64            `json:"failed"`
	Bytes       int64            `json:"bytes"`
	Seconds     float64          `json:"seconds"`
	Rate        float64          `json:"pictures_per_second"`
	Interrupted bool             `json:"interrupted"`
	Failures    []ingest.Failure `json:"failures"`
}

func newSummary(done ingest.Progress, interrupted bool) summary {
	return summary{
		Found: done.Found, Indexed: done.Indexed, Unchanged: done.Unchanged, Failed: done.Failed, Bytes: done.Bytes,
		Seconds: hundredths(done.Elapsed.Seconds()), Rate: hundredths(done.Rate()),
		Interrupted: interrupted, Failures: append([]ingest.Failure{}, done.Failures...),
	}
}

func (p *program) ingestCommand() *cobra.Command {
	var partition string
	var asJSON bool
	lists := app.Lists{In: p.in, Version: version()}
	cmd := &cobra.Command{
		Use:   "ingest PATH...",
		Short: "Index pictures",
		Long: `Index pictures: below folders, single files, inside archives (zip, tar, tar.gz, tar.zst, tar.bz2; tars also as WebDataset
shards), those that match a quoted pattern ('more/**/*.jpg', 'shard-{000..099}.tar'), and those that lists name: URLs in a file
that ends in .txt, one a line (- is standard input), or a table that ends in .csv, .tsv, .jsonl, .ndjson or .parquet. What is indexed and unchanged (size and time, else the hash) is skipped;
a picture that fails is listed with its reason and stops nothing. Ctrl-C stops; running it again goes on.` + exitCodesHelp,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return p.ingest(cmd.Context(), paths, lists, partition, asJSON)
		},
	}
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection; it is made if it is not there")
	cmd.Flags().StringVar(&partition, "partition", "", "`NAME` of the partition of the collection that the pictures go into; it is made if it is not there")
	cmd.Flags().StringVar(&lists.Column, "column", "", "`NAME` of the column of a table that has the URLs or paths; found by usual names if left out")
	cmd.Flags().StringVar(&lists.Key, "key", "", "`NAME` of the column of a table that names its pictures for good; URL or path if left out")
	cmd.Flags().BoolVar(&lists.AnyPath, "any-path", false, "let a table name files outside its folder and ingest.roots")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a summary object on standard output")
	return cmd
}

func (p *program) ingest(ctx context.Context, paths []string, lists app.Lists, partition string, asJSON bool) (err error) {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	screen := p.newScreen()
	lists.Note = screen.line
	src, err := app.OpenSource(ctx, cfg, paths, lists) // before the model is loaded: a mistyped path is told at once
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	photos, into, err := target(ctx, screen, core, cfg, partition)
	if err != nil {
		return err
	}
	run := core.Ingester.NewRun(src, into, func(f ingest.Failure) {
		screen.line(fmt.Sprintf("failed: %s: %s", f.Path, f.Reason))
	})
	runErr := screen.during(func() error { return run.Do(ctx) }, func() string { return progressLine(run.Progress()) })
	done := run.Progress()
	interrupted := ctx.Err() != nil && errors.Is(runErr, context.Canceled)
	screen.line(sentence(done, interrupted))
	if runErr == nil {
		hintAtBuilding(ctx, screen, cfg.Collection, photos)
	}
	if asJSON {
		if err := json.NewEncoder(p.out).Encode(newSummary(done, interrupted)); err != nil {
			return err
		}
	}
	switch {
	case interrupted:
		return fault.Unavailable("stopped before the end; run the same command again to go on").Because(runErr)
	case runErr != nil:
		return runErr
	case done.Failed > 0:
		return errSomeFailed
	}
	return nil
}

// target opens the collection, and the part of it that pictures go into. An index that is away is waited for, as the run
// itself does.
func target(ctx context.Context, screen *screen, core *app.Core, cfg app.Config, partition string) (photos, into index.Index, err error) {
	tell := func(err error) {
		if err != nil {
			screen.line("waiting: " + fault.Public(err))
		}
	}
	err = ingest.Outlast(ctx, cfg.Ingest.Patience, tell, func(ctx context.Context) (err error) {
		if photos, err = core.Make(ctx, cfg.Collection); err != nil {
			return err
		}
		if into = photos; partition != "" {
			into, err = httpapi.MakePartition(ctx, photos, partition)
		}
		return err
	})
	return photos, into, err
}

func sentence(done ingest.Progress, interrupted bool) string {
	verb := "done"
	if interrupted {
		verb = "stopped"
	}
	return fmt.Sprintf("%s: %d indexed, %d unchanged, %d failed in %.1f s (%.1f pictures/s)",
		verb, done.Indexed, done.Unchanged, done.Failed, done.Elapsed.Seconds(), done.Rate())
}

func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

func progressLine(p ingest.Progress) string {
	total := "…"
	if p.Listed {
		total = fmt.Sprint(p.Found)
	}
	text := fmt.Sprintf("%d of %s pictures, %d indexed, %d failed, %.1f pictures/s", p.Indexed+p.Unchanged+p.Failed, total, p.Indexed, p.Failed, p.Rate())
	if left, ok := p.Left(); ok {
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	if p.Waiting != "" {
		text += "; waiting: " + p.Waiting
	}
	return text
}

// hintAtBuilding says so where the pictures are searched more slowly for a while. The ingest is done whatever comes of it.
func hintAtBuilding(ctx context.Context, screen *screen, collection string, photos index.Index) {
	builder, ok := photos.(index.Builder)
	if !ok {
		return
	}
	building, err := builder.Building(ctx)
	switch {
	case err != nil || building.State == index.BuildDone:
	case building.State == index.BuildRunning:
		screen.line(fmt.Sprintf("index: %s; searches are slower until all are, `clipseek collection show %s` tells", covering(building), collection))
	default:
		screen.line("index: " + covering(building))
	}
}
