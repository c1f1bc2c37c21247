package thumbnail_test

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/thumbnail"
)

// TestStorages holds every storage to the contract.
func TestStorages(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new")
		testStorage(t, func() thumbnail.Storage { return thumbnail.NewFolder(dir) })
	})
	t.Run("object store in a folder", func(t *testing.T) {
		address := "file://" + filepath.Join(t.TempDir(), "new")
		testStorage(t, func() thumbnail.Storage { return objects(t, address, bucket.Default()) })
	})
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		testStorage(t, func() thumbnail.Storage { return objects(t, s.Address("photos/small"), s.Config) })
	})
}

func objects(t *testing.T, address string, cfg bucket.Config) thumbnail.Storage {
	t.Helper()
	b, err := bucket.Open(t.Context(), address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return thumbnail.NewObjects(b)
}

// testStorage wants open to open the same empty storage each time.
func testStorage(t *testing.T, open func() thumbnail.Storage) {
	one, two := open(), open()
	const key = "ab/cdef-480-82.jpg"
	if _, err := one.Read(t.Context(), key); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("what is not there: %v", err)
	}
	if one.Known(key) {
		t.Error("what is not there is known")
	}
	for _, content := range [][]byte{[]byte("first"), bytes.Repeat([]byte("second"), 10_000)} { // the second in the place of the first
		if err := one.Write(t.Context(), key, content); err != nil {
			t.Fatal(err)
		}
		if !one.Known(key) {
			t.Error("what was written is not known")
		}
		if got, err := two.Read(t.Context(), key); err != nil || !bytes.Equal(got, content) {
			t.Errorf("another reads %d bytes, %v", len(got), err)
		}
		if !two.Known(key) {
			t.Error("what was read is not known")
		}
	}
	var all sync.WaitGroup
	same := bytes.Repeat([]byte("same"), 5000)
	for _, s := range []thumbnail.Storage{one, two, one, two} {
		all.Go(func() {
			if err := s.Write(t.Context(), "ab/at-once.jpg", same); err != nil {
				t.Error(err)
			}
			if got, err := s.Read(t.Context(), "ab/at-once.jpg"); err != nil || !bytes.Equal(got, same) {
				t.Errorf("written at once: %d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
}

// TestSharedStore has one machine's thumbnail served by another.
func TestSharedStore(t *testing.T) {
	t.Parallel()
	address := "file://" + t.TempDir()
	one, two := storeOn(t, objects(t, address, bucket.Default())), storeOn(t, objects(t, address, bucket.Default()))
	small := []byte{0xff, 0xd8, 1, 0xff, 0xd9}
	one.Keep(t.Context(), hash, small)
	if got, err := two.Get(t.Context(), hash, gone); err != nil || !bytes.Equal(got, small) {
		t.Errorf("got %x, %v", got, err)
	}
}
