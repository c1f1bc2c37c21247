package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
)

// benchCollection is where a benchmark writes; it is dropped at the end.
const benchCollection = "clipseek_bench_ingest"

func (p *program) benchIngestCommand() *cobra.Command {
	var asJSON, free bool
	var count, searches int
	cmd := &cobra.Command{
		Use:   "ingest [PATH...]",
		Short: "Time an ingest as a whole, stage by stage",
		Long: `Ingest pictures into an empty collection with a queue of its own, both removed afterwards, and print where the time goes and
which part to add. Without PATH, photo-like JPEG files of 640 x 480 are made up.

With --search 20, twenty texts a second, which all differ, are searched for beside the ingest, and then for some seconds alone in
the collection that is now full; what they took is compared.` + exitCodesHelp,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if count < 1 || count > 1_000_000 {
				return usageError{fault.Invalid("--count is %d; it must be 1 to 1000000", count)}
			}
			if searches < 0 || searches > 1000 {
				return usageError{fault.Invalid("--search is %d; it must be 0 to 1000", searches)}
			}
			return p.benchIngest(cmd.Context(), paths, count, searches, free, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().BoolVar(&free, "free-encoder", false, "encode nothing, to measure everything else")
	cmd.Flags().IntVar(&searches, "search", 0, "how many texts are searched for in a second, beside the ingest and alone (0: none)")
	cmd.Flags().IntVar(&count, "count", 500, "how many pictures are made up")
	return cmd
}

func (p *program) benchIngest(ctx context.Context, paths []string, count, searches int, free, asJSON bool) (err error) {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "clipseek-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for i, path := range paths {
		if paths[i], err = filepath.Abs(path); err != nil {
			return fault.Invalid("%s is not a path", path).Because(err)
		}
	}
	if len(paths) == 0 {
		paths = []string{filepath.Join(dir, "photos")}
		if err := manyPhotos(paths[0], count); err != nil {
			return err
		}
	}
	cfg.Data, cfg.Collection, cfg.Index.Local.File, cfg.Jobs.NATS = filepath.Join(dir, "data"), benchCollection, "", jobs.NATS{Replicas: 1}
	cfg.Thumbnail.Store = ""
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	if free {
		core.Ingester = ingest.New(cfg.Ingest, core.Decoder, core.Spec, encoder.Free(core.Card))
		if cfg.Thumbnail.AtIngest {
			core.Ingester.KeepThumbnails(core.Thumbnails)
		}
	}
	all, err := app.OpenJobs(ctx, cfg, core, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	defer func() { err = errors.Join(err, core.Database().Drop(context.WithoutCancel(ctx), benchCollection)) }()
	bench, err := timeIngest(ctx, p.newScreen(), all, core, cfg, paths, searches)
	if err != nil {
		return err
	}
	return p.printIngestBench(bench, asJSON)
}

// timeIngest does the ingest, with so many searches a second beside it.
func timeIngest(ctx context.Context, screen *screen, all *app.Jobs, core *app.Core, cfg app.Config, paths []string, searches int) (bench ingestBench, err error) {
	work := func() error {
		used, err := processorTime()
		if err != nil {
			return err
		}
		began := time.Now()
		job, err := workOn(ctx, screen, all, jobs.Spec{Sources: paths, Collection: benchCollection})
		if err != nil {
			return err
		}
		bench = newIngestBench(job, cfg, time.Since(began))
		now, err := processorTime()
		bench.CPU = (now - used).Seconds()
		return err
	}
	if searches == 0 {
		err = work()
		return bench, err
	}
	photos, err := core.Make(ctx, benchCollection)
	if err != nil {
		return bench, err
	}
	pacer := &pacer{searcher: core.Searcher, photos: photos, perSecond: searches}
	compared, err := pacer.beside(ctx, work)
	bench.Search = compared
	return bench, err
}

// ingestBench is what `bench ingest --json` prints. The seconds of a stage are those of everything that ran at the same
// time, added up.
type ingestBench struct {
	Pictures int64         `json:"pictures"`
	Failed   int64         `json:"failed"`
	Bytes    int64         `json:"bytes"`
	Seconds  float64       `json:"seconds"`
	CPU      float64       `json:"cpu_seconds"` // of this process, on all cores
	Rate     float64       `json:"pictures_per_second"`
	PerCore  float64       `json:"pictures_per_second_and_core"`
	Cores    int           `json:"cores"`
	Stages   []ingestStage `json:"stages"`
	Advice   string        `json:"advice"`
	Search   *searchBench  `json:"search,omitempty"`
}

type ingestStage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Share   float64 `json:"share"`
}

func newIngestBench(job jobs.Job, cfg app.Config, took time.Duration) ingestBench {
	p, t := job.Progress, job.Progress.Times
	cores := runtime.GOMAXPROCS(0)
	out := ingestBench{
		Pictures: p.Indexed, Failed: p.Failed, Bytes: p.Bytes, Seconds: took.Seconds(), Cores: cores,
		Rate: float64(p.Indexed) / took.Seconds(), PerCore: float64(p.Indexed) / took.Seconds() / float64(cores),
	}
	sum := t.All()
	for _, stage := range []struct {
		name string
		time time.Duration
	}{{"read", t.Read}, {"decode", t.Decode}, {"resize", t.Resize}, {"thumbnail", t.Thumbnail}, {"wait", t.Wait}, {"encode", t.Encode}, {"write", t.Write}} {
		out.Stages = append(out.Stages, ingestStage{stage.name, stage.time.Seconds(), float64(stage.time) / float64(max(sum, 1))})
	}
	out.Advice = advice(t, cfg, took, cores)
	return out
}

// busy is the share of its time that a part which is there so many times is at work.
func busy(work, took time.Duration, parts int) float64 {
	return float64(work) / float64(took) / float64(max(parts, 1))
}

// advice names the part that limits an ingest.
func advice(t ingest.Times, cfg app.Config, took time.Duration, cores int) string {
	workers := cfg.Ingest.Workers
	if workers == 0 {
		workers = cores
	}
	encoding := busy(t.Encode, took, min(cfg.Ingest.InFlight, cfg.Encoder.Lanes.Bulk))
	preparing, reading, writing := busy(t.Decode+t.Resize+t.Thumbnail, took, workers), busy(t.Read, took, cfg.Ingest.Readers), busy(t.Write, took, cfg.Jobs.Parallel)
	switch best := max(encoding, preparing, reading, writing); {
	case best == encoding && cfg.Encoder.Kind == app.EncoderTriton:
		return fmt.Sprintf("the encoder works %.0f %% of the time: add a GPU or an instance of the model, and raise ingest.in_flight and encoder.lanes.bulk", 100*encoding)
	case best == encoding:
		return fmt.Sprintf("the encoder works %.0f %% of the time: add cores, or run the model on a GPU with encoder.kind: triton", 100*encoding)
	case best == preparing:
		return fmt.Sprintf("preparing pictures takes %.0f %% of its workers' time: add cores, or another clipseek process on another machine", 100*preparing)
	case best == reading:
		return fmt.Sprintf("reading files takes %.0f %% of the readers' time: raise ingest.readers, or use a faster disk", 100*reading)
	}
	return fmt.Sprintf("the index takes %.0f %% of the time of the batches under way: raise jobs.batch and jobs.parallel, or use a faster disk", 100*writing)
}

func (p *program) printIngestBench(b ingestBench, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.out).Encode(b)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	lines := []string{"STAGE\tSECONDS\tSHARE\t"}
	for _, stage := range b.Stages {
		lines = append(lines, fmt.Sprintf("%s\t%.2f\t%.0f %%\t", stage.Name, stage.Seconds, 100*stage.Share))
	}
	_, err := fmt.Fprintln(table, strings.Join(lines, "\n"))
	err = errors.Join(err, table.Flush())
	_, lineErr := fmt.Fprintf(p.out, "%d pictures in %.1f s: %.1f a second, %.1f for each of %d cores\n%s\n", b.Pictures, b.Seconds, b.Rate, b.PerCore, b.Cores, b.Advice)
	if b.Search != nil {
		_, searchErr := fmt.Fprint(p.out, b.Search.lines())
		lineErr = errors.Join(lineErr, searchErr)
	}
	return errors.Join(err, lineErr)
}

// manyPhotos writes n pictures of 640 x 480, a thousand in a folder, whose bytes all differ.
func manyPhotos(dir string, n int) error {
	photo, err := madeUpPhoto(image.Pt(640, 480))
	if err != nil {
		return err
	}
	for i := range n {
		folder := filepath.Join(dir, fmt.Sprintf("%04d", i/1000))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		// What follows the end of a JPEG is no part of the picture, but of the hash.
		content := append(bytes.Clone(photo), fmt.Sprintf("%08d", i)...)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%08d.jpg", i)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
