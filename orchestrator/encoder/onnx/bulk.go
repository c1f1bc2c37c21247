package onnx

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/imageprep"
)

// bulk is an Encoder as those use it who have many pictures.
type bulk struct{ *Encoder }

// Bulk is e for many pictures: as many runs at once as e has threads, of one thread each, since threads that share a run
// wait for each other, and of low priority, so that searches hardly notice. It loads the image tower a second time when it
// first has several pictures. Closing it is closing e.
func (e *Encoder) Bulk() encoder.Encoder { return bulk{e} }

// BulkImages is how many pictures Bulk has under way at once.
func (e *Encoder) BulkImages() int { return e.imageBatch() * e.cfg.threads() }

// EncodeImages embeds pictures in batches as Config.ImageBatch has them, side by side.
func (b bulk) EncodeImages(ctx context.Context, batch imageprep.Batch) ([]encoder.Vector, error) {
	threads := b.cfg.threads()
	if threads == 1 || batch.N < 2 {
		return b.Encoder.EncodeImages(ctx, batch)
	}
	if err := encoder.CheckImages(b.card, batch); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if err := b.checkOpen(); err != nil {
		return nil, err
	}
	s, err := b.sideBySide()
	if err != nil {
		return nil, err
	}
	size := min(b.imageBatch(), (batch.N+threads-1)/threads)
	vectors := make([]encoder.Vector, batch.N)
	runs, ctx := errgroup.WithContext(ctx)
	for from := 0; from < batch.N; from += size {
		to := min(batch.N, from+size)
		runs.Go(func() error {
			return s.run(ctx, func(tensor []float32) error {
				if err := b.embed(s.tower, batch.Part(from, to), tensor, vectors[from:to]); err != nil {
					return fmt.Errorf("run %s: %w", b.card.Name, err)
				}
				return nil
			})
		})
	}
	if err := runs.Wait(); err != nil {
		return nil, err
	}
	return vectors, nil
}

// side is the image tower with one thread for each run, and the threads.
type side struct {
	tower *tower
	tasks chan func(tensor []float32)
	ended sync.WaitGroup
}

// sideBySide gives e's, which is made when it is first asked for. The caller holds mu.
func (e *Encoder) sideBySide() (*side, error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	if e.side != nil {
		return e.side, nil
	}
	cfg := e.cfg
	cfg.Threads = 1
	t, err := openTower(e.model, imagePort(e.card), cfg, e.log)
	if err != nil {
		return nil, err
	}
	e.side = &side{tower: t, tasks: make(chan func([]float32))}
	for range e.cfg.threads() {
		e.side.ended.Go(func() { e.side.work(e.tensor(e.imageBatch())) })
	}
	return e.side, nil
}

// work does tasks on a thread of low priority, which ends with it.
func (s *side) work(tensor []float32) {
	runtime.LockOSThread()
	lowerPriority()
	for task := range s.tasks {
		task(tensor)
	}
}

// run has a task done. tensor is memory for the pictures of a run.
func (s *side) run(ctx context.Context, task func(tensor []float32) error) (err error) {
	done := make(chan struct{})
	do := func(tensor []float32) {
		defer close(done)
		err = task(tensor)
	}
	select {
	case s.tasks <- do:
		<-done
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the threads. No run may be under way.
func (s *side) close() error {
	close(s.tasks)
	s.ended.Wait()
	return s.tower.session.Destroy()
}
