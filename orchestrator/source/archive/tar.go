package archive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// stream is a tar that is read from its beginning.
type stream struct {
	*tar.Reader
	file  file
	meter *meter
	out   unpacked
	plain *io.SectionReader // of an uncompressed tar, whose reader skips contents
	next  int64             // number of the next entry
}

// stream begins to read f. It takes f over.
func (a *Archive) stream(ctx context.Context, f file) (*stream, error) {
	s := &stream{file: f, next: 1}
	if f.kind == isTar {
		s.plain = io.NewSectionReader(f, 0, f.info.Size())
		s.Reader = tar.NewReader(s.plain)
		return s, nil
	}
	s.meter = &meter{ctx: ctx, packed: f, ratio: a.cfg.MaxRatio, most: a.cfg.MaxTotalBytes}
	var err error
	if s.out, err = decompress(f.kind, s.meter.source()); err != nil {
		s.close()
		return nil, readFault(a.path, err)
	}
	s.meter.out = s.out
	s.Reader = tar.NewReader(s.meter)
	return s, nil
}

func (s *stream) close() {
	s.out.Close()
	_ = s.file.Close() // nothing was written
}

// step goes to the next entry, whose number it gives; io.EOF behind the last.
func (s *stream) step(ctx context.Context) (*tar.Header, int64, error) {
	if s.meter != nil {
		s.meter.ctx = ctx
	}
	if ctx.Err() != nil {
		return nil, 0, ctx.Err()
	}
	header, err := s.Next()
	if err != nil {
		return nil, 0, err
	}
	s.next++
	return header, s.next - 1, nil
}

// finish reads what follows the last entry, so that a checksum at the end of the file is looked at.
func (s *stream) finish() error {
	if s.meter == nil {
		return nil
	}
	_, err := io.Copy(io.Discard, s.meter)
	if errors.Is(err, gzip.ErrHeader) { // zeros or a note behind the archive
		return nil
	}
	return err
}

// walkTar goes through the entries.
func (a *Archive) walkTar(ctx context.Context, f file, yield func(entry) bool) error {
	again, err := a.file() // the stream closes its own
	if err != nil {
		return err
	}
	s, err := a.stream(ctx, again)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		header, number, err := s.step(ctx)
		if errors.Is(err, io.EOF) {
			if err = s.finish(); err == nil {
				return nil
			}
		}
		if err != nil {
			return readFault(f.Name(), err)
		}
		if number > a.cfg.MaxEntries {
			return tooMany(a.cfg)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if !yield(s.entry(header, number)) {
			return nil
		}
	}
}

func (s *stream) entry(header *tar.Header, number int64) entry {
	e := entry{name: header.Name, size: header.Size, special: refusal(header), folder: header.Typeflag == tar.TypeDir}
	e.number = number
	e.item.Modified = header.ModTime
	if s.plain != nil {
		e.offset, _ = s.plain.Seek(0, io.SeekCurrent) // which cannot fail
	}
	e.read = func(most int64) ([]byte, error) { return io.ReadAll(io.LimitReader(s, most)) }
	return e
}

// refusal says why an entry cannot be read.
func refusal(header *tar.Header) string {
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return sparse
		}
	}
	switch header.Typeflag {
	case tar.TypeReg, tar.TypeCont:
		return ""
	case tar.TypeGNUSparse:
		return sparse
	case tar.TypeLink, tar.TypeSymlink:
		return "the entry is a link and no file; ingest what it stands for"
	}
	return "the entry is no file"
}

const sparse = "the entry is a file with holes, which is not read; pack the archive without --sparse"

// isInner reports whether an entry is the picture of this name.
func isInner(header *tar.Header, inner string) bool {
	name, err := clean(header.Name)
	return err == nil && name == inner && refusal(header) == ""
}

// isWanted reports whether an entry may be asked for.
func isWanted(header *tar.Header) bool {
	return refusal(header) == "" && source.IsPictureName(header.Name) && !hidden(header.Name)
}

func (a *Archive) changed(inner string) error {
	return fault.NotFound("%s is not where it was in %s, which has changed; ingest the archive again", inner, a.path)
}
