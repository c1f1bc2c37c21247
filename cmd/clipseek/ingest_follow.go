package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/follow"
)

// follow keeps the collection like the folders until ctx ends, which is its orderly end.
func (p *program) follow(ctx context.Context, paths []string, flags ingestFlags) (err error) {
	if flags.detach || flags.sync.on || flags.tables.Column != "" || flags.tables.Key != "" || flags.tables.AnyPath {
		return usageError{errors.New("--follow goes with folders, --collection, --partition and --json alone; a service follows the folders of its configuration (follow.folders)")}
	}
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	if err := follow.Check(paths...); err != nil { // before the model is loaded: a mistyped path is told at once
		return err
	}
	cfg.Follow.Folders, cfg.Follow.Collection = paths, cfg.Collection
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	screen := p.newScreen()
	if _, err := target(ctx, screen, core, cfg, flags.partition); err != nil {
		return err
	}
	heard := &followScreen{screen: screen}
	if flags.asJSON {
		heard.out = json.NewEncoder(p.out)
	}
	follower, err := app.OpenFollower(cfg, core, flags.partition, heard.on, log)
	if err != nil {
		return err
	}
	run := func() error { follower.Run(ctx); return nil }
	if screen.terminal {
		_ = screen.during(run, func() string { return followLine(follower.Status()) }) // run gives no error
		screen.clear()
	} else {
		_ = run()
	}
	var all follow.Counts
	for _, s := range follower.Status() {
		all.Indexed, all.Removed, all.Failed = all.Indexed+s.Counts.Indexed, all.Removed+s.Counts.Removed, all.Failed+s.Counts.Failed
	}
	screen.line("stopped: " + countsLine(all))
	return heard.err
}

// followScreen shows what a follower does.
type followScreen struct {
	screen *screen

	mu  sync.Mutex
	out *json.Encoder // nil for none
	err error         // of out
}

func (f *followScreen) on(e follow.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.out != nil {
		f.err = errors.Join(f.err, f.out.Encode(e))
		return
	}
	switch e.What {
	case follow.Indexed, follow.Removed:
		f.screen.line(string(e.What) + ": " + e.Path)
	case follow.Failed:
		f.screen.line(fmt.Sprintf("failed: %s: %s", e.Path, e.Reason))
	case follow.Following:
		f.screen.line("following " + e.Folder + "  (Ctrl-C stops it)")
	case follow.Scanned:
		f.screen.line(fmt.Sprintf("scanned %s: %s", e.Folder, countsLine(e.Counts)))
	default:
		f.screen.line(string(e.What) + ": " + e.Reason)
	}
}

func countsLine(c follow.Counts) string {
	return fmt.Sprintf("%d indexed, %d removed, %d failed", c.Indexed, c.Removed, c.Failed)
}

// followLine is how all folders stand, in one line.
func followLine(all []follow.Status) string {
	var pictures int64
	changes, failing, waiting, scanning := 0, 0, 0, 0
	for _, s := range all {
		pictures, changes, failing = pictures+s.Pictures, changes+s.Changes, failing+s.Failing
		switch s.State {
		case follow.StateWaiting:
			waiting++
		case follow.StateScanning:
			scanning++
		}
	}
	text := fmt.Sprintf("%d pictures, %d failing, %d changes waiting", pictures, failing, changes)
	if scanning > 0 {
		text += fmt.Sprintf("; %d of %d folders being scanned", scanning, len(all))
	}
	if waiting > 0 {
		text += fmt.Sprintf("; %d of %d folders waited for", waiting, len(all))
	}
	return text
}
