package archive

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"strconv"

	"github.com/klauspost/compress/flate"

	"clipseek/orchestrator/fault"
)

// Methods of packing in a zip.
const (
	methodStored  = 0
	methodDeflate = 8
	methodBzip2   = 12
	methodZstdOld = 20
	methodZstd    = 93
)

func readable(method uint16) bool {
	switch method {
	case methodStored, methodDeflate, methodBzip2, methodZstd, methodZstdOld:
		return true
	}
	return false
}

func methodName(method uint16) string {
	names := map[uint16]string{1: "Shrink", 6: "Implode", 9: "Deflate64", 14: "LZMA", 95: "XZ", 96: "JPEG", 98: "PPMd", 99: "AES encryption"}
	if name, ok := names[method]; ok {
		return strconv.Itoa(int(method)) + " (" + name + ")"
	}
	return strconv.Itoa(int(method))
}

// content is what a zip's entry unpacks to. It ends in a fault unless size and checksum are those of the directory.
type content struct {
	what        string // for messages
	file        *os.File
	packed      *io.LimitedReader
	packedLen   int64
	out         unpacked
	left        int64
	got         int64
	ratio       int64
	crc         hash.Hash32
	want        uint32
	finalResult error
}

// unpack reads an entry whose packed content begins at start. The file is the content's to close, also on a fault.
func (a *Archive) unpack(f file, e zipEntry, start int64, what string) (io.ReadCloser, error) {
	c := &content{
		what: what, file: f.File, packedLen: e.packed, left: e.size, ratio: a.cfg.MaxRatio, crc: crc32.NewIEEE(), want: e.crc,
		packed: &io.LimitedReader{R: io.NewSectionReader(f, start, e.packed), N: e.packed},
	}
	if e.size > a.cfg.MaxItemBytes {
		return nil, fault.TooLarge("%s has %d bytes, more than the %d that one picture may have (image.max_bytes)", what, e.size, a.cfg.MaxItemBytes)
	}
	switch e.method {
	case methodStored:
		c.out = unpacked{Reader: c.packed}
	case methodDeflate:
		z := flate.NewReader(bufio.NewReaderSize(c.packed, 32<<10))
		c.out = unpacked{z, func() { _ = z.Close() }} // what it reports was reported by Read
	case methodBzip2:
		c.out = unpacked{Reader: bzip2.NewReader(bufio.NewReaderSize(c.packed, 32<<10))}
	default:
		var err error
		if c.out, err = openZstd(c.packed); err != nil {
			return nil, readFault(what, err)
		}
	}
	return c, nil
}

// Read gives unpacked bytes. Faults: Invalid for what is damaged, TooLarge for a bomb.
func (c *content) Read(p []byte) (int, error) {
	if c.finalResult != nil {
		return 0, c.finalResult
	}
	n, err := c.out.Read(p)
	c.got += int64(n)
	c.left -= int64(n)
	_, _ = c.crc.Write(p[:n]) // a hash takes everything
	switch {
	case c.left < 0:
		n, err = 0, fault.Invalid("%s unpacks to more than its directory says; the archive is damaged", c.what)
	case c.got > grace && c.got/c.ratio > c.packedLen-c.packed.N:
		n, err = 0, fault.TooLarge("%s is a decompression bomb: more than %d to 1 (archive.max_ratio)", c.what, c.ratio)
	case errors.Is(err, io.EOF) && c.left > 0:
		err = fault.Invalid("%s unpacks to less than its directory says; the archive is damaged", c.what)
	case errors.Is(err, io.EOF) && c.crc.Sum32() != c.want:
		err = fault.Invalid("%s has not the checksum that its directory says; the archive is damaged", c.what)
	case err != nil && !errors.Is(err, io.EOF):
		err = readFault(c.what, err)
	case err != nil:
		err = io.EOF
	}
	c.finalResult = err
	return n, err
}

// Close closes the archive file.
func (c *content) Close() error {
	c.out.Close()
	return c.file.Close()
}
