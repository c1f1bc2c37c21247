package thumbnail

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipseek/orchestrator/bucket"
)

// remembered is how many keys are known to be in an object store. They take about 15 MB.
const remembered = 100_000

// Objects keeps files in an object store, for all machines that share it.
type Objects struct {
	bucket *bucket.Bucket
	known  *lru.Cache[string, struct{}]
}

// NewObjects keeps files below the bucket's prefix. The bucket stays the caller's to close.
func NewObjects(b *bucket.Bucket) *Objects {
	known, _ := lru.New[string, struct{}](remembered) // it refuses sizes below 1 only
	return &Objects{b, known}
}

// Read gives an object.
func (o *Objects) Read(ctx context.Context, key string) ([]byte, error) {
	content, err := o.bucket.Read(ctx, key)
	if err == nil {
		o.known.Add(key, struct{}{})
	}
	return content, err
}

// Known remembers what this process has read or written lately. To write an object again costs less than to ask for it.
func (o *Objects) Known(key string) bool { return o.known.Contains(key) }

// Write writes an object.
func (o *Objects) Write(ctx context.Context, key string, content []byte) error {
	err := o.bucket.Write(ctx, key, content, "image/jpeg")
	if err == nil {
		o.known.Add(key, struct{}{})
	}
	return err
}
