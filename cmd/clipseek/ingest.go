package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
)

// summary is what `ingest --json` prints.
type summary struct {
	Job         string         `json:"job"`
	Found       int64          `json:"found"`
	Indexed     int64          `json:"indexed"`
	Unchanged   int64          `json:"unchanged"`
	Failed      int64          `json:"failed"`
	Removed     int64          `json:"removed"`
	Notice      string         `json:"notice,omitempty"`
	Bytes       int64          `json:"bytes"`
	Seconds     float64        `json:"seconds"`
	Rate        float64        `json:"pictures_per_second"`
	Interrupted bool           `json:"interrupted"`
	Failures    []jobs.Failure `json:"failures"`
}

func newSummary(job jobs.Job, interrupted bool) summary {
	done := job.Progress
	return summary{
		Job: job.ID, Found: done.Found, Indexed: done.Indexed, Unchanged: done.Unchanged, Failed: done.Failed, Bytes: done.Bytes,
		Removed: done.Removed, Notice: done.Notice,
		Seconds: hundredths(done.Elapsed.Seconds()), Rate: hundredths(done.Rate()),
		Interrupted: interrupted, Failures: append([]jobs.Failure{}, done.Failures...),
	}
}

// ingestFlags are those of `ingest`.
type ingestFlags struct {
	partition      string
	tables         jobs.Tables
	asJSON, detach bool
	sync           syncFlags
	follow         bool
}

func (p *program) ingestCommand() *cobra.Command {
	var flags ingestFlags
	cmd := &cobra.Command{
		Use:   "ingest PATH...",
		Short: "Index pictures",
		Long: `Index pictures: below folders, single files, inside archives (zip, tar, tar.gz, tar.zst, tar.bz2; tars also as WebDataset
shards), those that match a quoted pattern ('more/**/*.jpg', 'shard-{000..099}.tar'), and those that lists name: URLs in a file
that ends in .txt, one a line (- is standard input), or a table that ends in .csv, .tsv, .jsonl, .ndjson or .parquet. Objects are
named s3://BUCKET/PREFIX, gs://BUCKET/PREFIX (Google) or azblob://CONTAINER/PREFIX (Azure); where the store is stands under
objects in the configuration, and credentials in each store's own variables and files. What is indexed and unchanged (size and time, else the hash) is skipped; a picture that fails is listed with its
reason and stops nothing.

The work is a job, which is on the disk: whatever ends this command (Ctrl-C, a crash), running it again goes on with it, and
so does a service on the same data folder. ` + "`clipseek job`" + ` shows and steers jobs.

--sync removes, at the end, the pictures that have gone from these sources. What cannot be seen wholly stays, and so does all of
it (exit code 3) where nobody can be asked and --yes is missing.

With --follow it stays and keeps the collection like the folders: new and changed pictures come within seconds, those that are
deleted go. Ctrl-C ends it; started again it catches up.` + exitCodesHelp,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if flags.follow {
				return p.follow(cmd.Context(), paths, flags)
			}
			return p.ingest(cmd.Context(), paths, flags)
		},
	}
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection; it is made if it is not there")
	set := cmd.Flags()
	set.StringVar(&flags.partition, "partition", "", "`NAME` of the partition of the collection that the pictures go into; it is made if it is not there")
	set.StringVar(&flags.tables.Column, "column", "", "`NAME` of the column of a table that has the URLs or paths; found by usual names if left out")
	set.StringVar(&flags.tables.Key, "key", "", "`NAME` of the column of a table that names its pictures for good; URL or path if left out")
	set.BoolVar(&flags.tables.AnyPath, "any-path", false, "let a table name files outside its folder and ingest.roots")
	set.BoolVar(&flags.asJSON, "json", false, "print a summary object on standard output")
	flags.sync.add(cmd)
	set.BoolVar(&flags.detach, "detach", false, "make the job and leave the work to a service on the same data folder")
	set.BoolVar(&flags.follow, "follow", false, "stay, and keep the collection like these folders")
	return cmd
}

