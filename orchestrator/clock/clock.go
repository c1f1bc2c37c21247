// Package clock waits, and reads for how long a server wants us to.
package clock

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Sleep waits for d, or until ctx ends. It returns the error of a ctx that has ended, also where d was over at once.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RetryAfter is how long from now on the value of an HTTP header of that name (RFC 9110, 10.2.3) asks to wait: it is a
// number of seconds or a date. What has passed, or cannot be read, is 0.
func RetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
