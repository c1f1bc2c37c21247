package ingest

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
)

// group is prepared pictures that are encoded together.
type group struct {
	batch   imageprep.Batch
	records []index.Record
}

// finished is records that wait to be written.
type finished struct {
	records []index.Record
	indexed int64 // of records, those with a new vector
}

// lastWrite bounds the write of what is encoded when a run is cut short.
const lastWrite = 10 * time.Second

// collect groups prepared pictures, encodes several groups at once and writes their records, until prepared ends or
// something fails. The encoder's work is not thrown away because somebody pressed Ctrl-C: what is encoded by then is
// written.
func (r *Run) collect(ctx context.Context, prepared <-chan ready) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	groups := make(chan *group)
	free := make(chan *group, r.cfg.InFlight+1) // one is filled while the others are encoded
	for range cap(free) {
		free <- r.newGroup()
	}
	encoded := make(chan finished)

	var senders errgroup.Group // whichever fails stops the others
	stage := func(f func() error) {
		senders.Go(func() error {
			err := f()
			if err != nil {
				stop()
			}
			return err
		})
	}
	stage(func() error { defer close(groups); return r.gather(ctx, prepared, free, groups, encoded) })
	for range r.cfg.InFlight {
		stage(func() error { return r.encodeAll(ctx, groups, free, encoded) })
	}
	wrote := make(chan error, 1)
	go func() {
		err := r.writeAll(ctx, encoded)
		stop()
		for range encoded { // let those go who still send
		}
		wrote <- err
	}()
	sendErr := senders.Wait()
	close(encoded)
	return firstFault(<-wrote, sendErr)
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

func (r *Run) newGroup() *group {
	return &group{batch: imageprep.NewBatch(r.cfg.Group, r.spec.Size)}
}

// gather fills groups; records that keep their vector go straight to be written.
func (r *Run) gather(ctx context.Context, prepared <-chan ready, free <-chan *group, groups chan<- *group, encoded chan<- finished) error {
	var filling *group
	for {
		next, more, err := receive(ctx, prepared)
		switch {
		case err != nil:
			return err
		case !more && filling != nil:
			return send(ctx, groups, filling)
		case !more:
			return ctx.Err() // prepared may have ended because of it
		case next.pixels == nil:
			if err := send(ctx, encoded, finished{records: []index.Record{next.record}}); err != nil {
				return err
			}
			continue
		case filling == nil:
			if filling, _, err = receive(ctx, free); err != nil {
				return err
			}
		}
		copy(filling.batch.Image(len(filling.records)), *next.pixels)
		r.squares.Put(next.pixels)
		if filling.records = append(filling.records, next.record); len(filling.records) == r.cfg.Group {
			if err := send(ctx, groups, filling); err != nil {
				return err
			}
			filling = nil
		}
	}
}

// encodeAll encodes groups until there are no more.
func (r *Run) encodeAll(ctx context.Context, groups <-chan *group, free chan<- *group, encoded chan<- finished) error {
	for {
		g, more, err := receive(ctx, groups)
		if err != nil || !more {
			return err
		}
		g.batch.N = len(g.records)
		var vectors []encoder.Vector
		err = r.outlast(ctx, func(ctx context.Context) (err error) {
			vectors, err = r.enc.EncodeImages(ctx, g.batch)
			return err
		})
		if err != nil {
			return err
		}
		for i, vector := range vectors {
			g.records[i].Vector = vector
		}
		done := finished{records: g.records, indexed: int64(len(g.records))}
		g.records = nil
		free <- g       // it has room for all
		encoded <- done // the writer takes it whatever happens
	}
}

// writeAll writes records in batches until there are no more. When the run is cut short it writes what it has and what
// still comes.
func (r *Run) writeAll(ctx context.Context, encoded <-chan finished) error {
	var waiting finished
	for next := range encoded {
		waiting.records = append(waiting.records, next.records...)
		waiting.indexed += next.indexed
		if len(waiting.records) < r.cfg.Batch || ctx.Err() != nil {
			continue
		}
		if err := r.write(ctx, waiting); err != nil && ctx.Err() == nil {
			return err
		} else if err == nil {
			waiting = finished{}
		}
	}
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
		defer cancel()
		return errors.Join(ctx.Err(), r.write(last, waiting))
	}
	return r.write(ctx, waiting)
}

func (r *Run) write(ctx context.Context, w finished) error {
	if len(w.records) == 0 {
		return nil
	}
	err := r.outlast(ctx, func(ctx context.Context) error { return r.collection.Upsert(ctx, w.records) })
	if err != nil {
		return err
	}
	r.update(func(p *Progress) { p.Indexed += w.indexed })
	return nil
}

// outlast is Outlast with the run's patience; the run's progress tells what is waited for.
func (r *Run) outlast(ctx context.Context, f func(context.Context) error) error {
	return Outlast(ctx, r.cfg.Patience, r.waitFor, f)
}

func (r *Run) waitFor(err error) {
	waiting := ""
	if err != nil {
		waiting = fault.Public(err)
	}
	r.update(func(p *Progress) { p.Waiting = waiting })
}

func send[T any](ctx context.Context, to chan<- T, value T) error {
	select {
	case to <- value:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func receive[T any](ctx context.Context, from <-chan T) (value T, more bool, err error) {
	select {
	case value, more = <-from:
		return value, more, nil
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}
