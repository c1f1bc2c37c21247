package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// told is a builder that tells one state after the other and stays at the last.
type told struct {
	index.Builder
	states []func() (index.Building, error)
}

func (b *told) Building(context.Context) (index.Building, error) {
	next := b.states[0]
	if len(b.states) > 1 {
		b.states = b.states[1:]
	}
	return next()
}

func at(state index.BuildState, covered int64, reason string) func() (index.Building, error) {
	return func() (index.Building, error) {
		return index.Building{State: state, Covered: covered, Total: 20, Reason: reason}, nil
	}
}

func away() (index.Building, error) { return index.Building{}, fault.Unavailable("Milvus is away") }

func TestWaitForBuilding(t *testing.T) {
	t.Parallel()
	running := at(index.BuildRunning, 12, "")
	for name, tc := range map[string]struct {
		states []func() (index.Building, error)
		line   string
		fault  string
	}{
		"done at last":     {[]func() (index.Building, error){running, running, at(index.BuildDone, 20, "")}, "index: done, 20 pictures covered", ""},
		"failed":           {[]func() (index.Building, error){running, at(index.BuildFailed, 12, "no memory")}, "index: cannot be built: no memory", "index: cannot be built: no memory"},
		"dropped":          {[]func() (index.Building, error){running, at(index.BuildNone, 0, "")}, "index: none is there and none is being built", "none is there"},
		"a server away":    {[]func() (index.Building, error){running, away, away, at(index.BuildDone, 20, "")}, "index: done, 20 pictures covered", ""},
		"a server gone":    {[]func() (index.Building, error){running, away}, "index: building, 12 of 20 pictures covered", "Milvus is away"},
		"nothing but away": {[]func() (index.Building, error){away}, "index: begun", "Milvus is away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &following{builder: &told{states: tc.states}, patience: 30 * time.Second}
				err := f.toTheEnd(t.Context())
				if (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(fault.Public(err), tc.fault) {
					t.Errorf("error = %v, want %q", err, tc.fault)
				}
				if f.line() != tc.line {
					t.Errorf("line = %q, want %q", f.line(), tc.line)
				}
			})
		})
	}
}

func TestStopWaitingForBuilding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := &following{builder: &told{states: []func() (index.Building, error){at(index.BuildRunning, 12, "")}}}
		done := make(chan error)
		go func() { done <- f.toTheEnd(ctx) }()
		synctest.Wait()
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(fault.Public(err), "the building goes on") {
			t.Errorf("error = %v", err)
		}
	})
}
