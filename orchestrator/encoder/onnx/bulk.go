package onnx

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/imageprep"
)

// bulk is an Encoder as those use it who have many pictures.
type bulk struct{ *Encoder }

// Bulk is e for many pictures: as many runs at once as e has threads, of one thread each, since threads that share a run
// wait for each other. It loads the image tower a second time when it first has several pictures. Closing it is closing e.
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
	tower, err := b.secondTower()
	if err != nil {
		return nil, err
	}
	size := min(b.imageBatch(), (batch.N+threads-1)/threads)
	vectors := make([]encoder.Vector, batch.N)
	free := make(chan []float32, threads) // memory of runs
	for range threads {
		free <- b.tensor(size)
	}
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(threads)
	for from := 0; from < batch.N; from += size {
		to := min(batch.N, from+size)
		runs.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			tensor := <-free
			defer func() { free <- tensor }()
			if err := b.embed(tower, batch.Part(from, to), tensor, vectors[from:to]); err != nil {
				return fmt.Errorf("run %s: %w", b.card.Name, err)
			}
			return nil
		})
	}
	if err := runs.Wait(); err != nil {
		return nil, err
	}
	return vectors, nil
}

// secondTower is the image tower with one thread. The caller holds mu.
func (e *Encoder) secondTower() (*tower, error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	if e.beside != nil {
		return e.beside, nil
	}
	cfg := e.cfg
	cfg.Threads = 1
	t, err := openTower(e.model, imagePort(e.card), cfg, e.log)
	if err != nil {
		return nil, err
	}
	e.beside = t
	return t, nil
}
