package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// order is what one run of the program draws.
type order struct {
	seed        uint64
	count       int // pictures of each crop
	out         string
	crops       []crop
	long, short int // edges of a picture in pixels
	quality     int // of the JPEG, 1 to 100
	samples     int // rays a pixel
	workers     int
}

// fill draws the pictures of the order with at most o.workers of them in work at a time, then writes
// captions.jsonl. It stops at the first error or when ctx ends; finished pictures stay.
func (o order) fill(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	captions := make([]caption, len(o.crops)*o.count)
	jobs := make(chan int)
	var wait sync.WaitGroup
	for range o.workers {
		wait.Go(func() {
			for job := range jobs {
				c, err := o.make(o.crops[job/o.count], job%o.count)
				if err != nil {
					stop(err)
					return
				}
				captions[job] = c
			}
		})
	}
feed:
	for job := range captions {
		select {
		case jobs <- job:
		case <-ctx.Done():
			break feed
		}
	}
	close(jobs)
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	lines, err := captionLines(captions)
	if err != nil {
		return err
	}
	return o.write("captions.jsonl", lines)
}

// make draws one picture and writes it.
func (o order) make(c crop, number int) (caption, error) {
	digits := max(2, len(strconv.Itoa(o.count)))
	p := compose(c, o.seed, number, digits, o.long, o.short)
	data, err := p.encode(o.samples, o.quality)
	if err != nil {
		return caption{}, err
	}
	return p.caption, o.write(p.file, data)
}

// encode draws the picture as JPEG.
func (p *picture) encode(samples, quality int) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p.draw(samples), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode %s: %w", p.file, err)
	}
	return out.Bytes(), nil
}

// write puts data at the slash-separated name below the output folder, which it makes when it is not there.
func (o order) write(name string, data []byte) error {
	path := filepath.Join(o.out, filepath.FromSlash(name))
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
