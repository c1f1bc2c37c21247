package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/removal"
)

// syncFlags are those of `ingest --sync`.
type syncFlags struct {
	on, yes, dryRun bool
	limit           int64
}

func (f *syncFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.BoolVar(&f.on, "sync", false, "at the end, remove from the collection the pictures of these sources that have gone from them; shows how many and asks")
	set.BoolVar(&f.yes, "yes", false, "with --sync: do not ask")
	set.Int64Var(&f.limit, "sync-limit", 0, "with --sync: remove at most `N` pictures, or none (default: half of a source's, and none below folders that are empty now)")
	set.BoolVar(&f.dryRun, "dry-run", false, "with --sync: only show what has gone, and index nothing")
}

func (f *syncFlags) check(paths []string, detach bool) error {
	switch {
	case !f.on && (f.yes || f.dryRun || f.limit != 0):
		return fault.Invalid("--yes, --dry-run and --sync-limit are about --sync; add it or leave them out")
	case !f.on:
		return nil
	case f.limit < 0:
		return fault.Invalid("--sync-limit is %d; it is a number of pictures", f.limit)
	case detach && !f.yes && !f.dryRun:
		return fault.Invalid("nobody can be asked by a job that runs elsewhere; add --yes to --sync and --detach")
	}
	for _, path := range paths {
		if path == "-" {
			return fault.Invalid("--sync needs lists by name: what was on the standard input before is not known; put the list into a file")
		}
	}
	return nil
}

// spec is what the job itself is to do: without --yes it is this command that asks, behind the job.
func (f *syncFlags) spec() jobs.Sync {
	if f.on && f.yes && !f.dryRun {
		return jobs.Sync{On: true, Limit: f.limit}
	}
	return jobs.Sync{}
}

// removeGone shows what has gone and removes it if somebody agrees. It gives how many were removed, and errSomeFailed where
// something is left that somebody has to decide.
func (p *program) removeGone(ctx context.Context, screen *screen, cfg app.Config, photos index.Index, spec jobs.Spec, f syncFlags) (int64, error) {
	src, err := app.OpenSource(ctx, cfg, spec, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = src.Close() }() // it was only read
	view, err := removal.Partition(photos, spec.Partition)
	if err != nil {
		return 0, err
	}
	var gone *removal.Gone
	err = screen.during(func() (err error) {
		gone, err = removal.Find(ctx, view, src)
		return err
	}, func() string { return "looking for what has gone" })
	if err != nil {
		return 0, err
	}
	tellGone(screen, gone)
	left := error(nil)
	if len(gone.Kept) > 0 || gone.Unseen > 0 {
		left = errSomeFailed
	}
	switch {
	case gone.Count == 0 || f.dryRun:
		return 0, left
	case !p.canAsk():
		screen.line(whatToDo(gone))
		return 0, errSomeFailed
	}
	if f.limit > 0 {
		if err := gone.Allow(f.limit); err != nil {
			return 0, err
		}
	}
	answer := "yes"
	if f.limit == 0 && gone.Doubt() != "" { // a number is not typed by habit
		answer = strconv.FormatInt(gone.Count, 10)
	}
	if err := p.ask(screen, fmt.Sprintf("%s would be removed from %s", pictures(gone.Count), spec.Collection), answer); err != nil {
		screen.line(fault.Public(err))
		return 0, errSomeFailed
	}
	var so atomic.Int64
	n := int64(0)
	err = screen.during(func() (err error) {
		n, err = gone.Remove(ctx, view, so.Store)
		return err
	}, func() string { return fmt.Sprintf("%d removed", so.Load()) })
	screen.line(fmt.Sprintf("removed: %s", pictures(n)))
	return n, errors.Join(err, left)
}

// endSync tells what the job itself removed, or asks where it is this command that asks. It gives errSomeFailed where
// something is left.
func (p *program) endSync(ctx context.Context, screen *screen, cfg app.Config, photos index.Index, job *jobs.Job, f syncFlags) (err error) {
	switch {
	case !f.on:
		return nil
	case job.State != jobs.Done:
		screen.line("nothing was removed, since the job is not done")
		return nil
	case !job.Sync.On:
		job.Progress.Removed, err = p.removeGone(ctx, screen, cfg, photos, job.Spec, f)
		return err
	}
	screen.line("removed: " + pictures(job.Progress.Removed))
	if job.Progress.Notice == "" {
		return nil
	}
	screen.line("not removed: " + job.Progress.Notice)
	return errSomeFailed
}

func tellGone(screen *screen, gone *removal.Gone) {
	for _, kept := range gone.Kept {
		screen.line("not looked at, nothing of it is removed: " + kept)
	}
	if gone.Unseen > 0 {
		screen.line(fmt.Sprintf("%s cannot be looked for and stay", pictures(gone.Unseen)))
	}
	for _, path := range gone.Examples {
		screen.line("gone: " + path)
	}
	if more := gone.Count - int64(len(gone.Examples)); more > 0 {
		screen.line(fmt.Sprintf("gone: %d more", more))
	}
	screen.line(fmt.Sprintf("gone: %d of %s", gone.Count, pictures(gone.Rows)))
	if doubt := gone.Doubt(); doubt != "" {
		screen.line("careful: " + doubt)
	}
}

// whatToDo is what to do where nobody can be asked.
func whatToDo(gone *removal.Gone) string {
	if gone.Doubt() != "" {
		return fmt.Sprintf("nothing was removed; look whether all disks are there, then add --yes --sync-limit %d", gone.Count)
	}
	return "nothing was removed; add --yes to remove them"
}
