package ingest

import (
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Result is what became of a batch: of each item exactly one of indexed, unchanged and failed.
type Result struct {
	Indexed   int   // encoded and written
	Unchanged int   // known already
	Bytes     int64 // of the items that were read
	Failures  []Failure
	Times     Times
}

// Failure is an item that could not be indexed.
type Failure struct {
	Item   source.Item
	Kind   fault.Kind
	Reason string        // what is wrong and what to do
	Retry  bool          // trying again may help
	After  time.Duration // and not before so long; 0 is unknown
	Err    error         // for the log
}

// NewFailure describes an item that fails with err.
func NewFailure(item source.Item, err error) Failure {
	return Failure{Item: item, Kind: fault.KindOf(err), Reason: fault.Public(err), Retry: fault.IsPassing(err), After: fault.RetryAfter(err), Err: err}
}

// Times is how long the stages took, added up over everything that ran at the same time.
type Times struct {
	Read      time.Duration `json:"read"`      // opening and reading
	Decode    time.Duration `json:"decode"`    // file to pixels, hashing included
	Resize    time.Duration `json:"resize"`    // pixels to what the model takes
	Thumbnail time.Duration `json:"thumbnail"` // pixels to a thumbnail, and keeping it
	Wait      time.Duration `json:"wait"`      // prepared groups waiting for the encoder
	Encode    time.Duration `json:"encode"`
	Write     time.Duration `json:"write"` // looking up and writing in the index
}

// Add adds the times of u.
func (t *Times) Add(u Times) {
	t.Read += u.Read
	t.Decode += u.Decode
	t.Resize += u.Resize
	t.Thumbnail += u.Thumbnail
	t.Wait += u.Wait
	t.Encode += u.Encode
	t.Write += u.Write
}

// All is the sum of the stages.
func (t Times) All() time.Duration {
	return t.Read + t.Decode + t.Resize + t.Thumbnail + t.Wait + t.Encode + t.Write
}
