// Package index is the contract of a vector index: records with an embedding each, found again by nearness and by what
// is known about them.
//
// A Database holds collections; a collection holds the records of one model, all of one width. index/local keeps a
// database in a file, index/milvus on a server; both follow this contract and run the same conformance suite,
// index/indextest. What only some can do are the small interfaces of abilities.go. Filters reach an index as a Filter, a small syntax tree; index/filter reads it from text.
//
//	photos, err := db.Open(ctx, index.Spec{Collection: "text_image_vector", Width: 768, Model: "demo"})
//	err = photos.Upsert(ctx, []index.Record{{ID: index.ID(key), Path: key, Vector: v, Fields: map[string]any{"label": "apple"}}})
//	hits, err := photos.Search(ctx, index.Query{Vector: q, Limit: 16})
//
// The package is not for making embeddings (encoder), for pictures (imageprep), or for what a score means to a user
// (search). It holds no implementation and imports none.
package index

import (
	"context"

	"clipseek/orchestrator/fault"
)

// MaxWindow is the most hits one query can reach into: Offset + Limit. It is Milvus' own limit, kept by every index so
// that a query that works on one works on the other.
const MaxWindow = 16_384

// Database holds collections by name.
//
// All methods are safe for concurrent use, also by several processes on one database. A call whose context ends
// returns the context's error and leaves no half-made collection behind.
type Database interface {
	// Open opens the collection that spec names and makes it on first use. The caller closes the Index.
	//
	// With spec.Width 0 and no spec.Model it opens what is there, whatever it was written with, and makes nothing.
	//
	// Faults: Invalid for a spec that Validate refuses, NotFound for a missing collection that may not be made,
	// Conflict for one that holds vectors of another width or model (the message has both and what to do),
	// Unavailable where the storage does not answer.
	Open(ctx context.Context, spec Spec) (Index, error)

	// Collections lists what is there, by name. The caller owns the slice.
	Collections(ctx context.Context) ([]Info, error)

	// Drop removes a collection and all its records; there is no way back. Indexes that are open on it answer
	// NotFound from then on. NotFound if it is not there.
	Drop(ctx context.Context, collection string) error

	// Close releases the database and ends every Index that was opened from it: their calls answer Unavailable.
	// It waits for calls that are running. Closing twice is not an error.
	Close() error
}

// Index is one open collection.
//
// Concurrency: all methods are safe for concurrent use, and several handles and processes may write to one collection
// at once.
//
// Ordering: a call sees every write that was acknowledged through the same handle before the call began, and writes
// acknowledged elsewhere within a second. A search sees each record either as it was before a concurrent write or as
// it is after, never a mixture of the two. Of two concurrent writes to one id, one wins whole.
//
// Ownership: an index keeps no slice or map that it was given, and what it returns belongs to the caller.
//
// Durability: when a write returns nil it survives the death of any process, and a power failure.
//
// Faults: Invalid for input that breaks a rule of this package (nothing has been written then), TooLarge for input over
// a limit, NotFound where the collection has been dropped, Unavailable where the storage is full, damaged, busy for too
// long, closed or not answering. A context that ended gives the context's error. Every method may be repeated.
type Index interface {
	// Upsert writes records; a record whose id is there replaces it whole, fields included. Of records with one id
	// the last wins. Any number is allowed.
	//
	// On a fault other than Invalid and TooLarge, and after cancellation, any part of the batch may have been written.
	// Repeating the call is safe and completes it.
	Upsert(ctx context.Context, records []Record) error

	// Delete removes the records with these ids and counts those that were there. Unknown ids are no error.
	// After a fault or cancellation any part may be gone; repeating is safe.
	Delete(ctx context.Context, ids []int64) (deleted int, err error)

	// Get returns the records with these ids, vectors included, in the order of ids, each once. Ids that are not
	// there are left out.
	Get(ctx context.Context, ids []int64) ([]Record, error)

	// Search returns the records nearest to q.Vector, best first: greater Score first and, of equal scores, the
	// smaller id first, so that pages neither repeat nor lose a record while nothing is written. Fewer than q.Limit
	// hits mean that there are no more. An index that searches approximately says so in its own documentation.
	Search(ctx context.Context, q Query) ([]Hit, error)

	// Close releases the handle; calls after it answer Unavailable. Closing twice is not an error.
	Close() error
}

