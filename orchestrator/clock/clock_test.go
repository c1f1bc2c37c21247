package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/clock"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	const never = 24 * time.Hour
	tests := map[string]struct {
		sleep, until time.Duration // until is when ctx is cancelled
		want         time.Duration
		err          error
	}{
		"to the end":   {sleep: time.Hour, until: never, want: time.Hour},
		"interrupted":  {sleep: time.Hour, until: time.Minute, want: time.Minute, err: context.Canceled},
		"not at all":   {sleep: 0, until: never},
		"in the past":  {sleep: -time.Hour, until: never},
		"ended before": {sleep: 0, until: 0, err: context.Canceled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.until == 0 {
					cancel()
				} else {
					time.AfterFunc(tt.until, cancel)
				}
				began := time.Now()
				err := clock.Sleep(ctx, tt.sleep)
				if took := time.Since(began); took != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%s and %v, want %s and %v", took, err, tt.want, tt.err)
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"Wed, 01 May 2024 12:01:00 GMT": time.Minute,
		"Wed, 01 May 2024 11:00:00 GMT": 0,
		"99999999999999999999":          0,
	} {
		if got := clock.RetryAfter(value, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"7", "-1", "2147483648", "Wed, 01 May 2024 12:01:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := clock.RetryAfter(value, time.Unix(0, 0)); d < 0 {
			t.Errorf("%q is %s", value, d)
		}
	})
}
