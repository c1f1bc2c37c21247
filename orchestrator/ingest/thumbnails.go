package ingest

import (
	"context"

	"clipseek/orchestrator/imageprep"
)

// Thumbnails keeps small copies of pictures, by the SHA-256 of their files. It is safe for concurrent use.
type Thumbnails interface {
	// Look is the longest side in pixels and the JPEG quality of a thumbnail.
	Look() (side, quality int)
	// Known tells whether a thumbnail is there already, as far as can be told at once.
	Known(hash string) bool
	// Keep keeps one. What goes wrong is the keeper's to tell: a thumbnail can be made again.
	Keep(ctx context.Context, hash string, small []byte)
}

// keeping is how many thumbnails of a batch are on their way at once, to an object store perhaps.
const keeping = 16

// pixels makes the picture's pixels for the model and, of the same decode, the thumbnail that is not there yet.
func (b *batch) pixels(ctx context.Context, picture *imageprep.Picture, hash string, dst []byte) (imageprep.Times, error) {
	if b.small == nil || b.small.Known(hash) {
		return picture.TimedPixels(b.spec, dst)
	}
	side, quality := b.small.Look()
	times, small, err := picture.PixelsAndThumbnail(b.spec, dst, side, quality)
	if err != nil || small == nil {
		return times, err
	}
	b.kept.Go(func() error {
		defer b.time(&b.result.Times.Thumbnail)()
		b.small.Keep(ctx, hash, small)
		return nil
	})
	return times, nil
}
