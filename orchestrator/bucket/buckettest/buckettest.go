// Package buckettest runs a test on a real server of every object store that clipseek knows.
package buckettest

import (
	"context"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket"
)

// Server is a server of a store.
type Server interface {
	MakeBucket(ctx context.Context, name string) error
	Environment() map[string]string
	Start(ctx context.Context) error
	Kill()
	Pause()
	Resume()
}

// Store is a store that runs while its test does, with a bucket photos. Variables of the environment hold its credentials,
// so that the test cannot run in parallel.
type Store struct {
	Server
	Scheme  string        // "s3"
	Config  bucket.Config // that reaches it, without retries
	Forgets bool          // loses what was written in the seconds before it is killed
}

// Each runs a test on every store.
func Each(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	cfg := bucket.Default()
	cfg.Retries = 0
	for name, start := range map[string]func(t *testing.T) *Store{
		"S3": func(t *testing.T) *Store {
			server := serverstest.S3(t, servers.S3Config{})
			cfg := cfg
			cfg.Endpoint = server.Endpoint
			return &Store{Server: server, Scheme: bucket.S3, Config: cfg}
		},
		"Google": func(t *testing.T) *Store { // its address is in the environment
			return &Store{Server: serverstest.Google(t), Scheme: bucket.Google, Config: cfg}
		},
		"Azure": func(t *testing.T) *Store {
			server := serverstest.Azure(t)
			cfg := cfg
			cfg.Azure.Endpoint = server.Endpoint
			return &Store{Server: server, Scheme: bucket.Azure, Config: cfg, Forgets: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if err := s.MakeBucket(t.Context(), "photos"); err != nil {
				t.Fatal(err)
			}
			test(t, s)
		})
	}
}

// Address is that of something in the store: photos/a.jpg.
func (s *Store) Address(path string) string { return s.Scheme + "://" + path }

// Open opens a bucket, or what is below a prefix in it, until the test ends.
func (s *Store) Open(t testing.TB, path string) *bucket.Bucket {
	return Open(t, s.Address(path), s.Config)
}

// Open opens a bucket of any address until the test ends.
func Open(t testing.TB, address string, cfg bucket.Config) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// Refuses asks for what our own drivers do not do.
func Refuses(t *testing.T, b *blob.Bucket) {
	t.Helper()
	for name, err := range map[string]error{
		"range":  errorOf(b.NewRangeReader(t.Context(), "a", 1, 2, nil)),
		"copy":   b.Copy(t.Context(), "a", "b", nil),
		"signed": errorOf(b.SignedURL(t.Context(), "a", nil)),
		"folder": errorOf(b.List(&blob.ListOptions{Delimiter: "/"}).Next(t.Context())),
	} {
		if gcerrors.Code(err) != gcerrors.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// Fill writes objects, several at once.
func Fill(t testing.TB, b *bucket.Bucket, content map[string]string) {
	t.Helper()
	keys := make(chan string)
	failed := make(chan error, writers)
	for range writers {
		go func() {
			var first error
			for key := range keys {
				if err := b.Write(t.Context(), key, []byte(content[key]), ""); err != nil && first == nil {
					first = err
				}
			}
			failed <- first
		}()
	}
	for key := range content {
		keys <- key
	}
	close(keys)
	for range writers {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

const writers = 8
