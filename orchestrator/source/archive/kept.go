package archive

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"sync/atomic"

	"clipseek/orchestrator/fault"
)

// Bounds of what an archive keeps between calls.
const (
	mostStreams = 2         // of a compressed tar: one for an ingest, one for whoever else asks
	lookBehind  = 256       // entries that a stream keeps the pictures of as it passes them, for workers that come later
	mostBehind  = 128 << 20 // bytes of them; one has half of that at most
	mostNames   = 1 << 20   // pictures that are found by name without another scan; 50 bytes each
)

// kept is what an archive keeps between calls. Workers that open items in about the order of the listing share one pass
// over a compressed tar: each goes on from where the one before it stopped, and what it passes waits for those who are
// late.
type kept struct {
	lock    chan struct{} // holds one value while the rest is in use
	closed  atomic.Bool   // whoever has the lock is to drop everything
	stamp   uint64        // of the archive that the rest is of
	streams []*stream     // the one used last comes last
	behind  []passed      // the oldest first
	bytes   int64         // in behind
	begun   int64         // streams, ever; for tests
	seed    maphash.Seed
	names   map[uint64]place // by hash; nil if unknown
}

// passed is the content of an entry that nobody has asked for yet.
type passed struct {
	number  int64
	inner   string
	content []byte
}

func newKept() *kept { return &kept{lock: make(chan struct{}, 1), seed: maphash.MakeSeed()} }

// use waits for its turn. What is kept of another archive in the same place is dropped.
func (a *Archive) use(ctx context.Context, stamp uint64) (release func(), err error) {
	k := a.kept
	if a.files != nil {
		a.files.touch(a)
	}
	select {
	case k.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k.closed.Store(false)
	if k.stamp != stamp {
		k.drop()
		k.stamp = stamp
	}
	return func() {
		<-k.lock
		if k.closed.Load() {
			k.close()
		}
	}, nil
}

// close drops everything, or leaves it to whoever has the lock.
func (k *kept) close() {
	k.closed.Store(true)
	select {
	case k.lock <- struct{}{}:
		k.drop()
		<-k.lock
	default:
	}
}

func (k *kept) drop() {
	for _, s := range k.streams {
		s.close()
	}
	k.streams, k.behind, k.bytes, k.names = nil, nil, 0, nil
}

// open gives the content of an entry of a compressed tar. It takes f over.
func (k *kept) open(ctx context.Context, a *Archive, f file, inner string, number int64) (_ io.ReadCloser, err error) {
	handed := false
	defer func() {
		if !handed {
			_ = f.Close() // nothing was written
		}
	}()
	release, err := a.use(ctx, f.stamp)
	if err != nil {
		return nil, err
	}
	defer release()
	if content, ok := k.take(number, inner); ok {
		return memory(content), nil
	}
	s := k.nearest(number)
	if s == nil {
		handed = true
		k.begun++
		if s, err = a.stream(ctx, f); err != nil {
			return nil, err
		}
	}
	content, err := k.advance(ctx, a, s, inner, number)
	if err != nil {
		s.close()
		return nil, err
	}
	if k.streams = append(k.streams, s); len(k.streams) > mostStreams {
		k.streams[0].close()
		k.streams = append(k.streams[:0], k.streams[1:]...)
	}
	return memory(content), nil
}

func memory(content []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(content)) }

// nearest takes the stream that has least to go to an entry, nil if all are behind it.
func (k *kept) nearest(number int64) *stream {
	best := -1
	for i, s := range k.streams {
		if s.next <= number && (best < 0 || s.next > k.streams[best].next) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	s := k.streams[best]
	k.streams = append(k.streams[:best], k.streams[best+1:]...)
	return s
}

// advance reads on to an entry and gives its content.
func (k *kept) advance(ctx context.Context, a *Archive, s *stream, inner string, number int64) ([]byte, error) {
	what := a.path + Separator + inner
	for {
		header, at, err := s.step(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil, a.changed(inner)
		case err != nil:
			return nil, readFault(what, err)
		case at == number && !isInner(header, inner):
			return nil, a.changed(inner)
		case at < number && (number-at > lookBehind || !isWanted(header) || header.Size > mostBehind/2):
			continue
		}
		if header.Size > a.cfg.MaxItemBytes {
			return nil, fault.TooLarge("%s has %d bytes, more than the %d that one picture may have (image.max_bytes)", what, header.Size, a.cfg.MaxItemBytes)
		}
		var content bytes.Buffer
		content.Grow(int(min(header.Size, 1<<20))) // more is believed as it comes
		if _, err := content.ReadFrom(s); err != nil {
			return nil, readFault(what, err)
		}
		if at == number {
			return content.Bytes(), nil
		}
		if name, err := clean(header.Name); err == nil {
			k.keep(passed{at, name, content.Bytes()})
		}
	}
}

func (k *kept) keep(p passed) {
	k.behind = append(k.behind, p)
	k.bytes += int64(cap(p.content))
	for len(k.behind) > lookBehind || k.bytes > mostBehind {
		k.forget(0)
	}
}

func (k *kept) forget(i int) {
	k.bytes -= int64(cap(k.behind[i].content))
	k.behind = append(k.behind[:i], k.behind[i+1:]...)
}

func (k *kept) take(number int64, inner string) ([]byte, bool) {
	for i, p := range k.behind {
		if p.number == number && p.inner == inner {
			k.forget(i)
			return p.content, true
		}
	}
	return nil, false
}

// find looks an entry up by its name, among the names kept or else in the archive. It reads at most so many unpacked
// bytes of a compressed tar, 0 for all. Faults: NotFound, TooLarge.
func (a *Archive) find(ctx context.Context, f file, inner string, most int64) (place, error) {
	k := a.kept
	release, err := a.use(ctx, f.stamp)
	if err != nil {
		return place{}, err
	}
	defer release()
	hash := maphash.String(k.seed, inner)
	if p, ok := k.names[hash]; ok {
		return p, nil
	}
	if k.names != nil && len(k.names) < mostNames {
		return place{}, gone(a.path, inner)
	}
	return a.scan(ctx, f, inner, most)
}

// scan goes through the archive for a name and keeps all that it meets. The caller holds the lock of what is kept.
func (a *Archive) scan(ctx context.Context, f file, inner string, most int64) (found place, err error) {
	k := a.kept
	limited := newArchive(a.path, a.cfg, nil)
	if most > 0 && most < a.cfg.MaxTotalBytes && f.kind.compressed() {
		limited.cfg.MaxTotalBytes = most
	}
	k.names = map[uint64]place{}
	err = limited.walk(ctx, f, func(e entry) bool {
		name, bad := clean(e.name)
		if bad != nil || e.folder || e.special != "" {
			return true
		}
		p := place{number: e.number, offset: e.offset, size: e.size, stamp: f.stamp}
		h := maphash.String(k.seed, name)
		if _, twice := k.names[h]; !twice && len(k.names) < mostNames {
			k.names[h] = p
		}
		if name == inner && found.number == 0 {
			found = p
		}
		return found.number == 0 || len(k.names) < mostNames
	})
	if err != nil {
		k.names = nil // the next one scans to where it broke off, or to what has been mended
	}
	switch {
	case found.number > 0:
		return found, nil
	case fault.KindOf(err) == fault.KindTooLarge && limited.cfg.MaxTotalBytes != a.cfg.MaxTotalBytes:
		return place{}, fault.TooLarge("%s is too large to look for %s in it (archive.max_scan); unpack it and ingest the folder", a.path, inner).Because(err)
	case err != nil:
		return place{}, err
	}
	return place{}, gone(a.path, inner)
}
