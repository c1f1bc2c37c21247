package object

import "clipseek/orchestrator/bucket"

// Of is the pictures of a bucket of any kind.
func Of(b *bucket.Bucket, prefix string) *Objects {
	return &Objects{name: b.Name() + "/" + prefix, bucket: b, prefix: prefix}
}
