package app

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source/upload"
)

// CleanUploads removes the uploaded files that no picture of any collection of the index shows and no remembered job
// read; dry only counts them. Another index that shows pictures of the folder is not known. Faults: Conflict while jobs are unfinished,
// where a collection cannot be walked, and where the data folder has a local index too; those of the index and of the
// folder; the context's.
func CleanUploads(ctx context.Context, cfg Config, log *slog.Logger, dry bool) (_ upload.Cleaned, err error) {
	store, err := openUploads(cfg)
	if err != nil {
		return upload.Cleaned{}, err
	}
	if file := cfg.Index.Local.config(cfg.Data).File; cfg.Index.Kind == IndexMilvus {
		if _, err := os.Stat(file); err == nil {
			return upload.Cleaned{}, fault.Conflict("there is a local index too, %s, whose pictures may be uploaded ones; remove it if it is not used, or clean by hand", file)
		}
	}
	queue, err := OpenQueue(ctx, cfg, log)
	if err != nil {
		return upload.Cleaned{}, err
	}
	defer func() { err = errors.Join(err, queue.Close()) }()
	all, err := queue.List(ctx)
	if err != nil {
		return upload.Cleaned{}, err
	}
	for _, job := range all {
		if !job.State.Final() {
			return upload.Cleaned{}, fault.Conflict("job %s (%s) is not done and may need uploaded files; wait for it, or cancel it", job.ID, job.Path())
		}
	}
	db, err := OpenDatabase(ctx, cfg, log)
	if err != nil {
		return upload.Cleaned{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	shown, err := shownUploads(ctx, db)
	if err != nil {
		return upload.Cleaned{}, err
	}
	return store.Clean(ctx, shown, dry)
}

// shownUploads are the hashes of the uploaded files that the records of an index need. It reads every record.
func shownUploads(ctx context.Context, db index.Database) (map[string]bool, error) {
	infos, err := db.Collections(ctx)
	if err != nil {
		return nil, err
	}
	shown := map[string]bool{}
	for _, info := range infos {
		photos, err := db.Open(ctx, index.Spec{Collection: info.Name})
		if err != nil {
			return nil, err
		}
		if err := errors.Join(addShown(ctx, photos, info.Name, shown), photos.Close()); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func addShown(ctx context.Context, photos index.Index, name string, shown map[string]bool) error {
	walker, ok := photos.(index.Iterator)
	if !ok {
		return fault.Conflict("collection %s cannot be walked, so nobody can tell which files it shows; nothing was removed", name)
	}
	for r, err := range walker.Iterate(ctx, index.Walk{}) {
		if err != nil {
			return err
		}
		for _, hash := range upload.HashesIn(r.Path) {
			shown[hash] = true
		}
	}
	return nil
}
