package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/duplicates"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/filter"
)

// duplicatesFlags say what to look for and how to print it.
type duplicatesFlags struct {
	threshold           float32
	filter              string
	limit               int
	asJSON, paths, null bool
}

func (p *program) collectionDuplicatesCommand() *cobra.Command {
	flags := duplicatesFlags{}
	cmd := &cobra.Command{
		Use:   "duplicates NAME",
		Short: "List pictures that are the same or nearly so, by what the index knows of them",
		Long: fmt.Sprintf(`List pictures that are the same or nearly so: files of the same bytes, and those whose vectors have a cosine of the threshold
or more. In each group the first is the one to keep: most pixels, then most bytes, then the oldest; the others are all near
it. Nothing is removed, and the files are not read: ingest first what has changed.

The threshold of %v finds what was resized, recompressed, made lighter or darker, or cropped a little. How near different
pictures come depends on the model: look at what is listed before you remove any, and raise the threshold if need be.

--paths prints what could go, and never a path that stays or another name (a link) of its file. Those in archives and URLs
are printed like others: narrow them out with a filter.`, duplicates.Threshold) + exitCodesHelp,
		Example: `  clipseek collection duplicates text_image_vector --threshold 0.99
  clipseek collection duplicates text_image_vector --filter 'path.startsWith("/pictures/")' --paths -0 | xargs -0 -r mv -t /tmp/twins --`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			if err := flags.check(cmd); err != nil {
				return usageError{err}
			}
			return p.duplicates(cmd.Context(), name[0], flags)
		},
	}
	f := cmd.Flags()
	f.Float32Var(&flags.threshold, "threshold", duplicates.Threshold, fmt.Sprintf("least cosine, %v to 1", duplicates.LeastThreshold))
	f.StringVar(&flags.filter, "filter", "", "only among pictures that match, for example `'label == \"apple\" && width >= 800'`")
	f.IntVar(&flags.limit, "limit", 0, "most groups (default all), those of most pictures first")
	f.BoolVar(&flags.asJSON, "json", false, "print a JSON object for each group")
	f.BoolVar(&flags.paths, "paths", false, "print the paths of those that could go, one a line")
	f.BoolVarP(&flags.null, "null", "0", false, "end each path with NUL, for xargs -0")
	return cmd
}

func (f duplicatesFlags) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("limit") && f.limit < 1:
		return errors.New("--limit must be at least 1")
	case f.asJSON && f.paths:
		return errors.New("--json and --paths exclude each other; leave one out")
	case f.null && !f.paths:
		return errors.New("-0 goes with --paths")
	}
	return duplicates.Query{Threshold: f.threshold}.Validate()
}

func (p *program) duplicates(ctx context.Context, name string, flags duplicatesFlags) error {
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	where, err := filter.Parse(flags.filter)
	if err != nil {
		return fault.At("--filter", err)
	}
	return p.withCollection(ctx, name, func(photos index.Index) error {
		var line atomic.Value
		line.Store("beginning")
		query := duplicates.Query{Filter: where, Threshold: flags.threshold, Folder: cfg.Data, Progress: func(stage duplicates.Stage, done, of int64) {
			text := fmt.Sprintf("%d pictures %s", done, stage)
			if of > 0 {
				text = fmt.Sprintf("%d of %d pictures %s", done, of, stage)
			}
			line.Store(text)
		}}
		screen := p.newScreen()
		began := time.Now()
		var report *duplicates.Report
		err := screen.during(func() (err error) {
			report, err = duplicates.Find(ctx, photos, query)
			return err
		}, func() string { return line.Load().(string) })
		if err != nil {
			screen.clear()
			return fault.At(name, err)
		}
		screen.line(fmt.Sprintf("%d groups in %d pictures; %d could go; %.1f s", report.Len(), report.Pictures, report.Extra, time.Since(began).Seconds()))
		switch {
		case flags.asJSON:
			return p.printGroupsAsJSON(ctx, name, report, flags.limit)
		case flags.paths:
			return p.printPaths(ctx, report, flags)
		}
		return p.printGroups(ctx, report, flags.limit)
	})
}

func (p *program) printGroupsAsJSON(ctx context.Context, name string, report *duplicates.Report, limit int) error {
	lines := json.NewEncoder(p.out)
	for group, err := range report.Groups(ctx, limit) {
		if err != nil {
			return err
		}
		if err := lines.Encode(httpapi.NewDuplicates(name, group)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) printGroups(ctx context.Context, report *duplicates.Report, limit int) error {
	for group, err := range report.Groups(ctx, limit) {
		if err != nil {
			return err
		}
		rows := []string{"keep\t\t" + measures(group.First)}
		for _, other := range group.Others {
			how := "near"
			if other.Same {
				how = "same"
			}
			rows = append(rows, fmt.Sprintf("%s\t%.4f\t%s", how, other.Score, measures(other.Record)))
		}
		if err := p.table(append(rows, "")...); err != nil {
			return err
		}
	}
	return nil
}

// measures are the cells of a picture: its size, that of its file, and its path.
func measures(r index.Record) string {
	size, stored := "?", "?"
	if width, ok := r.Fields[index.FieldWidth]; ok {
		size = fmt.Sprintf("%dx%d", width, r.Fields[index.FieldHeight])
	}
	if bytes, ok := r.Fields[index.FieldBytes].(int64); ok {
		stored = fmt.Sprintf("%.1f KB", float64(bytes)/1e3)
	}
	return size + "\t" + stored + "\t" + r.Path
}

// printPaths prints the paths of the others. No path that stays in any group is among them, whatever records name it.
func (p *program) printPaths(ctx context.Context, report *duplicates.Report, flags duplicatesFlags) error {
	done := map[string]bool{}
	for group, err := range report.Groups(ctx, 0) {
		if err != nil {
			return err
		}
		done[group.First.Path] = true
	}
	end, some := "\n", false
	if flags.null {
		end = "\x00"
	}
	for group, err := range report.Groups(ctx, flags.limit) {
		if err != nil {
			return err
		}
		first, _ := os.Stat(group.First.Path) // one that is elsewhere, or in an archive, is not asked for
		for _, other := range group.Others {
			if done[other.Path] {
				continue
			}
			done[other.Path] = true
			switch info, err := os.Stat(other.Path); {
			case err == nil && first != nil && os.SameFile(first, info):
				_, _ = fmt.Fprintf(p.err, "left out: %s is another name of %s\n", other.Path, group.First.Path)
				continue
			case !flags.null && strings.ContainsAny(other.Path, "\r\n"):
				_, _ = fmt.Fprintf(p.err, "left out: %q has a line break in its name; use -0\n", other.Path)
				some = true
				continue
			}
			if _, err := fmt.Fprint(p.out, other.Path, end); err != nil {
				return err
			}
		}
	}
	if some {
		return errSomeFailed
	}
	return nil
}
