package ingest

import (
	"context"
	"math/rand/v2"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
)

// The pauses between tries of a part that does not answer grow from the first to the longest.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// Outlast repeats f, which must be safe to repeat, while the part that it needs is Unavailable or Overloaded: a server
// that is restarted costs a run some time and nothing else. It gives up with f's last fault when the part has not answered
// for as long as patience; 0 gives up at once. tell, if not nil, hears each fault that is waited for, and nil when the
// waiting ends.
func Outlast(ctx context.Context, patience time.Duration, tell func(error), f func(context.Context) error) error {
	if tell == nil {
		tell = func(error) {}
	}
	began := time.Now()
	for pause, waited := firstPause, false; ; pause, waited = min(2*pause, longestPause), true {
		err := f(ctx)
		if !fault.IsPassing(err) || ctx.Err() != nil || time.Since(began) >= patience {
			if waited {
				tell(nil)
			}
			return err
		}
		tell(err)
		if err := clock.Sleep(ctx, max(jittered(pause), min(fault.RetryAfter(err), longestPause))); err != nil {
			return err
		}
	}
}

// jittered keeps workers that lost the same server from coming back to it all at once.
func jittered(pause time.Duration) time.Duration { return pause/2 + rand.N(pause/2) }
