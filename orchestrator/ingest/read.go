package ingest

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// unknownSize is what a file counts as before it is read where its source cannot say: a photo of a phone has a few MiB,
// one of the web less than one.
const unknownSize = 1 << 20

// reading bounds what is read ahead of the workers: the files that are being read or wait for a worker by readers, and
// the bytes of all files in memory by room. It also keeps the memory, so that none is made for each file.
type reading struct {
	readers chan struct{}
	limit   int64
	room    *semaphore.Weighted // of limit bytes, first come, first served

	mu   sync.Mutex
	free [][]byte
	kept int64 // bytes of free
}

func newReading(readers int, limit int64) *reading {
	return &reading{readers: make(chan struct{}, readers), limit: limit, room: semaphore.NewWeighted(limit)}
}

// file is a place in memory.
type file struct {
	from   *reading
	bytes  []byte
	room   int64
	reader bool // it holds one of the readers
}

// take waits until a file of so many bytes may be read, 0 if that is unknown. One that is larger than all the room gets
// it alone. The error is ctx's.
func (r *reading) take(ctx context.Context, size int64) (*file, error) {
	select {
	case r.readers <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f := &file{from: r, room: r.weight(size), reader: true}
	if err := r.room.Acquire(ctx, f.room); err != nil {
		<-r.readers
		return nil, err
	}
	f.bytes = r.memory(int(min(size, r.limit)))
	return f, nil
}

func (r *reading) weight(size int64) int64 {
	if size <= 0 {
		size = unknownSize
	}
	return min(size, r.limit)
}

// filled says what the file holds, which its source may not have known. What it has beyond its room is counted if there
// is some: to wait for it, with others that wait as well, could last for ever.
func (f *file) filled(content []byte) {
	f.bytes = content
	if more := f.from.weight(int64(len(content))) - f.room; more > 0 && f.from.room.TryAcquire(more) {
		f.room += more
	}
}

// handOver lets the next file be read: a worker has taken this one.
func (f *file) handOver() {
	if f.reader {
		f.reader = false
		<-f.from.readers
	}
}

// done gives everything back.
func (f *file) done() {
	f.from.keep(f.bytes)
	f.from.room.Release(f.room)
	f.handOver()
}

// memory gives the smallest piece that has room for so many bytes, else the largest, which then grows: so there are never
// more pieces than files in memory.
func (r *reading) memory(size int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	best := -1
	for i, piece := range r.free {
		switch {
		case best < 0,
			cap(piece) >= size && (cap(r.free[best]) < size || cap(piece) < cap(r.free[best])),
			cap(piece) < size && cap(piece) > cap(r.free[best]):
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	piece, last := r.free[best], len(r.free)-1
	r.free[best], r.free[last] = r.free[last], nil
	r.free = r.free[:last]
	r.kept -= int64(cap(piece))
	return piece[:0]
}

// keep takes memory back; what exceeds the limit is left to the garbage collector.
func (r *reading) keep(piece []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size := int64(cap(piece)); size > 0 && r.kept+size <= r.limit {
		r.free = append(r.free, piece)
		r.kept += size
	}
}

// one brings an item through reading, which may be waiting for somebody else's disk or server, and then through a worker,
// which computes.
func (b *batch) one(ctx context.Context, t task) error {
	f, err := b.files.take(ctx, t.item.Bytes)
	if err != nil {
		return err
	}
	defer f.done()
	if err := b.read(ctx, f, t.item); err != nil {
		return err
	}
	select {
	case w := <-b.workers:
		defer func() { b.workers <- w }()
		f.handOver()
		w.file = f.bytes
		defer func() { w.file = nil }()
		return b.prepare(ctx, w, t)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read reads an item whole. A panic is that item's failure.
func (b *batch) read(ctx context.Context, f *file, item source.Item) (err error) {
	defer b.time(&b.result.Times.Read)()
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal("read %s: panic: %v", item.Path, p)
		}
	}()
	reader, err := b.Source.Open(ctx, item)
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // nothing was written
	content, err := b.decoder.Read(reader, item.Bytes, f.bytes)
	if err != nil {
		return err
	}
	f.filled(content)
	b.mu.Lock()
	b.result.Bytes += int64(len(content))
	b.mu.Unlock()
	return nil
}

// prepareAll reads and prepares the tasks, with the readers and workers that all batches share.
func (b *batch) prepareAll(ctx context.Context, tasks []task) error {
	var all errgroup.Group
	all.SetLimit(b.cfg.Readers + b.cfg.Workers) // no more can be under way
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		all.Go(func() error {
			err := b.one(ctx, t)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.fail(t.item, err)
			}
			return nil
		})
	}
	return errors.Join(all.Wait(), ctx.Err())
}