// Spec names a collection and what its vectors are.
type Spec struct {
	Collection string // letters, digits and _, at most 255
	Width      int    // components of a vector
	Model      string // name of the model that makes them
}

// Info describes a collection that is there.
type Info struct {
	Name  string `json:"name"`
	Width int    `json:"width"`
	Model string `json:"model"`
	Count int64  `json:"count"` // records
}

// Query asks for the nearest records.
type Query struct {
	Vector []float32 // width of the collection, L2 norm 1
	Filter *Filter   // only records that it matches; nil is all
	Limit  int       // at most so many hits; at least 1
	Offset int       // leave out so many of the best, for paging; Offset + Limit is at most MaxWindow
}

// Hit is a record found.
type Hit struct {
	ID     int64
	Path   string
	Fields map[string]any
	Score  float32 // inner product with the query; of unit vectors, the cosine of their angle
}

const (
	maxNameBytes = 255    // Milvus' limit on names
	maxWidth     = 32_768 // Milvus' limit on dimensions
)

// Existing reports whether s asks for what is there, whatever its width and model, rather than for a collection of its own.
func (s Spec) Existing() bool { return s.Width == 0 && s.Model == "" }

// Validate refuses a spec that no index can serve. Fault: Invalid.
func (s Spec) Validate() error {
	if err := CheckCollection(s.Collection); err != nil {
		return err
	}
	switch {
	case s.Existing():
		return nil
	case s.Width < 1 || s.Width > maxWidth:
		return fault.Invalid("a collection of vectors of width %d cannot be made; a width is from 1 to %d", s.Width, maxWidth)
	case s.Model == "":
		return fault.Invalid("collection %q needs the name of the model that makes its vectors", s.Collection)
	case len(s.Model) > maxNameBytes || !isText(s.Model):
		return fault.Invalid("the name of a model is text of at most %d bytes", maxNameBytes)
	}
	return nil
}

// Matches refuses to use the collection found for s where it holds another width or model. Fault: Conflict.
func (s Spec) Matches(found Info) error {
	if s.Existing() || s.Width == found.Width && s.Model == found.Model {
		return nil
	}
	return fault.Conflict("collection %q holds vectors of width %d from model %q, and this is model %q of width %d; "+
		"use model %q of width %d, or name another collection for this model, or drop the collection and ingest again",
		s.Collection, found.Width, found.Model, s.Model, s.Width, found.Model, found.Width)
}

// CheckCollection refuses what cannot be the name of a collection. Fault: Invalid.
func CheckCollection(name string) error {
	if len(name) > maxNameBytes || !isIdentifier(name) {
		return fault.Invalid("%s cannot name a collection; use letters, digits and _, not a digit first, at most %d", quote(name), maxNameBytes)
	}
	return nil
}

// Validate refuses a query that a collection of this width cannot answer. Fault: Invalid.
func (q Query) Validate(width int) error {
	if err := checkVector(q.Vector, width); err != nil {
		return fault.At("the query's vector", err)
	}
	switch {
	case q.Limit < 1:
		return fault.Invalid("a limit of %d hits asks for nothing; use 1 to %d", q.Limit, MaxWindow)
	case q.Offset < 0:
		return fault.Invalid("an offset of %d is before the first hit; use 0 or more", q.Offset)
	case q.Limit > MaxWindow || q.Offset > MaxWindow-q.Limit:
		return fault.Invalid("hits %d to %d are out of reach; offset and limit together are at most %d; narrow the search with a filter",
			q.Offset, q.Offset+q.Limit, MaxWindow)
	}
	return nil
}
