package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"clipseek/orchestrator/source"
)

// kind is how an archive is made.
type kind uint8

const (
	notArchive kind = iota
	isZip
	isTar
	isTarGzip
	isTarZstd
	isTarBzip2
	isForeign // an archive of a kind that we do not read
)

func (k kind) compressed() bool { return k >= isTarGzip && k <= isTarBzip2 }

// maxWindow is the history that a Zstandard stream may ask for: that of `zstd --long=27`, which decoders are told to take.
const maxWindow = 128 << 20

const blockSize = 512 // of tar

// endings are those of archives' names, lower case.
var endings = []string{".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2"}

// LooksLike reports whether a file of this name is taken for an archive, where nobody looks at the content.
func LooksLike(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// MayMatch reports whether a pattern can match the name of an archive; it tells by the pattern's own ending.
func MayMatch(pattern string) bool {
	ending := filepath.Ext(pattern)
	return LooksLike(pattern) || ending == "" || strings.ContainsAny(ending, "*?[]{}/")
}

// Is reports by its content whether a file is an archive; also one of a kind that Open refuses by name, such as 7z.
// Faults: those of source.OpenFile.
func Is(path string) (bool, error) {
	file, _, err := source.OpenFile(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	k, err := detect(file)
	return k != notArchive, err
}

// detect reads the beginning of a file. An ending counts only where the content says nothing: an empty tar is zeros, and
// a zip may have a program before it.
func detect(file *os.File) (kind, error) {
	head := make([]byte, blockSize)
	n, err := io.ReadFull(io.NewSectionReader(file, 0, blockSize), head)
	if err != nil && n == 0 && !errors.Is(err, io.EOF) {
		return notArchive, readFault(file.Name(), err)
	}
	head = head[:n]
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	name := strings.ToLower(filepath.Base(file.Name()))
	switch {
	case starts("PK\x03\x04"), starts("PK\x05\x06"):
		return isZip, nil
	case starts("\x1f\x8b"):
		return holdsTar(file, isTarGzip), nil
	case starts("\x28\xb5\x2f\xfd"), n > 4 && head[0]&0xf0 == 0x50 && bytes.HasPrefix(head[1:], []byte("\x2a\x4d\x18")): // a frame to skip may come first
		return holdsTar(file, isTarZstd), nil
	case starts("BZh"):
		return holdsTar(file, isTarBzip2), nil
	case starts("\xfd7zXZ\x00"), starts("7z\xbc\xaf\x27\x1c"), starts("Rar!\x1a\x07"):
		return isForeign, nil
	case isTarHeader(head):
		return isTar, nil
	case strings.HasSuffix(name, ".tar"):
		return isTar, nil
	case strings.HasSuffix(name, ".zip"):
		return isZip, nil
	}
	return notArchive, nil
}

// holdsTar is k where the compressed file begins as a tar does. One that is damaged there counts by its name.
func holdsTar(file *os.File, k kind) kind {
	in, err := decompress(k, io.NewSectionReader(file, 0, 1<<62))
	if err == nil {
		defer in.Close()
		head := make([]byte, blockSize)
		if _, err = io.ReadFull(in, head); err == nil && isTarHeader(head) {
			return k
		}
	}
	if LooksLike(file.Name()) {
		return k
	}
	return notArchive
}

// isTarHeader checks the sum of a header, which every kind of tar has in one place.
func isTarHeader(b []byte) bool {
	if len(b) < blockSize {
		return false
	}
	const at, end = 148, 156
	want, err := strconv.ParseInt(string(bytes.Trim(b[at:end], " \x00")), 8, 64)
	if err != nil {
		return false
	}
	sum := int64(8 * ' ') // as which the sum's own bytes count
	for i, c := range b[:blockSize] {
		if i < at || i >= end {
			sum += int64(c)
		}
	}
	return sum == want
}

// unpacked is a decompressed stream.
type unpacked struct {
	io.Reader
	close func()
}

// Close lets go of the decoder's memory; the file below stays open.
func (u unpacked) Close() {
	if u.close != nil {
		u.close()
	}
}

func decompress(k kind, packed io.Reader) (unpacked, error) {
	switch k {
	case isTarGzip:
		z, err := gzip.NewReader(bufio.NewReaderSize(packed, 64<<10))
		if err != nil {
			return unpacked{}, err
		}
		return unpacked{Reader: z}, nil
	case isTarZstd:
		return openZstd(packed)
	case isTarBzip2:
		return unpacked{Reader: bzip2.NewReader(packed)}, nil
	default:
		return unpacked{Reader: packed}, nil
	}
}

// openZstd decodes without goroutines of its own, so that a stream that is left costs nothing.
func openZstd(packed io.Reader) (unpacked, error) {
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return unpacked{}, err
	}
	return unpacked{z, z.Close}, nil
}
