package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/fault"
)

// answering is the URL of a server that ends with the test.
func answering(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// TestServerDies kills the server in the middle of an object that no buffer on the way holds whole.
func TestServerDies(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		b := s.Open(t, "photos")
		large := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
		if err := b.Write(t.Context(), "large.jpg", large, ""); err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(t.Context(), "large.jpg")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.ReadFull(r, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if _, err := io.Copy(io.Discard, r); fault.KindOf(err) != fault.KindUnavailable {
			t.Errorf("the server died in mid-read: %v", err)
		}
		if _, err := b.Read(t.Context(), "large.jpg"); fault.KindOf(err) != fault.KindUnavailable {
			t.Errorf("the server is dead: %v", err)
		}
		if err := b.Write(t.Context(), "other.jpg", large, ""); fault.KindOf(err) != fault.KindUnavailable {
			t.Errorf("written to a dead server: %v", err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Forgets {
			if err := errors.Join(s.MakeBucket(t.Context(), "photos"), b.Write(t.Context(), "large.jpg", large, "")); err != nil {
				t.Fatal(err)
			}
		}
		if content, err := b.Read(t.Context(), "large.jpg"); err != nil || !bytes.Equal(content, large) {
			t.Errorf("after the restart: %d bytes, %v", len(content), err)
		}
		if there, err := b.Exists(t.Context(), "other.jpg"); there || err != nil {
			t.Errorf("a write that failed has left something: %t, %v", there, err)
		}
	})
}

// TestSilence has a server fall silent in the middle of an object.
func TestSilence(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		large := make([]byte, 32<<20)
		if err := s.Open(t, "photos").Write(t.Context(), "large.jpg", large, ""); err != nil {
			t.Fatal(err)
		}
		cfg := s.Config
		cfg.Stall = 50 * time.Millisecond
		b := buckettest.Open(t, s.Address("photos"), cfg)
		r, err := b.Open(t.Context(), "large.jpg")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s.Pause()
		defer s.Resume()
		if _, err := io.Copy(io.Discard, r); fault.KindOf(err) != fault.KindUnavailable {
			t.Errorf("the server is silent: %v", err)
		}
	})
}

func TestCanceled(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		b := s.Open(t, "photos")
		if err := b.Write(t.Context(), "large.jpg", make([]byte, 32<<20), ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := b.Open(ctx, "large.jpg")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cancel()
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
			t.Errorf("read: %v", err)
		}
		if _, err := b.Open(ctx, "large.jpg"); !errors.Is(err, context.Canceled) {
			t.Errorf("open: %v", err)
		}
		if err := b.Write(ctx, "new.jpg", []byte("x"), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("write: %v", err)
		}
		for _, err := range b.List(ctx, "", "") {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("list: %v", err)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Setenv("AZURE_STORAGE_ACCOUNT", "")
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "")
	for _, address := range []string{
		"", "photos", "s3:photos", "s3://", "s3://a", "s3://a b", "s3://Ünder", "s3://user:secret@photos", "s3://photos?key=secret", "s3://photos?path_style=perhaps",
		"s3://photos?endpoint=photos", "s3://photos?endpoint=http://user:secret@host", "gcs://photos", "gs://", "gs://user:secret@photos", "gs://photos?region=x", "gs://photos?endpoint=photos", "azblob://photos?sas=secret", "azblob://photos", "azblob://photos?storage_account=A/b", "file://host/x", "file://x", "file:///x?create_dir=1", "s3://photos#x", "%",
	} {
		if b, err := bucket.Open(t.Context(), address, bucket.Default()); fault.KindOf(err) != fault.KindInvalid || bytes.Contains([]byte(fault.Public(err)), []byte("secret@")) {
			t.Errorf("%q: %v, %v", address, b, err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if err := bucket.Default().Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*bucket.Config){
		"endpoint":   func(c *bucket.Config) { c.Endpoint = "s3.example.org" },
		"scheme":     func(c *bucket.Config) { c.Endpoint = "ftp://s3.example.org" },
		"password":   func(c *bucket.Config) { c.Endpoint = "https://a:b@s3.example.org" },
		"google":     func(c *bucket.Config) { c.Google.Endpoint = "storage.example.org" },
		"azure":      func(c *bucket.Config) { c.Azure.Endpoint = "https://a.example.org?sig=secret" },
		"connect":    func(c *bucket.Config) { c.Connect = 0 },
		"first byte": func(c *bucket.Config) { c.FirstByte = 0 },
		"stall":      func(c *bucket.Config) { c.Stall = 0 },
		"retries":    func(c *bucket.Config) { c.Retries = -1 },
	} {
		cfg := bucket.Default()
		change(&cfg)
		if err := cfg.Validate(); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
