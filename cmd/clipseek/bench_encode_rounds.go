package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
)

// encodeBench measures one model's encoder.
type encodeBench struct {
	model *app.Model
	enc   encoder.Encoder
	texts []string
	files []string
	batch int
	only  []string // the kinds of work to measure; empty is all
	each  time.Duration
}

func (b encodeBench) row(ctx context.Context, work string) (encodeRow, error) {
	switch work {
	case "text":
		return b.textRounds(ctx, 1)
	case "texts":
		return b.textRounds(ctx, b.batch)
	case "pictures":
		return b.pictureRounds(ctx)
	default:
		return b.fileRounds(ctx)
	}
}

// textRounds embeds n texts in a call, from the text on.
func (b encodeBench) textRounds(ctx context.Context, n int) (encodeRow, error) {
	texts := make([]string, n)
	next := 0
	return b.measure(n, func() error {
		for i := range texts {
			texts[i] = b.texts[next%len(b.texts)]
			next++
		}
		_, err := encodeTexts(ctx, b.model, b.enc, texts)
		return err
	})
}

// pictureRounds embeds prepared pictures. What they show does not matter to their cost.
func (b encodeBench) pictureRounds(ctx context.Context) (encodeRow, error) {
	batch := imageprep.NewBatch(b.batch, b.model.Spec.Size)
	for i := range batch.Pixels {
		batch.Pixels[i] = byte(i % 251)
	}
	return b.measure(b.batch, func() error {
		_, err := b.enc.EncodeImages(ctx, batch)
		return err
	})
}

// fileRounds embeds files: while a batch is encoded, all cores prepare the next, as ingest does.
func (b encodeBench) fileRounds(ctx context.Context) (encodeRow, error) {
	ready, coming := imageprep.NewBatch(b.batch, b.model.Spec.Size), imageprep.NewBatch(b.batch, b.model.Spec.Size)
	next := 0
	if err := b.prepare(ctx, ready, next); err != nil {
		return encodeRow{}, err
	}
	return b.measure(b.batch, func() error {
		next += b.batch
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error { return b.prepare(ctx, coming, next) })
		both.Go(func() error {
			_, err := b.enc.EncodeImages(ctx, ready)
			return err
		})
		err := both.Wait()
		ready, coming = coming, ready
		return err
	})
}

// prepare fills the batch with the files from number first on, over and over.
func (b encodeBench) prepare(ctx context.Context, batch imageprep.Batch, first int) error {
	workers, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(runtime.GOMAXPROCS(0), batch.N) {
		workers.Go(func() (err error) {
			var content []byte
			for {
				i := int(taken.Add(1)) - 1
				if i >= batch.N {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				name := b.files[(first+i)%len(b.files)]
				if content, err = readFile(b.model.Decoder, name, content); err != nil {
					return err
				}
				if err := b.model.Pixels(content, batch.Image(i)); err != nil {
					return fault.At(name, err)
				}
			}
		})
	}
	return workers.Wait()
}

// measure repeats a call for n items, at least three times after one that is not counted.
func (b encodeBench) measure(n int, call func() error) (encodeRow, error) {
	if err := call(); err != nil {
		return encodeRow{}, err
	}
	before, err := processorTime()
	if err != nil {
		return encodeRow{}, err
	}
	var times []time.Duration
	begin := time.Now()
	for len(times) < 3 || time.Since(begin) < b.each {
		start := time.Now()
		if err := call(); err != nil {
			return encodeRow{}, err
		}
		times = append(times, time.Since(start))
	}
	wall := time.Since(begin)
	after, err := processorTime()
	if err != nil {
		return encodeRow{}, err
	}
	slices.Sort(times)
	items := float64(n * len(times))
	return encodeRow{
		Batch: n, Rounds: len(times),
		Median: milliseconds(times[len(times)/2]) / float64(n), Least: milliseconds(times[0]) / float64(n),
		CPU: milliseconds(after-before) / items, PerSecond: items / wall.Seconds(),
	}, nil
}

// processorTime is what all threads of this process have used.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
