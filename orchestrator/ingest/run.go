package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// Run is one pass over a source. Do is called once; Progress may be called at any time from anywhere.
type Run struct {
	*Ingester
	src        source.Source
	collection index.Index
	onFailure  func(Failure)

	mu      sync.Mutex
	state   Progress
	started time.Time
	ended   time.Time
}

// task is an item with what the index knows of it.
type task struct {
	item  source.Item
	known *index.Record // nil for a new item
}

// ready is a record that waits for its vector, or has kept it (pixels nil).
type ready struct {
	record index.Record
	pixels *[]byte
}

// Do goes over the source to its end. Items that fail are recorded and do not stop it. A source, encoder or index that
// fails does, with the fault; so does the end of ctx, with the context's error. What was encoded by then is written
// first, so that the next run goes on from there.
func (r *Run) Do(ctx context.Context) error {
	r.begin()
	defer r.end()
	group, ctx := errgroup.WithContext(ctx)
	tasks := make(chan task)
	prepared := make(chan ready, r.cfg.Group)
	group.Go(func() error { return r.count(ctx) })
	group.Go(func() error {
		defer close(tasks)
		return r.list(ctx, tasks)
	})
	group.Go(func() error {
		defer close(prepared)
		return r.prepareAll(ctx, tasks, prepared)
	})
	group.Go(func() error { return r.collect(ctx, prepared) })
	return group.Wait()
}

// Progress is the state now.
func (r *Run) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.state
	p.Failures = slices.Clone(p.Failures)
	switch {
	case r.started.IsZero():
	case r.ended.IsZero():
		p.Elapsed = r.now().Sub(r.started)
	default:
		p.Elapsed = r.ended.Sub(r.started)
	}
	return p
}

func (r *Run) begin() { r.update(func(*Progress) { r.started = r.now() }) }
func (r *Run) end()   { r.update(func(*Progress) { r.ended = r.now() }) }

func (r *Run) update(f func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.state)
}

// fail records an item that could not be indexed.
func (r *Run) fail(item source.Item, err error) {
	failure := Failure{Path: item.Path, Kind: fault.KindOf(err).String(), Reason: fault.Public(err)}
	r.update(func(p *Progress) {
		p.Failed++
		if len(p.Failures) < MostFailures {
			p.Failures = append(p.Failures, failure)
		}
		if r.onFailure != nil {
			r.onFailure(failure)
		}
	})
}

// count lists the source ahead of the work, so that the time left can be told.
func (r *Run) count(ctx context.Context) error {
	for item, err := range r.src.Items(ctx, "") {
		if err != nil && item.Path == "" {
			return err
		}
		r.update(func(p *Progress) { p.Found++ })
	}
	r.update(func(p *Progress) { p.Listed = true })
	return nil
}

