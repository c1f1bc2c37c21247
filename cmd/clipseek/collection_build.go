package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/ingest"
)

// pollEvery is how often a building that is waited for is looked at.
const pollEvery = 500 * time.Millisecond

func (p *program) collectionBuildCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "build NAME",
		Short: "Build the search structure of a collection anew, as the configuration has it now",
		Long: `Build the search structure of a collection anew, as the configuration has it now, over all its pictures. The one that is
there is dropped: searches are refused until there is one again. The building goes on at the server when this command ends.` + exitCodesHelp,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			return p.build(cmd.Context(), name[0], wait, httpapi.Rebuild)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is done, showing how far it is")
	return cmd
}

func (p *program) collectionFlushCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "flush NAME",
		Short: "Have the search structure of a collection cover all its pictures soon",
		Long: `Have the search structure of a collection cover all its pictures soon. A server leaves the newest ones out of it for a
while, and searches those more slowly.` + exitCodesHelp,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			return p.build(cmd.Context(), name[0], wait, func(ctx context.Context, b index.Builder) error { return b.Flush(ctx) })
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until all are covered, showing how far it is")
	return cmd
}

// build begins something with the search structure and, where asked to, waits for its end.
func (p *program) build(ctx context.Context, name string, wait bool, begin func(context.Context, index.Builder) error) error {
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	return p.withCollection(ctx, name, func(photos index.Index) error {
		builder, err := httpapi.Builder(photos)
		if err != nil {
			return fault.At(name, err)
		}
		if err := begin(ctx, builder); err != nil {
			return err
		}
		screen := p.newScreen()
		if !wait {
			screen.line(fmt.Sprintf("begun; `clipseek collection show %s` tells how far it is", name))
			return nil
		}
		f := &following{builder: builder, patience: cfg.Ingest.Patience}
		began := time.Now()
		if err := screen.during(func() error { return f.toTheEnd(ctx) }, f.line); err != nil {
			return fault.At(name, err)
		}
		screen.line(fmt.Sprintf("%s in %.1f s", f.line(), time.Since(began).Seconds()))
		return nil
	})
}

// following waits for a building.
type following struct {
	builder  index.Builder
	patience time.Duration // with a server that does not answer
	last     atomic.Pointer[index.Building]
}

// line is the last that was heard of it.
func (f *following) line() string {
	if b := f.last.Load(); b != nil {
		return "index: " + covering(*b)
	}
	return "index: begun"
}

func (f *following) toTheEnd(ctx context.Context) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := ingest.Outlast(ctx, f.patience, nil, func(ctx context.Context) error {
			b, err := f.builder.Building(ctx)
			if err == nil {
				f.last.Store(&b)
			}
			return err
		})
		if err != nil {
			return f.unlessStopped(ctx, err)
		}
		switch b := f.last.Load(); b.State {
		case index.BuildDone:
			return nil
		case index.BuildRunning:
		default:
			return fault.Conflict("index: %s", covering(*b))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return f.unlessStopped(ctx, ctx.Err())
		}
	}
}

// unlessStopped is err, or what to know where somebody stopped the waiting.
func (f *following) unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fault.Unavailable("stopped waiting; the building goes on at the server").Because(err)
}
