package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"

	"clipseek/orchestrator/fault"
)

const (
	maxLineBytes = 4 << 10
	// What a table of text may take; openai/CLIP's has 262,145 lines of at most 66 bytes, 3 MB in all.
	maxTableBytes = 64 << 20
)

// lines reads a table of a model line by line, plain or gzip. Its errors are Invalid and name the line.
type lines struct {
	what   string // what the table is called in messages
	text   *bufio.Reader
	number int // of the line that was read last, from 1 on
	size   int // bytes of the lines so far
}

func newLines(what string, r io.Reader) (*lines, error) {
	l := &lines{what: what, text: bufio.NewReaderSize(r, maxLineBytes)}
	magic, err := l.text.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, l.unreadable(err)
	}
	if bytes.Equal(magic, []byte{0x1F, 0x8B}) {
		unzipped, err := gzip.NewReader(l.text)
		if err != nil {
			return nil, l.unreadable(err)
		}
		l.text = bufio.NewReaderSize(unzipped, maxLineBytes)
	}
	return l, nil
}

// next returns the next line without its end; io.EOF where there is none.
func (l *lines) next() (string, error) {
	l.number++
	line, err := l.text.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", l.invalid("it has more than %d bytes, so this is no %s", maxLineBytes, l.what)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return "", io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return "", l.unreadable(err)
	}
	if l.size += len(line); l.size > maxTableBytes {
		return "", l.invalid("the file is over the limit of %d bytes", maxTableBytes)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), nil
}

func (l *lines) invalid(format string, args ...any) error {
	return fault.Invalid("%s, line %d: "+format, append([]any{l.what, l.number}, args...)...)
}

func (l *lines) unreadable(cause error) error {
	return fault.Invalid("the %s cannot be read to its end; fetch or copy it again", l.what).Because(cause)
}
