package ingest

import (
	"context"
	"errors"
	"time"

	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
)

// collector gathers prepared pictures, encodes them in groups and writes their records in batches.
type collector struct {
	*Run
	batch   imageprep.Batch // room for one group
	waiting []index.Record  // their pictures are in batch
	encoded []index.Record  // to be written
	indexed int64           // of encoded, those with a new vector
}

// lastWrite bounds the write of what is encoded when a run is cut short.
const lastWrite = 10 * time.Second

// collect works until prepared ends or something fails. The encoder's work is not thrown away because somebody pressed
// Ctrl-C: what is encoded by then is written.
func (r *Run) collect(ctx context.Context, prepared <-chan ready) error {
	size := r.spec.Size
	c := &collector{Run: r, batch: imageprep.Batch{Pixels: make([]float32, r.cfg.Group*3*size*size), Size: size}}
	err := c.work(ctx, prepared)
	if err == nil {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return errors.Join(err, c.write(last))
}

func (c *collector) work(ctx context.Context, prepared <-chan ready) error {
	for next := range prepared {
		c.add(next)
		if len(c.waiting) == c.cfg.Group {
			if err := c.encode(ctx); err != nil {
				return err
			}
		}
		if len(c.encoded) >= c.cfg.Batch {
			if err := c.write(ctx); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil { // prepared ended because of it
		return err
	}
	if err := c.encode(ctx); err != nil {
		return err
	}
	return c.write(ctx)
}

func (c *collector) add(next ready) {
	if next.tensor == nil {
		c.encoded = append(c.encoded, next.record)
		return
	}
	copy(c.batch.Pixels[len(c.waiting)*len(*next.tensor):], *next.tensor)
	c.tensors.Put(next.tensor)
	c.waiting = append(c.waiting, next.record)
}

func (c *collector) encode(ctx context.Context) error {
	c.batch.N = len(c.waiting)
	vectors, err := c.enc.EncodeImages(ctx, c.batch)
	if err != nil {
		return err
	}
	for i, vector := range vectors {
		c.waiting[i].Vector = vector
	}
	c.encoded = append(c.encoded, c.waiting...)
	c.indexed += int64(len(c.waiting))
	c.waiting = c.waiting[:0]
	return nil
}

func (c *collector) write(ctx context.Context) error {
	if len(c.encoded) == 0 {
		return nil
	}
	if err := c.collection.Upsert(ctx, c.encoded); err != nil {
		return err
	}
	c.update(func(p *Progress) { p.Indexed += c.indexed })
	c.encoded, c.indexed = c.encoded[:0], 0
	return nil
}
