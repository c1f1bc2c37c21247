package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"clipseek/orchestrator/fault"
)

func TestKindAndPublic(t *testing.T) {
	t.Parallel()
	secret := errors.New("password=hunter2")
	for name, tc := range map[string]struct {
		err    error
		kind   fault.Kind
		public string
	}{
		"plain error":        {secret, fault.KindInternal, "an internal error; the log has the cause"},
		"internal fault":     {fault.Internal("matrix is 3 rows short").Because(secret), fault.KindInternal, "an internal error; the log has the cause"},
		"cause stays inside": {fault.Invalid("the query is empty").Because(secret), fault.KindInvalid, "the query is empty"},
		"wrapped":            {fmt.Errorf("search: %w", fault.NotFound("no picture 7")), fault.KindNotFound, "no picture 7"},
		"item in front":      {fault.At("a.jpg", fault.TooLarge("9 px over 8 px")), fault.KindTooLarge, "a.jpg: 9 px over 8 px"},
		"item twice":         {fault.At("b.zip", fault.At("a.jpg", fault.Invalid("empty"))), fault.KindInvalid, "b.zip: a.jpg: empty"},
		"cancelled":          {fmt.Errorf("x: %w", context.Canceled), fault.KindCanceled, "the request was cancelled"},
		"deadline":           {context.DeadlineExceeded, fault.KindUnavailable, "it took longer than allowed; try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.KindOf(tc.err); got != tc.kind {
				t.Errorf("KindOf = %v, want %v", got, tc.kind)
			}
			if got := fault.Public(tc.err); got != tc.public {
				t.Errorf("Public = %q, want %q", got, tc.public)
			}
		})
	}
}

func TestAtKeepsCauseAndRetry(t *testing.T) {
	t.Parallel()
	err := fault.At("index", fault.Unavailable("no answer").After(3*time.Second).Because(fs.ErrPermission))
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("the cause is lost")
	}
	if got := fault.RetryAfter(err); got != 3*time.Second {
		t.Errorf("RetryAfter = %v", got)
	}
	if fault.At("x", nil) != nil {
		t.Error("At of nil is not nil")
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	for _, inside := range []int{1, 5, 10} {
		if err := fault.Between("batch", inside, 1, 10, 5); err != nil {
			t.Error(err)
		}
	}
	for _, outside := range []int{0, 11} {
		err := fault.Between("batch", outside, 1, 10, 5)
		if want := fmt.Sprintf("batch = %d must be 1 to 10, for example 5", outside); fault.KindOf(err) != fault.KindInvalid || fault.Public(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	if err := fault.Within("timeout", time.Second, time.Second, time.Minute, "10s"); err != nil {
		t.Error(err)
	}
	err := fault.Within("timeout", 0, time.Second, time.Minute, "10s")
	if want := "timeout = 0s must be 1s to 1m0s, for example 10s"; err == nil || fault.Public(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestIsPassing(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		nil: false, fault.Unavailable("away"): true, fault.Overloaded("busy"): true, fault.At("x", fault.Unavailable("away")): true,
		context.DeadlineExceeded: true, context.Canceled: false, fault.Conflict("another"): false, fault.Internal("ours"): false,
	} {
		if got := fault.IsPassing(err); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}