// list sends the items, in batches that are looked up in the index together.
func (r *Run) list(ctx context.Context, tasks chan<- task) error {
	batch := make([]source.Item, 0, r.cfg.Batch)
	for item, err := range r.src.Items(ctx, "") {
		if err != nil {
			if item.Path == "" {
				return err
			}
			r.fail(item, err)
			continue
		}
		if batch = append(batch, item); len(batch) == r.cfg.Batch {
			if err := r.lookUp(ctx, batch, tasks); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return r.lookUp(ctx, batch, tasks)
}

func (r *Run) lookUp(ctx context.Context, batch []source.Item, tasks chan<- task) error {
	ids := make([]int64, len(batch))
	for i, item := range batch {
		ids[i] = index.ID(item.Key)
	}
	var records []index.Record
	err := r.outlast(ctx, func(ctx context.Context) (err error) {
		records, err = r.collection.Get(ctx, ids)
		return err
	})
	if err != nil {
		return err
	}
	known := make(map[int64]*index.Record, len(records))
	for i := range records {
		known[records[i].ID] = &records[i]
	}
	for i, item := range batch {
		t := task{item: item, known: known[ids[i]]}
		if t.known != nil && r.sameFile(item, t.known) {
			r.update(func(p *Progress) { p.Unchanged++ })
			continue
		}
		select {
		case tasks <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// settled is how much older than its record a file must be for its time to prove anything: records keep whole seconds,
// and a file may change again within the second in which it was read.
const settled = 2 * time.Second

// sameFile reports whether size and time show that the item is what the record was made from.
func (r *Run) sameFile(item source.Item, known *index.Record) bool {
	if item.Modified.IsZero() { // a source that knows no times proves nothing by them
		return false
	}
	if !r.sameModel(known) || known.Fields[index.FieldBytes] != item.Bytes || known.Fields[index.FieldModifiedAt] != index.Timestamp(item.Modified) {
		return false
	}
	if label, _ := known.Fields[index.FieldLabel].(string); label != item.Label || !sameFields(item.Fields, known.Fields) {
		return false
	}
	text, _ := known.Fields[index.FieldIngestedAt].(string)
	ingested, err := index.ParseTimestamp(text)
	return err == nil && item.Modified.Add(settled).Before(ingested)
}

func (r *Run) sameModel(known *index.Record) bool { return known.Fields[index.FieldModel] == r.model }

// prepareAll runs the workers until the tasks end.
func (r *Run) prepareAll(ctx context.Context, tasks <-chan task, prepared chan<- ready) error {
	workers, ctx := errgroup.WithContext(ctx)
	for range r.cfg.Workers {
		workers.Go(func() error {
			var buf []byte // of one file after the other
			for t := range tasks {
				done, err := r.prepare(ctx, t, &buf)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					r.fail(t.item, err)
					continue
				}
				if done == nil {
					continue
				}
				select {
				case prepared <- *done:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return workers.Wait()
}

// prepare reads one item into buf and makes its record and pixels. It gives nil where nothing is left to do. A panic is
// that item's failure.
func (r *Run) prepare(ctx context.Context, t task, buf *[]byte) (out *ready, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fault.Internal("prepare %s: panic: %v", t.item.Path, p)
		}
	}()
	file, err := r.read(ctx, t.item, *buf)
	if err != nil {
		return nil, err
	}
	*buf = file
	if t.item.Bytes == 0 { // the source could not say
		t.item.Bytes = int64(len(file))
	}
	sum := sha256.Sum256(file)
	hash := hex.EncodeToString(sum[:])
	if t.known != nil && r.sameModel(t.known) && t.known.Fields[index.FieldSHA256] == hash {
		r.describeFile(t.known, t.item)
		if err := checkRecord(*t.known); err != nil {
			return nil, err
		}
		r.update(func(p *Progress) { p.Unchanged++ })
		return &ready{record: *t.known}, nil
	}
	picture, err := r.decoder.Decode(file)
	if err != nil {
		return nil, err
	}
	defer picture.Release()
	record := index.Record{ID: index.ID(t.item.Key), Path: t.item.Path, Fields: map[string]any{}}
	r.describeFile(&record, t.item)
	r.describePicture(&record, picture.Info(), hash)
	if err := checkRecord(record); err != nil {
		return nil, err
	}
	pixels, ok := r.squares.Get().(*[]byte)
	if !ok {
		return nil, fault.Internal("the pool of pixels holds something else")
	}
	if err := picture.Pixels(r.spec, *pixels); err != nil {
		r.squares.Put(pixels)
		return nil, err
	}
	return &ready{record: record, pixels: pixels}, nil
}

func (r *Run) read(ctx context.Context, item source.Item, buf []byte) ([]byte, error) {
	reader, err := r.src.Open(ctx, item)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }() // nothing was written
	file, err := r.decoder.Read(reader, item.Bytes, buf)
	if err == nil {
		r.update(func(p *Progress) { p.Bytes += int64(len(file)) })
	}
	return file, err
}

func (r *Run) describeFile(record *index.Record, item source.Item) {
	record.Path = item.Path
	describeFields(record.Fields, item.Fields)
	f := record.Fields
	f[index.FieldLabel], f[index.FieldSource] = item.Label, item.Source
	f[index.FieldBytes] = item.Bytes
	if delete(f, index.FieldModifiedAt); !item.Modified.IsZero() {
		f[index.FieldModifiedAt] = index.Timestamp(item.Modified)
	}
	f[index.FieldIngestedAt] = index.Timestamp(r.now())
}

func (r *Run) describePicture(record *index.Record, info imageprep.Info, hash string) {
	f := record.Fields
	f[index.FieldWidth], f[index.FieldHeight] = int64(info.Width), int64(info.Height)
	f[index.FieldFormat], f[index.FieldSHA256], f[index.FieldModel] = info.Format, hash, r.model
	if !info.TakenAt.IsZero() {
		f[index.FieldTakenAt] = index.Timestamp(info.TakenAt)
	}
}

// checkRecord finds what the index would refuse, before a vector is made for it and while it can be told from its
// neighbours in the batch.
func checkRecord(record index.Record) error {
	record.Vector = []float32{1}
	return record.Validate(1)
}
