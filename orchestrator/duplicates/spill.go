package duplicates

import (
	"bufio"
	"encoding/binary"
	"math"
	"os"

	"clipseek/orchestrator/fault"
)

// spill is a temporary file of vectors of one width. It has no name, so that it goes with the process.
type spill struct {
	folder string
	file   *os.File
	w      *bufio.Writer
	row    []byte
	width  int
}

func newSpill(folder string, width int) (*spill, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, unwritable(folder, err)
	}
	file, err := os.CreateTemp(folder, "duplicates-*")
	if err != nil {
		return nil, unwritable(folder, err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, unwritable(folder, err)
	}
	return &spill{folder: folder, file: file, w: bufio.NewWriterSize(file, 1<<20), row: make([]byte, 4*width), width: width}, nil
}

func unwritable(folder string, err error) error {
	return fault.Unwritable(folder, err, "the disk of "+folder+" is full: the vectors are kept there while they are compared; make room, or set the data folder to another disk")
}

// add appends a vector with its length made 1, or as it is where it has none.
func (s *spill) add(vector []float32) error {
	sum := 0.0
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	scale := 1.0
	if sum > 0 {
		scale = 1 / math.Sqrt(sum)
	}
	for i, x := range vector {
		binary.LittleEndian.PutUint32(s.row[4*i:], math.Float32bits(float32(float64(x)*scale)))
	}
	if _, err := s.w.Write(s.row); err != nil {
		return unwritable(s.folder, err)
	}
	return nil
}

func (s *spill) flush() error {
	if err := s.w.Flush(); err != nil {
		return unwritable(s.folder, err)
	}
	return nil
}

// vector reads the vector of a row into v by way of buf, which has four times its length. It may be called by several at
// once when all has been added and flushed.
func (s *spill) vector(row int32, v []float32, buf []byte) error {
	if _, err := s.file.ReadAt(buf, int64(row)*int64(len(buf))); err != nil {
		return fault.Unavailable("a temporary file of vectors cannot be read again").Because(err)
	}
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
	}
	return nil
}
