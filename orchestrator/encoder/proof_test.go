package encoder_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// failing fails with what the test sets.
type failing struct {
	slow
	err error
}

func (f *failing) EncodeImages(context.Context, imageprep.Batch) ([]encoder.Vector, error) {
	return nil, f.err
}

func TestProofRunsOnceAndAgainAfterAnOutage(t *testing.T) {
	t.Parallel()
	var tests int
	var outcome error
	proof := encoder.NewProof(func(context.Context) error { tests++; return outcome })
	defer proof.Close()
	inner := &failing{}
	enc := proof.Guard(inner)
	encode := func(want error) {
		t.Helper()
		if _, err := enc.EncodeImages(t.Context(), imageprep.Batch{}); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	expect := func(n int) {
		t.Helper()
		if tests != n {
			t.Errorf("%d tests have run, want %d", tests, n)
		}
	}
	outcome = fault.Unavailable("nobody is there")
	encode(outcome)
	encode(outcome)
	expect(2) // an outage is asked about each time
	outcome = nil
	encode(nil)
	encode(nil)
	expect(3)
	inner.err = fault.Invalid("a bad batch")
	encode(inner.err)
	expect(3)
	inner.err = fault.Unavailable("gone")
	encode(inner.err)
	expect(3)
	inner.err = nil
	encode(nil)
	expect(4)
}

func TestProofRemembersARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tests int
		refusal := fault.Conflict("another model")
		proof := encoder.NewProof(func(context.Context) error {
			if tests++; tests == 1 {
				return refusal
			}
			return nil
		})
		defer proof.Close()
		for range 3 {
			if err := proof.Ensure(t.Context()); !errors.Is(err, refusal) {
				t.Errorf("got %v", err)
			}
		}
		time.Sleep(time.Minute) // the test's own time
		if err := proof.Ensure(t.Context()); err != nil || tests != 2 {
			t.Errorf("got %v after %d tests", err, tests)
		}
	})
}

func TestProofWaitsForOneTest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tests int
		proof := encoder.NewProof(func(context.Context) error { tests++; time.Sleep(time.Second); return nil })
		defer proof.Close()
		results := make(chan error, 5)
		for range 5 {
			go func() { results <- proof.Ensure(t.Context()) }()
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := proof.Ensure(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an impatient caller gets %v", err)
		}
		for range 5 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if tests != 1 {
			t.Errorf("%d tests for 5 callers", tests)
		}
	})
}

// TestProofIsComeToByCallersInAHurry asks for less time than the test takes.
func TestProofIsComeToByCallersInAHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proof := encoder.NewProof(func(ctx context.Context) error { time.Sleep(10 * time.Second); return ctx.Err() })
		defer proof.Close()
		tries := 0
		for ; ; tries++ {
			hurry, cancel := context.WithTimeout(t.Context(), time.Second)
			err := proof.Ensure(hurry)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) || tries > 20 {
				t.Fatalf("try %d: %v", tries, err)
			}
		}
		if tries < 9 {
			t.Errorf("proven after %d tries", tries)
		}
	})
}

func TestProofCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proof := encoder.NewProof(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		waiting := make(chan error, 1)
		go func() { waiting <- proof.Ensure(t.Context()) }()
		synctest.Wait()
		if err := proof.Close(); err != nil {
			t.Error(err)
		}
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who waits gets %v", err)
		}
		if err := proof.Ensure(t.Context()); fault.KindOf(err) != fault.KindUnavailable {
			t.Errorf("after Close: %v", err)
		}
	})
}
