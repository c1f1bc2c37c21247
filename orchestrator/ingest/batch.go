package ingest

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// Opener opens items; a source.Source is one.
type Opener interface {
	Open(ctx context.Context, item source.Item) (io.ReadCloser, error)
}

// Work is a batch.
type Work struct {
	Collection index.Index
	Source     Opener
	Items      []source.Item
	// Since is when work on this batch first began, where that was not now: what has been written since then counts as
	// indexed by this batch. The zero time is now.
	Since time.Time
	// Waiting, if not nil, hears what is waited for while the encoder or the index does not answer, and nil when that ends.
	Waiting func(error)
	// Wrote, if not nil, hears each item that was indexed, one after the other, when its record is written.
	Wrote func(source.Item)
}

// lastWrite bounds the write of what is encoded when a batch is cut short.
const lastWrite = 10 * time.Second

// batch is Work under way.
type batch struct {
	*Ingester
	Work

	mu     sync.Mutex
	result Result
	twins  map[string]*picture // by hash, those of this batch that have pixels
	group  *group              // being filled
	done   []entry             // ready to be written
	sent   errgroup.Group      // groups on their way through the encoder
	kept   errgroup.Group      // thumbnails on their way to where they are kept
	stop   func()
}

// entry is a record that is ready to be written but for its vector.
type entry struct {
	item   source.Item
	record index.Record
	kept   bool // the record keeps its vector and counts as unchanged
}

// picture is what is encoded once, for all entries of the same bytes.
type picture struct {
	hash    string
	entries []entry
	done    bool           // encoded, or not to be
	vector  encoder.Vector // where done
	err     error
}

// group is pictures that are encoded together.
type group struct {
	pixels   *imageprep.Batch
	pictures []*picture
}

// Do brings the items into the collection. An item that fails is in the result and stops nothing. The error is for what is
// no item's fault: an encoder or index that has been away for longer than the configured patience, a collection that is
// gone, the end of ctx. What was encoded by then is written first, and doing the batch again goes on from there.
func (g *Ingester) Do(ctx context.Context, work Work) (Result, error) {
	b := &batch{Ingester: g, Work: work, twins: map[string]*picture{}}
	err := b.do(ctx)
	return b.result, err
}

func (b *batch) do(ctx context.Context) error {
	tasks, err := b.lookUp(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx) // whatever fails stops the rest
	defer stop()
	b.stop = stop
	b.kept.SetLimit(keeping)
	defer func() { _ = b.kept.Wait() }() // no item fails by its thumbnail
	b.sent.SetLimit(b.cfg.InFlight + 1)  // one waits while others are encoded
	err = b.prepareAll(working, tasks)
	if err == nil && b.group != nil {
		b.send(working, b.group)
	}
	err = firstFault(b.sent.Wait(), err)
	if err == nil {
		return b.writeAll(ctx)
	}
	// The encoder's work is not thrown away because somebody pressed Ctrl-C.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	_ = b.writeAll(last) // the batch will be done again
	return err
}

// firstFault prefers what went wrong over the cancellation that it caused elsewhere.
func firstFault(all ...error) error {
	for _, err := range all {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(all...)
}

// task is an item with what the index knows of it.
type task struct {
	item  source.Item
	known *index.Record // nil for a new item
}

// lookUp leaves the items that have to be read.
func (b *batch) lookUp(ctx context.Context) ([]task, error) {
	defer b.time(&b.result.Times.Write)()
	ids := make([]int64, len(b.Items))
	for i, item := range b.Items {
		ids[i] = index.ID(item.Key)
	}
	var records []index.Record
	err := b.outlast(ctx, func(ctx context.Context) (err error) {
		records, err = b.Collection.Get(ctx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := make(map[int64]*index.Record, len(records))
	for i := range records {
		known[records[i].ID] = &records[i]
	}
	var tasks []task
	for i, item := range b.Items {
		t := task{item: item, known: known[ids[i]]}
		if t.known == nil || !b.sameFile(item, t.known) {
			tasks = append(tasks, t)
			continue
		}
		if b.countKept(t.known) {
			b.result.Bytes += item.Bytes
		}
	}
	return tasks, nil
}

// countKept counts an item whose record keeps its vector. One that was written since the batch was first begun was indexed
// by it, in an attempt that was cut short.
func (b *batch) countKept(known *index.Record) (indexed bool) {
	text, _ := known.Fields[index.FieldIngestedAt].(string)
	ingested, err := index.ParseTimestamp(text)
	if err == nil && !b.Since.IsZero() && !ingested.Before(b.Since.Truncate(time.Second)) {
		b.result.Indexed++
		return true
	}
	b.result.Unchanged++
	return false
}

func (b *batch) fail(item source.Item, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.result.Failures = append(b.result.Failures, NewFailure(item, err))
}

// time adds the time from now until the returned function is called to a stage.
func (b *batch) time(stage *time.Duration) func() {
	began := time.Now()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		*stage += time.Since(began)
	}
}

// outlast is Outlast with the configured patience.
func (b *batch) outlast(ctx context.Context, f func(context.Context) error) error {
	return Outlast(ctx, b.cfg.Patience, b.Waiting, f)
}

// writeAll writes the records that are ready. A record that the index refuses is its item's failure.
func (b *batch) writeAll(ctx context.Context) error {
	defer b.time(&b.result.Times.Write)()
	return b.write(ctx, b.done)
}

func (b *batch) write(ctx context.Context, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	records := make([]index.Record, len(entries))
	for i, e := range entries {
		records[i] = e.record
	}
	err := b.outlast(ctx, func(ctx context.Context) error { return b.Collection.Upsert(ctx, records) })
	kind := fault.KindOf(err)
	switch {
	case err == nil:
		for _, e := range entries {
			if !e.kept {
				b.result.Indexed++
				if b.Wrote != nil {
					b.Wrote(e.item)
				}
			}
		}
		return nil
	case kind != fault.KindInvalid && kind != fault.KindTooLarge:
		return err
	case len(entries) == 1:
		b.fail(entries[0].item, err)
		return nil
	}
	half := len(entries) / 2 // nothing has been written
	return errors.Join(b.write(ctx, entries[:half]), b.write(ctx, entries[half:]))
}
