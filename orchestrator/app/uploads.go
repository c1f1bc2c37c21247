package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/upload"
)

// uploads is the folder of what people send.
func (c Config) uploads() string {
	if c.Upload.Folder != "" {
		return c.Upload.Folder
	}
	return filepath.Join(c.Data, "uploads")
}

// uploadStore takes uploads where every process that works on their jobs can read them.
type uploadStore struct {
	*upload.Store
	alone bool // the folder is of this machine and the queue is not
}

func openUploads(cfg Config) (*uploadStore, error) {
	limits := cfg.Upload
	limits.MaxItemBytes, limits.Queue = cfg.Image.MaxBytes, cfg.queue()
	store, err := upload.Open(cfg.uploads(), limits, cfg.checkArchive)
	return &uploadStore{store, cfg.Jobs.NATS.URL != "" && !cfg.Upload.Shared}, err
}

// tidyEach is how often a service looks for what dead processes left of uploads, and for lists that no job reads any more.
const tidyEach = time.Hour

// queue is a name of the queue of jobs, in hexadecimal digits.
func (c Config) queue() string {
	name := "nats " + c.Jobs.NATS.URL + " " + c.Jobs.NATS.Credentials
	if c.Jobs.NATS.URL == "" {
		name = c.Data
		if abs, err := filepath.Abs(c.Data); err == nil {
			name = abs
		}
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}

// keepTidy tidies at once and then each tidyEach, until the service is closed.
func (s *Service) keepTidy(uploads *uploadStore) {
	ctx, stop := context.WithCancel(context.Background())
	s.stopTidying = stop
	s.tidying.Go(func() {
		ticker := time.NewTicker(tidyEach)
		defer ticker.Stop()
		for {
			done, err := uploads.Tidy(ctx, s.jobs.Sources)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				s.log.Warn("what is left of uploads could not be looked through; it is tried again", "in", tidyEach, "err", err)
			case done.Requests+done.Lists > 0:
				s.log.Info("removed what was left of uploads", "requests", done.Requests, "lists", done.Lists)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Begin refuses what another machine would take from the queue and not find.
func (u *uploadStore) Begin(ctx context.Context, length int64) (httpapi.Batch, error) {
	if u.alone {
		return nil, fault.Forbidden("this service shares its jobs with other machines (jobs.nats.url), which could not read what is uploaded here: " +
			"have all of them mount one folder under the same path, name it as upload.folder and set upload.shared: true")
	}
	batch, err := u.Store.Begin(ctx, length)
	if err != nil {
		return nil, err
	}
	return uploadBatch{batch}, nil
}

type uploadBatch struct{ *upload.Batch }

// Commit gives what a job's Spec is made of.
func (b uploadBatch) Commit() (list, title string, err error) {
	kept, err := b.Batch.Commit()
	return kept.List, kept.Title, err
}

// checkArchive tells whether a file is an archive and, where it is whole, whether its listing begins.
func (c Config) checkArchive(ctx context.Context, path string, whole bool) (found bool, err error) {
	found, err = archive.Is(path)
	if !found || !whole || err != nil {
		return found, err
	}
	a, err := archive.Open(path, c.archives())
	if err != nil {
		return true, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	for item, err := range a.Items(ctx, "") {
		if err != nil && (item.Path == path || item.Path == "") {
			return true, err
		}
		return true, nil
	}
	return true, fault.Invalid("the archive holds no picture")
}

// addUpload makes a source of what a request sent.
func (b *sourceBuilder) addUpload(list string) error {
	files, archives, err := upload.OpenList(list)
	if err != nil {
		return err
	}
	b.parts = append(b.parts, files)
	for _, path := range archives {
		if err := b.addArchive(path); err != nil {
			return err
		}
	}
	return nil
}
