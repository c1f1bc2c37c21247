package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"clipseek/orchestrator/fault"
)

// grace is what a stream may unpack to before its ratio counts: the first bytes of a file say little.
const grace = 16 << 20

// meter counts what a decoder takes in and gives out, and ends it as a bomb when that is out of proportion. What headers
// claim does not matter.
type meter struct {
	ctx     context.Context //nolint:containedctx // that of the call which reads
	packed  io.Reader
	out     io.Reader // set once the decoder is made
	in, got int64
	ratio   int64
	most    int64
}

// source is what the decoder reads.
func (m *meter) source() io.Reader { return readFunc(m.take) }

func (m *meter) take(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.packed.Read(p)
	m.in += int64(n)
	return n, err
}

// Read gives unpacked bytes. Fault: TooLarge for a bomb.
func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.out.Read(p)
	m.got += int64(n)
	switch {
	case m.got > m.most:
		return 0, fault.TooLarge("it unpacks to more than %d bytes (archive.max_total_bytes)", m.most)
	case m.got > grace && m.got/m.ratio > m.in:
		return 0, fault.TooLarge("it is a decompression bomb: %d bytes unpack to %d, more than %d to 1 (archive.max_ratio)", m.in, m.got, m.ratio)
	}
	return n, err
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// readFault says what an error from below a reader means for what is read.
func readFault(what string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fault.At(what, err)
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok { // the disk's, not the archive's
		return fault.Unavailable("%s cannot be read", what).Because(err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Invalid("%s was cut short; copy or download it again", what).Because(err)
	}
	return fault.Invalid("%s is damaged", what).Because(err)
}
