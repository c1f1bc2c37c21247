package ingest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
)

func TestOutlast(t *testing.T) {
	t.Parallel()
	away, wrong := fault.Unavailable("away"), fault.Invalid("wrong")
	for name, tc := range map[string]struct {
		patience time.Duration
		outcomes []error // of the tries; the last one stays
		want     error
		tries    int
	}{
		"answers":              {time.Minute, []error{nil}, nil, 1},
		"comes back":           {time.Minute, []error{away, fault.Overloaded("busy"), nil}, nil, 3},
		"is wrong":             {time.Minute, []error{wrong}, wrong, 1},
		"comes back wrong":     {time.Minute, []error{away, wrong}, wrong, 2},
		"no patience":          {0, []error{away}, away, 1},
		"deadlines are waited": {time.Minute, []error{context.DeadlineExceeded, nil}, nil, 2},
		"server names a time":  {5 * time.Second, []error{fault.Unavailable("away").After(6 * time.Second), away}, away, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				var told []error
				err := ingest.Outlast(t.Context(), tc.patience, func(err error) { told = append(told, err) }, func(context.Context) error {
					tries++
					return tc.outcomes[min(tries, len(tc.outcomes))-1]
				})
				if tc.want == nil && err != nil || !errors.Is(err, tc.want) || tries != tc.tries {
					t.Errorf("got %v after %d tries, want %v after %d", err, tries, tc.want, tc.tries)
				}
				if tries > 1 && (len(told) != tries || told[len(told)-1] != nil) {
					t.Errorf("told %v over %d tries", told, tries)
				}
			})
		})
	}
}

func TestOutlastGivesUpAfterItsPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		away := fault.Unavailable("away")
		if err := ingest.Outlast(t.Context(), time.Hour, nil, func(context.Context) error { return away }); !errors.Is(err, away) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took < time.Hour || took > time.Hour+10*time.Second {
			t.Errorf("gave up after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := ingest.Outlast(ctx, time.Hour, nil, func(context.Context) error { return away }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller whose time is up gets %v", err)
		}
	})
}