func (p *program) ingest(ctx context.Context, paths []string, flags ingestFlags) (err error) {
	if err := flags.sync.check(paths, flags.detach); err != nil {
		return err
	}
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	screen := p.newScreen()
	spec := jobs.Spec{Tables: flags.tables, Collection: cfg.Collection, Partition: flags.partition, Sync: flags.sync.spec()}
	if spec.Sources, err = p.absolute(cfg, paths); err != nil {
		return err
	}
	if err := checkSources(ctx, screen, cfg, spec); err != nil { // before the model is loaded: a mistyped path is told at once
		return err
	}
	if flags.sync.dryRun {
		return p.withCollection(ctx, cfg.Collection, func(photos index.Index) error {
			_, err := p.removeGone(ctx, screen, cfg, photos, spec, flags.sync)
			return err
		})
	}
	if flags.detach {
		return p.leave(ctx, spec, flags.asJSON)
	}
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	photos, err := target(ctx, screen, core, cfg, flags.partition)
	if err != nil {
		return err
	}
	all, err := app.OpenJobs(ctx, cfg, core, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	job, runErr := workOn(ctx, screen, all, spec)
	if job.ID == "" {
		return runErr
	}
	interrupted := ctx.Err() != nil && errors.Is(runErr, context.Canceled)
	screen.line(sentence(job.Progress, interrupted))
	left := p.endSync(ctx, screen, cfg, photos, &job, flags.sync)
	if job.State == jobs.Done {
		hintAtBuilding(ctx, screen, cfg.Collection, photos)
	}
	if flags.asJSON {
		if err := json.NewEncoder(p.out).Encode(newSummary(job, interrupted)); err != nil {
			return err
		}
	}
	failed := outcome(job, runErr, interrupted)
	if left != nil && (failed == nil || errors.Is(failed, errSomeFailed)) {
		return left
	}
	return failed
}

// leave makes the job for a service on the same data folder.
func (p *program) leave(ctx context.Context, spec jobs.Spec, asJSON bool) error {
	return p.withJobs(ctx, func(all *app.Jobs) error {
		job, _, err := all.Start(ctx, spec)
		if err != nil {
			return err
		}
		return p.printJob(job, asJSON)
	})
}

// absolute names sources so that another process, in another folder, finds them. A list on the standard input is kept.
func (p *program) absolute(cfg app.Config, paths []string) ([]string, error) {
	all := make([]string, len(paths))
	for i, path := range paths {
		var err error
		switch {
		case path == "-":
			all[i], err = app.KeepList(cfg, p.in)
		case strings.Contains(path, "://"): // of a store, or refused with a word on lists
			all[i] = path
		default:
			if all[i], err = filepath.Abs(path); err != nil {
				err = fault.Invalid("%s is not a path", path).Because(err)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func checkSources(ctx context.Context, screen *screen, cfg app.Config, spec jobs.Spec) error {
	src, err := app.OpenSource(ctx, cfg, spec, screen.line)
	if err != nil {
		return err
	}
	return src.Close()
}

// workOn makes the job, or finds it where it was left, and works on it to its end.
func workOn(ctx context.Context, screen *screen, all *app.Jobs, spec jobs.Spec) (jobs.Job, error) {
	job, fresh, err := all.Start(ctx, spec)
	if err != nil {
		return job, err
	}
	if !fresh {
		screen.line("going on with job " + job.ID)
	}
	begun := job.ID
	err = screen.during(func() (err error) {
		job, err = all.Run(ctx, begun, func(f jobs.Failure) { screen.line(visible(fmt.Sprintf("failed: %s: %s", f.Path, f.Reason))) })
		return err
	}, func() string {
		now, err := all.Get(ctx, begun)
		if err != nil {
			return fault.Public(err)
		}
		return progressLine(now)
	})
	return job, err
}

// outcome is the command's error, which decides its exit code.
func outcome(job jobs.Job, runErr error, interrupted bool) error {
	switch {
	case interrupted:
		return fault.Unavailable("stopped before the end; run the same command again to go on with job %s", job.ID).Because(runErr)
	case runErr != nil:
		return runErr
	case job.State == jobs.Canceled:
		return fault.Conflict("job %s was canceled", job.ID)
	case job.State == jobs.Failed:
		return fault.Conflict("job %s failed: %s", job.ID, job.Error)
	case job.Progress.Failed > 0:
		return errSomeFailed
	}
	return nil
}

// target makes the collection, and the part of it that pictures go into. An index that is away is waited for, as the work
// itself does.
func target(ctx context.Context, screen *screen, core *app.Core, cfg app.Config, partition string) (photos index.Index, err error) {
	tell := func(err error) {
		if err != nil {
			screen.line("waiting: " + fault.Public(err))
		}
	}
	err = ingest.Outlast(ctx, cfg.Ingest.Patience, tell, func(ctx context.Context) (err error) {
		if photos, err = core.Make(ctx, cfg.Collection); err != nil {
			return err
		}
		if partition != "" {
			_, err = httpapi.MakePartition(ctx, photos, partition)
		}
		return err
	})
	return photos, err
}

func sentence(done jobs.Progress, interrupted bool) string {
	verb := "done"
	if interrupted {
		verb = "stopped"
	}
	return fmt.Sprintf("%s: %d indexed, %d unchanged, %d failed in %.1f s (%.1f pictures/s)",
		verb, done.Indexed, done.Unchanged, done.Failed, done.Elapsed.Seconds(), done.Rate())
}

func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

func progressLine(job jobs.Job) string {
	p := job.Progress
	total := "…"
	if p.Listed {
		total = fmt.Sprint(p.Found)
	}
	text := fmt.Sprintf("%d of %s pictures, %d indexed, %d failed, %.1f pictures/s", p.Indexed+p.Unchanged+p.Failed, total, p.Indexed, p.Failed, p.Lately)
	if left, ok := p.Left(); ok {
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	if job.Waiting != "" {
		text += "; waiting: " + visible(job.Waiting)
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
