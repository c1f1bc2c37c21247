package index

import (
	"context"
	"iter"
)

// The abilities are interfaces of their own, which an Index or a Database has or has not: callers ask with a type
// assertion, and nothing ever answers "unsupported".

// Counter is the ability to count.
type Counter interface {
	// Count is the number of records that the filter matches; nil matches all.
	Count(ctx context.Context, filter *Filter) (int64, error)
}

// Iterator is the ability to walk over a collection, for export and comparison.
type Iterator interface {
	// Iterate yields records in ascending order of id, each id at most once. A record that is written or deleted
	// during the walk may or may not be seen; all others are. An error is yielded once, with a zero Record, and
	// ends the walk, which can go on later with From set to the last id seen + 1.
	Iterate(ctx context.Context, walk Walk) iter.Seq2[Record, error]
}

// Walk says what Iterate yields.
type Walk struct {
	Filter  *Filter // nil is all
	From    int64   // the smallest id to yield; 0 is the beginning
	Vectors bool    // read the vectors too; without, Record.Vector is nil
}

// Recaller is the ability to find vectors by the SHA-256 of the files that they were made from. It may take as long as a look
// at every record, so that callers weigh it against what it saves.
type Recaller interface {
	// Recall gives the vectors of this model by hash, for those of the hashes that a record has as its FieldSHA256; of
	// several records any one. It need not find all, least of all what was written within the last second, but what this
	// process has deleted is never found. A partition's view finds the other partitions' too. Caller and index share
	// nothing.
	Recall(ctx context.Context, model string, hashes []string) (map[string][]float32, error)
}

// Loader is the ability to bring a collection into memory ahead of the first search, which otherwise pays for it.
type Loader interface {
	Load(ctx context.Context) error
}

// Describer is the ability to tell about a collection.
type Describer interface {
	Stats(ctx context.Context) (Stats, error)
}

// Stats is what a Describer tells.
type Stats struct {
	Info
	StoredBytes int64 // size of the storage that the collection lives in, which it may share
	MemoryBytes int64 // memory that this handle holds for vectors
}

// Builder is the ability to search through a structure that is built over the vectors (Milvus' IVF_FLAT, HNSW ...) and
// to tell how far the building is. Records are found while it is built; searches are then slower.
type Builder interface {
	// Building tells how far it is. It does not wait.
	Building(ctx context.Context) (Building, error)
	// Build drops the structure and builds the configured one in its place, and returns once it has begun; searches
	// answer Unavailable until it is there. Records stay.
	Build(ctx context.Context) error
	// Flush has what was written so far sealed, so that all of it is built over soon. It may take seconds.
	Flush(ctx context.Context) error
}

// Building is how far a search structure is.
type Building struct {
	Type    string            `json:"type"`             // IVF_FLAT and so on
	Metric  string            `json:"metric"`           // IP or COSINE
	Params  map[string]string `json:"params,omitempty"` // what it is built with, such as nlist
	Total   int64             `json:"total"`            // records it is to cover
	Covered int64             `json:"covered"`          // records it covers
	State   BuildState        `json:"state"`
	Reason  string            `json:"reason,omitempty"` // why it failed
}

// BuildState is where the building of a search structure stands.
type BuildState string

// The states.
const (
	BuildNone    BuildState = "none"    // there is no structure, and none is being built
	BuildRunning BuildState = "running" // records wait to be covered
	BuildDone    BuildState = "done"    // all sealed records are covered
	BuildFailed  BuildState = "failed"  // it cannot be built; Reason says why
)

// Partitioner is the ability to divide a collection into named parts that are searched, loaded and dropped on their own.
type Partitioner interface {
	// Partitions lists them by name; the part of records that were written without one comes too.
	Partitions(ctx context.Context) ([]Partition, error)
	// CreatePartition makes one; it is no error if it is there. Faults: Invalid (the name), TooLarge (too many).
	CreatePartition(ctx context.Context, name string) error
	// DropPartition removes one and its records. Fault: NotFound.
	DropPartition(ctx context.Context, name string) error
	// Partition is a view of the collection that writes to, deletes from, reads and searches this part alone. The
	// same id in two parts is two records; the collection's own Upsert replaces a record in every part that has it. The
	// view's Close does nothing. Its calls answer NotFound where there is no such part.
	Partition(name string) Index
}

// Partition describes one.
type Partition struct {
	Name  string `json:"name"`
	Count int64  `json:"count"` // records; after deletes an estimate until the server has compacted
}

// Aliaser is the ability of a Database to give collections further names, so that a new collection can take the place
// of an old one at once. Open takes an alias for a collection's name.
type Aliaser interface {
	// Aliases maps each alias to its collection.
	Aliases(ctx context.Context) (map[string]string, error)
	// SetAlias gives the alias to the collection, taking it from another if need be. Faults: NotFound (no such
	// collection), Conflict (a collection has the name), Invalid.
	SetAlias(ctx context.Context, alias, collection string) error
	// DropAlias removes one. Fault: NotFound.
	DropAlias(ctx context.Context, alias string) error
}
