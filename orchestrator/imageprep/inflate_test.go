package imageprep

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// cutPieces gives data in pieces of a size.
type cutPieces struct {
	data []byte
	size int
}

func (c *cutPieces) next() []byte {
	n := min(c.size, len(c.data))
	piece := c.data[:n:n]
	c.data = c.data[n:]
	return piece
}

// inflated unpacks a stream with the inflater, row by row of uneven sizes, until it fails or has given wanted bytes.
func inflated(f *inflater, stream []byte, size, wanted int) ([]byte, error) {
	if err := f.reset(&cutPieces{stream, size}); err != nil {
		return nil, err
	}
	got := make([]byte, wanted)
	for at, row := 0, 1; at < wanted; row = row%5000*2 + 1 {
		n := min(row, wanted-at)
		if err := f.fill(got[at : at+n]); err != nil {
			return got[:at], err
		}
		at += n
	}
	return got, nil
}

// TestInflate unpacks what Go's packer makes of data of every kind, at every level, in pieces of every size.
func TestInflate(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 400_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	words := make([]byte, 0, 500_000)
	for len(words) < 500_000 {
		n := int(random.ExpFloat64() * 40)
		at := random.IntN(len(noise) / 50)
		words = append(words, noise[at:at+min(n, 300)]...)
	}
	skewed := make([]byte, 300_000) // codes of many lengths, of more than the tables' width too
	for i := range skewed {
		skewed[i] = byte(random.ExpFloat64() * 12)
	}
	var f inflater
	for name, data := range map[string][]byte{
		"nothing": nil, "one byte": {7}, "noise": noise, "words": words, "skewed": skewed,
		"zeros": make([]byte, 700_000), "pattern": slices.Repeat([]byte("abcde"), 90_000),
	} {
		for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.DefaultCompression, zlib.BestCompression, zlib.HuffmanOnly} {
			var stream bytes.Buffer
			w, err := zlib.NewWriterLevel(&stream, level)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(data) // a bytes.Buffer takes everything
			_ = w.Close()
			for _, size := range []int{1, 7, 9, 1000, stream.Len()} {
				got, err := inflated(&f, stream.Bytes(), size, len(data))
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, level %d, pieces of %d: %d of %d bytes are right (%v)", name, level, size, common(got, data), len(data), err)
				}
			}
			if err := f.reset(&cutPieces{stream.Bytes(), 999}); err != nil {
				t.Fatal(err)
			}
			if err := f.fill(make([]byte, len(data)+1)); err == nil {
				t.Errorf("%s, level %d: more than all was read", name, level)
			}
		}
	}
}

func common(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// FuzzInflate compares with Go's own unpacker: the same bytes as far as that comes, and a failure where it fails.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.BestCompression, zlib.HuffmanOnly} {
		var stream bytes.Buffer
		w, err := zlib.NewWriterLevel(&stream, level)
		if err != nil {
			f.Fatal(err)
		}
		for i := range 300 {
			fmt.Fprintf(w, "%d pictures of %d apples", i, i*i)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(stream.Bytes(), uint16(100))
	}
	var ours inflater
	f.Fuzz(func(t *testing.T, stream []byte, size uint16) {
		const most = 1 << 20
		var want []byte
		reader, err := zlib.NewReader(bytes.NewReader(stream))
		if err == nil {
			want, err = io.ReadAll(io.LimitReader(reader, most))
		}
		if errors.Is(err, zlib.ErrChecksum) {
			err = nil // PNG has checksums of its own
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return // it may have ended in the checksum, behind the last byte
		}
		got, gotErr := inflated(&ours, stream, int(size)+1, len(want))
		if !bytes.Equal(got, want) && gotErr == nil || err == nil && gotErr != nil {
			t.Fatalf("%d of %d bytes are right: %v, want %v", common(got, want), len(want), gotErr, err)
		}
		if err != nil && len(want) < most {
			if gotErr == nil {
				gotErr = ours.fill(make([]byte, most))
			}
			if gotErr == nil {
				t.Fatalf("went on after %d bytes where the other failed: %v", len(want), err)
			}
		}
	})
}
