package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
)

// encodeRow is what `bench encode --json` prints for each kind of work. Times are milliseconds of one item.
type encodeRow struct {
	Work      string  `json:"work"`
	Batch     int     `json:"batch"`  // items in a call
	Rounds    int     `json:"rounds"` // calls measured
	Median    float64 `json:"ms"`
	Least     float64 `json:"least_ms"`
	CPU       float64 `json:"cpu_ms"` // of all cores, on average
	PerSecond float64 `json:"per_second"`
	Cores     int     `json:"cores"`
}

// encodeWork is what can be measured, in the order of printing.
var encodeWork = [...]string{"text", "texts", "pictures", "files"}

func (p *program) benchEncodeCommand() *cobra.Command {
	var asJSON bool
	var seconds float64
	var lines string
	var bench encodeBench
	cmd := &cobra.Command{
		Use:   "encode [FILE...]",
		Short: "Time texts and pictures on their way to embeddings",
		Long: `Embed texts one by one (text) and in batches (texts), prepared pictures (pictures), and picture files from the disk to the embedding
(files; the next batch is prepared while one is encoded), each for some seconds, and print the median call. Without FILE, photo-like
JPEG files of three sizes are made up.` + exitCodesHelp,
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			if bench.each, err = measuringTime(seconds); err != nil {
				return err
			}
			if err := bench.validate(); err != nil {
				return err
			}
			bench.texts = captions(200)
			if lines != "" {
				if bench.texts, err = p.benchLines([]string{lines}); err != nil {
					return err
				}
			}
			if bench.files = files; len(files) == 0 && bench.measures("files") {
				dir, err := os.MkdirTemp("", "clipseek-bench")
				if err != nil {
					return err
				}
				defer func() { _ = os.RemoveAll(dir) }() // the system's temporary folder is cleared anyway
				if bench.files, err = madeUpPhotos(dir); err != nil {
					return err
				}
			}
			rows, err := p.benchEncode(cmd.Context(), bench)
			if err != nil {
				return err
			}
			return p.printEncodeRows(rows, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	cmd.Flags().Float64Var(&seconds, "seconds", 2, "how long each kind of work is measured")
	cmd.Flags().IntVar(&bench.batch, "batch", 8, "items in a call, for all but text")
	cmd.Flags().StringVar(&lines, "texts", "", "`FILE` with a text in each line (- is standard input; default: made-up captions)")
	cmd.Flags().StringSliceVar(&bench.only, "only", nil, "measure only these: text, texts, pictures, files")
	return cmd
}

// benchEncode opens the model and its encoder as every other command does.
func (p *program) benchEncode(ctx context.Context, bench encodeBench) (rows []encodeRow, err error) {
	cfg, log, m, err := p.openModel(nil)
	if err != nil {
		return nil, err
	}
	if bench.enc, err = app.OpenEncoder(ctx, cfg, m, log); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bench.enc.Close()) }()
	bench.model = m
	for _, work := range encodeWork {
		if !bench.measures(work) || len(bench.only) == 0 && !m.Card.HasText() && (work == "text" || work == "texts") {
			continue
		}
		row, err := bench.row(ctx, work)
		if err != nil {
			return nil, err
		}
		row.Work, row.Cores = work, runtime.GOMAXPROCS(0)
		rows = append(rows, row)
	}
	return rows, nil
}

func (b encodeBench) validate() error {
	if b.batch < 1 || b.batch > 1024 {
		return usageError{fault.Invalid("--batch is %d; it must be from 1 to 1024", b.batch)}
	}
	for _, name := range b.only {
		if !slices.Contains(encodeWork[:], name) {
			return usageError{fault.Invalid("--only is %q; it takes text, texts, pictures and files", name)}
		}
	}
	return nil
}

func (b encodeBench) measures(work string) bool {
	return len(b.only) == 0 || slices.Contains(b.only, work)
}

func (p *program) printEncodeRows(rows []encodeRow, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.out).Encode(rows)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(table, "BATCH\tMEDIAN ms\tLEAST\tCPU ms\tITEMS/s\tROUNDS\t WORK\n") // errors come out of Flush
	for _, r := range rows {
		_, _ = fmt.Fprintf(table, "%d\t%.2f\t%.2f\t%.2f\t%.1f\t%d\t %s\n", r.Batch, r.Median, r.Least, r.CPU, r.PerSecond, r.Rounds, r.Work)
	}
	return table.Flush()
}
