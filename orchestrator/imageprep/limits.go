package imageprep

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"clipseek/orchestrator/fault"
)

// Read reads a picture file whole, into the memory of buf where it has room. size is how many bytes the file is said to
// have; one that is larger than the limit is refused before it is read, and one that is larger than it said while it is.
// Faults: TooLarge, Unavailable, and those that file reads.
func (d *Decoder) Read(file io.Reader, size int64, buf []byte) ([]byte, error) {
	if err := d.cfg.checkBytes(size); err != nil {
		return nil, err
	}
	content := bytes.NewBuffer(slices.Grow(buf[:0], int(size)+bytes.MinRead))
	if _, err := content.ReadFrom(io.LimitReader(file, d.cfg.MaxBytes+1)); err != nil {
		if _, ok := errors.AsType[*fault.Error](err); ok { // the reader knows better
			return nil, err
		}
		return nil, fault.Unavailable("the file cannot be read to its end: %s", err).Because(err)
	}
	return content.Bytes(), d.cfg.checkBytes(int64(content.Len()))
}
