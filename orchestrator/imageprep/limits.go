package imageprep

import (
	"bytes"
	"io"

	"clipseek/orchestrator/fault"
)

// Read reads a picture file whole. size is how many bytes it is said to have; a file that is larger than the limit is
// refused before it is read, and one that is larger than it said while it is. Faults: TooLarge, Unavailable.
func (d *Decoder) Read(file io.Reader, size int64) ([]byte, error) {
	if err := d.cfg.checkBytes(size); err != nil {
		return nil, err
	}
	content := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := content.ReadFrom(io.LimitReader(file, d.cfg.MaxBytes+1)); err != nil {
		return nil, fault.Unavailable("the file cannot be read to its end: %s", err).Because(err)
	}
	return content.Bytes(), d.cfg.checkBytes(int64(content.Len()))
}
