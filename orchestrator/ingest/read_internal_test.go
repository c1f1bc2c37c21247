package ingest

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestRoom takes files of some sizes one after the other and tells how many get room before any is done.
func TestRoom(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	for name, tc := range map[string]struct {
		readers int
		sizes   []int64
		want    int
	}{
		"all fit":                       {8, []int64{1 << 20, 2 << 20, 3 << 20}, 3},
		"as many as there are readers":  {2, []int64{1, 1, 1}, 2},
		"as much as there is room":      {8, []int64{4 << 20, 4 << 20, 4 << 20}, 2},
		"larger than all the room":      {8, []int64{256 << 20, 1}, 1},
		"a large one waits for others":  {8, []int64{1, 256 << 20}, 1},
		"none overtakes the large one":  {8, []int64{1, 256 << 20, 1, 1}, 1},
		"unknown sizes count something": {100, make([]int64, 20), 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReading(tc.readers, limit)
				taken := make(chan *file, len(tc.sizes))
				for _, size := range tc.sizes {
					go func() {
						f, err := r.take(t.Context(), size)
						if err != nil {
							t.Error(err)
						}
						taken <- f
					}()
					synctest.Wait()
				}
				if len(taken) != tc.want {
					t.Errorf("%d files at once, want %d", len(taken), tc.want)
				}
				for range tc.sizes { // and all of them, one after the other
					(<-taken).done()
				}
			})
		})
	}
}

func TestRoomIsGivenBack(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	r := newReading(4, limit)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	take := func(size int64) *file {
		t.Helper()
		f, err := r.take(t.Context(), size)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for range 20 {
		a, b := take(0), take(3<<20)
		a.filled(make([]byte, 8<<20)) // the source did not know; there is no room to count all of it
		b.handOver()
		if f, err := r.take(ended, limit); err == nil {
			f.done()
			t.Fatal("there is room beyond the limit")
		}
		a.done()
		b.done()
	}
	all := take(limit) // and would wait for ever if anything was kept
	all.done()
	if n := len(r.readers); n != 0 {
		t.Errorf("%d readers are not given back", n)
	}
}

// TestMemoryIsUsedAgain reads files of mixed sizes, two at once.
func TestMemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	r := newReading(2, limit)
	made := 0
	read := func(size int) func() {
		f, err := r.take(t.Context(), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		content := f.bytes
		if cap(content) < size {
			content = make([]byte, size)
			made++
		}
		f.filled(content[:size])
		return f.done
	}
	for _, sizes := range [][2]int{{1000, 3 << 20}, {3 << 20, 900}, {2 << 20, 2 << 20}, {2 << 20, 2 << 20}, {1, 3 << 20}} {
		one, two := read(sizes[0]), read(sizes[1])
		one()
		two()
	}
	if made != 3 { // the two at first, and where both are large
		t.Errorf("memory was made %d times, want 3", made)
	}
	read(20 << 20)()
	if r.kept > limit || len(r.free) > 2 {
		t.Errorf("%d bytes in %d pieces are kept, of %d", r.kept, len(r.free), limit)
	}
}
