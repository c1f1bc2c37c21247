package app

import (
	"context"
	"log/slog"
	"path/filepath"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/thumbnail"
)

// openThumbnails opens what keeps thumbnails. An object store is not asked yet: it need not be there.
func (c *Core) openThumbnails(ctx context.Context, cfg Config, log *slog.Logger) error {
	var kept thumbnail.Storage = thumbnail.NewFolder(filepath.Join(cfg.Data, "thumbnails"))
	if cfg.Thumbnail.Store != "" {
		objects, err := bucket.Open(ctx, cfg.Thumbnail.Store, cfg.Objects)
		if err != nil {
			return fault.At("thumbnail.store", err)
		}
		c.closers = append(c.closers, objects)
		kept = thumbnail.NewObjects(objects)
	}
	c.Thumbnails = thumbnail.New(kept, cfg.Thumbnail, c.Decoder, log)
	if cfg.Thumbnail.AtIngest {
		c.Ingester.KeepThumbnails(c.Thumbnails)
	}
	return nil
}
