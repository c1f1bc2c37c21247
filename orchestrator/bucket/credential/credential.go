// Package credential tells apart that a store's credentials are not found from what the store says of them.
//
// The package is not for finding any (each store's SDK does).
package credential

import "sync/atomic"

// Watch remembers whether there have been credentials. It is safe for concurrent use.
type Watch struct {
	Store  string // as messages name it
	Advice string // where credentials are looked for

	had atomic.Bool
}

// Error is why a request has no credentials.
type Error struct {
	Store, Advice string
	Again         bool // there have been some
	Err           error
}

func (e *Error) Error() string { return "no credentials: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// NonRetriable tells Azure's SDK that another try finds none either.
func (e *Error) NonRetriable() {}

// Check takes what an SDK's search for credentials ended with. Its error is nil or an *Error.
func (w *Watch) Check(err error) error {
	if err != nil {
		return &Error{Store: w.Store, Advice: w.Advice, Again: w.had.Load(), Err: err}
	}
	w.had.Store(true)
	return nil
}
