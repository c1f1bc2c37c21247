// Package line reads the lines of lists and tables, which others wrote: any length, any bytes, millions of them.
//
// It knows where each line ends, so that a listing can go on from there, and keeps at most one line in memory. It is not
// for what the lines mean (source/web, source/table).
package line

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
)

// Place is a boundary between lines.
type Place struct {
	Number int64 // of lines before it
	Offset int64 // bytes before it
}

// String is what ParsePlace reads.
func (p Place) String() string {
	return strconv.FormatInt(p.Number, 10) + ":" + strconv.FormatInt(p.Offset, 10)
}

// ParsePlace reverses String; "" is the start. Fault: Invalid.
func ParsePlace(s string) (Place, error) {
	if s == "" {
		return Place{}, nil
	}
	number, offset, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err != nil || err2 != nil || n < 1 || o < n-1 {
		return Place{}, fault.Invalid("%q is no place in a list; begin the listing anew", s)
	}
	return Place{n, o}, nil
}

// Reader gives line after line.
type Reader struct {
	from  *bufio.Reader
	most  int
	place Place
	text  []byte
}

// New reads lines of up to most bytes from r, which stands at place. A mark of byte order before the first line is passed
// over.
func New(r io.Reader, most int, place Place) *Reader {
	l := &Reader{from: bufio.NewReaderSize(r, 64<<10), most: most, place: place}
	if mark := []byte("\xef\xbb\xbf"); place.Offset == 0 {
		if head, err := l.from.Peek(len(mark)); err == nil && bytes.Equal(head, mark) {
			n, _ := l.from.Discard(len(mark)) // they have been peeked at
			l.place.Offset = int64(n)
		}
	}
	return l
}

// Place is the end of the line that was read last.
func (l *Reader) Place() Place { return l.place }

// Next reads a line, without its end (\n or \r\n). It is the caller's until the next call. A line over the limit is passed
// over whole, with the fault TooLarge; the end is io.EOF.
func (l *Reader) Next() ([]byte, error) {
	l.text = l.text[:0]
	long, read := false, 0
	for {
		part, err := l.from.ReadSlice('\n')
		read += len(part)
		l.place.Offset += int64(len(part))
		if !long && len(l.text)+len(part) > l.most+len("\r\n") {
			long, l.text = true, l.text[:0]
		}
		if !long {
			l.text = append(l.text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || read == 0) {
			return nil, err
		}
		break
	}
	l.place.Number++
	text := bytes.TrimSuffix(l.text, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	if long || len(text) > l.most {
		return nil, fault.TooLarge("the line has more than %d bytes", l.most)
	}
	return text, nil
}

// Check refuses a place that is not behind a line of the file. size is that of the file. Fault: Invalid.
func Check(file io.ReaderAt, size int64, place Place) error {
	var last [1]byte
	if place.Offset == 0 || place.Offset == size {
		return nil
	}
	if place.Offset < size {
		if _, err := file.ReadAt(last[:], place.Offset-1); err != nil {
			return fault.Unavailable("it cannot be read").Because(err)
		}
	}
	if last[0] != '\n' {
		return fault.Invalid("%q is no place in the list, which may have changed since; begin the listing anew", place)
	}
	return nil
}
