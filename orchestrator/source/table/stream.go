package table

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/line"
)

// mostLine is the most bytes of a line, and of a row of CSV over several.
const mostLine = 1 << 20

// mostWindow is the most memory that a Zstandard file may ask for, in bytes: what `zstd --ultra` asks for at most, without
// --long.
const mostWindow = 128 << 20

// textFile is a text, perhaps compressed.
type textFile struct {
	path        string
	compression string // .gz, .zst or none
}

// lines is a text that is being read.
type lines struct {
	*line.Reader
	closers []io.Closer
}

func (l *lines) Close() error {
	var all []error
	for i := len(l.closers) - 1; i >= 0; i-- {
		all = append(all, l.closers[i].Close())
	}
	return errors.Join(all...)
}

// broken reports whether a place is behind a failure that ended a listing.
func broken(after string) bool { return strings.HasSuffix(after, brokenMark) }

// open reads on from a place, which counts the bytes of what has been decompressed.
func (f textFile) open(place line.Place) (_ *lines, err error) {
	file, size, err := source.OpenFile(f.path)
	if err != nil {
		return nil, err
	}
	l := &lines{closers: []io.Closer{file}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if f.compression == "" {
		if err := line.Check(file, size, place); err != nil {
			return nil, err
		}
		if _, err := file.Seek(place.Offset, io.SeekStart); err != nil {
			return nil, readFault(err)
		}
		l.Reader = line.New(file, mostLine, place)
		return l, nil
	}
	unpacked, err := f.unpack(file, l)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, unpacked, place.Offset); errors.Is(err, io.EOF) {
		return nil, fault.Invalid("%q is no place in the table, which may have changed since; begin the listing anew", place)
	} else if err != nil {
		return nil, readFault(err)
	}
	l.Reader = line.New(unpacked, mostLine, place)
	return l, nil
}

func (f textFile) unpack(file *os.File, l *lines) (io.Reader, error) {
	if f.compression == ".gz" {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return nil, readFault(err)
		}
		l.closers = append(l.closers, unpacked)
		return unpacked, nil
	}
	unpacked, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow))
	if err != nil {
		return nil, readFault(err)
	}
	closer := unpacked.IOReadCloser()
	l.closers = append(l.closers, closer)
	return closer, nil
}

// readFault is what keeps a table from being read.
func readFault(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Unavailable("the table cannot be read: %s", path.Err).Because(err)
	}
	return fault.Invalid("the table is damaged from here on, or not what its name says").Because(err)
}
