// Package fault says what kind of failure an error is and what a user may be told about it.
//
// A failure has a kind (which decides the HTTP status and the exit code), a public message that names the item and
// what to do, and a cause that only the log sees. Packages make faults where they understand what went wrong; callers
// add the item with At and pass them on.
//
//	return fault.NotFound("the folder %s is not there; check the spelling", dir).Because(err)
//
// The package is not for HTTP statuses or exit codes: those tables live in httpapi and cmd.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind sorts failures by what the caller can do about them.
type Kind uint8

// The kinds. Internal is the zero value: what nobody has classified is our own mistake.
const (
	KindInternal    Kind = iota // a mistake of ours; the cause is logged, never shown
	KindInvalid                 // the request, file or configuration is wrong and stays wrong when repeated
	KindForbidden               // understood and refused by policy
	KindNotFound                // what was named is not there
	KindConflict                // it contradicts what is there (another width, a port in use)
	KindTooLarge                // over a configured limit
	KindOverloaded              // refused because of load; repeat later
	KindUnavailable             // a part that is needed does not answer; repeat later
	KindCanceled                // the caller went away or asked to stop
)

var kindNames = [...]string{"internal", "invalid", "forbidden", "not_found", "conflict", "too_large", "overloaded", "unavailable", "canceled"}

// String is the stable name of the kind, used in logs, ledgers and problem details.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is a classified failure.
type Error struct {
	Kind       Kind
	Message    string        // safe to show: names the item and what to do; no secret, no internals
	RetryAfter time.Duration // for Overloaded and Unavailable: when to try again; 0 is unknown
	cause      error
}

// Error is the message with its cause, for logs.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Because sets the cause, which is logged and never shown, and returns e.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// After sets when a repeat may succeed and returns e.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

func newf(k Kind, format string, args []any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Invalid reports input that is wrong and stays wrong when repeated.
func Invalid(format string, args ...any) *Error { return newf(KindInvalid, format, args) }

// Forbidden reports a request that policy refuses.
func Forbidden(format string, args ...any) *Error { return newf(KindForbidden, format, args) }

// NotFound reports that what was named is not there.
func NotFound(format string, args ...any) *Error { return newf(KindNotFound, format, args) }

// Conflict reports a contradiction with what is there.
func Conflict(format string, args ...any) *Error { return newf(KindConflict, format, args) }

// TooLarge reports input over a configured limit.
func TooLarge(format string, args ...any) *Error { return newf(KindTooLarge, format, args) }

// Overloaded reports a refusal because of load.
func Overloaded(format string, args ...any) *Error { return newf(KindOverloaded, format, args) }

// Unavailable reports that a needed part does not answer.
func Unavailable(format string, args ...any) *Error { return newf(KindUnavailable, format, args) }

// Internal reports a mistake of ours; its message is not shown (see Public).
func Internal(format string, args ...any) *Error { return newf(KindInternal, format, args) }

// At names the item that err is about. Kind, retry time and public message of err are kept, with the item in front.
// At returns nil for a nil err.
func At(item string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Message: item + ": " + Public(err), RetryAfter: RetryAfter(err), cause: err}
}

// KindOf classifies any error. A cancelled context is Canceled and a missed deadline Unavailable, wherever in the chain.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return KindCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return KindUnavailable
	}
	return KindInternal
}

// Public is the text a user may see: the message of the outermost fault, or a fixed sentence where nobody classified err.
func Public(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != KindInternal {
		return e.Message
	}
	switch KindOf(err) {
	case KindCanceled:
		return "the request was cancelled"
	case KindUnavailable:
		return "it took longer than allowed; try again"
	default:
		return "an internal error; the log has the cause"
	}
}

// RetryAfter is when a repeat may succeed; 0 is unknown.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Between is the check of a configured number: nil, or Invalid with the key, the value, its bounds and an example.
func Between[T ~int | ~int64](key string, value, least, most, example T) error {
	if least <= value && value <= most {
		return nil
	}
	return Invalid("%s = %d must be %d to %d, for example %d", key, value, least, most, example)
}

// Within is Between for a configured time; example is as a person would write it.
func Within(key string, value, least, most time.Duration, example string) error {
	if least <= value && value <= most {
		return nil
	}
	return Invalid("%s = %s must be %s to %s, for example %s", key, value, least, most, example)
}

// IsPassing reports whether err is the fault of a part that does not answer, or sheds load, and may take the same call
// later.
func IsPassing(err error) bool {
	kind := KindOf(err)
	return err != nil && (kind == KindUnavailable || kind == KindOverloaded)
}
