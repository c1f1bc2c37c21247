package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
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

func (p *program) ingestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ingest PATH...",
		Short: "Index pictures",
		Long: `Index the pictures below folders, or single files. What is indexed and unchanged (size and time, else the hash) is skipped;
a picture that fails is listed with its reason and stops nothing. Ctrl-C stops; running it again goes on.` + exitCodesHelp,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error { return p.ingest(cmd.Context(), paths, asJSON) },
	}
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection; it is made if it is not there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a summary object on standard output")
	return cmd
}

func (p *program) ingest(ctx context.Context, paths []string, asJSON bool) (err error) {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	src, err := source.NewFolders(paths...) // before the model is loaded: a mistyped path is told at once
	if err != nil {
		return err
	}
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	photos, err := core.Make(ctx, cfg.Collection)
	if err != nil {
		return err
	}
	screen := p.newScreen()
	run := core.Ingester.NewRun(src, photos, func(f ingest.Failure) {
		screen.line(fmt.Sprintf("failed: %s: %s", f.Path, f.Reason))
	})
	runErr := screen.during(func() error { return run.Do(ctx) }, run.Progress)
	done := run.Progress()
	interrupted := ctx.Err() != nil && errors.Is(runErr, context.Canceled)
	screen.line(sentence(done, interrupted))
	if asJSON {
		out := summary{
			Found: done.Found, Indexed: done.Indexed, Unchanged: done.Unchanged, Failed: done.Failed, Bytes: done.Bytes,
			Seconds: hundredths(done.Elapsed.Seconds()), Rate: hundredths(done.Rate()),
			Interrupted: interrupted, Failures: append([]ingest.Failure{}, done.Failures...),
		}
		if err := json.NewEncoder(p.out).Encode(out); err != nil {
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

func sentence(done ingest.Progress, interrupted bool) string {
	verb := "done"
	if interrupted {
		verb = "stopped"
	}
	return fmt.Sprintf("%s: %d indexed, %d unchanged, %d failed in %.1f s (%.1f pictures/s)",
		verb, done.Indexed, done.Unchanged, done.Failed, done.Elapsed.Seconds(), done.Rate())
}

func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

// screen shows progress on standard error: one line that rewrites itself on a terminal, a line now and then elsewhere.
type screen struct {
	p        *program
	terminal bool
	every    time.Duration

	mu    sync.Mutex
	shown bool // the progress line is on the terminal
}

func (p *program) newScreen() *screen {
	s := &screen{p: p, every: 10 * time.Second}
	if file, ok := p.err.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		s.terminal, s.every = true, 200*time.Millisecond
	}
	return s
}

const eraseLine = "\r\x1b[K"

// line prints a line that stays. Nobody can be told that standard error does not take it.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		text = eraseLine + text
		s.shown = false
	}
	_, _ = fmt.Fprintln(s.p.err, text)
}

func (s *screen) progress(p ingest.Progress) {
	total := "…"
	if p.Listed {
		total = fmt.Sprint(p.Found)
	}
	text := fmt.Sprintf("%d of %s pictures, %d indexed, %d failed, %.1f pictures/s", p.Indexed+p.Unchanged+p.Failed, total, p.Indexed, p.Failed, p.Rate())
	if left, ok := p.Left(); ok {
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	if !s.terminal {
		s.line(text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	_, _ = fmt.Fprint(s.p.err, eraseLine+text)
}

// during shows progress while work runs.
func (s *screen) during(work func() error, progress func() ingest.Progress) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			s.progress(progress())
		}
	}
}
