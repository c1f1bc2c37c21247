package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/removal"
)

// Gone looks which records of a collection have lost their pictures in the sources of a spec. It removes nothing.
// Faults: those of Deps.Open and of removal.Find.
func (m *Manager) Gone(ctx context.Context, photos index.Index, spec Spec) (gone *removal.Gone, err error) {
	src, err := m.deps.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeSource(src)) }()
	return removal.Find(ctx, photos, src)
}

// sync removes what has gone from the sources, if this process is the one that may. It returns when something may have
// changed.
func (r *run) sync(ctx context.Context) error {
	err := r.leased(ctx, func(ctx context.Context, token string) error {
		return r.persist(ctx, func(ctx context.Context) error { return r.syncAs(ctx, token) })
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errNotOurs) || errors.Is(err, context.Canceled) { // the lease is another's, or was lost
		return clock.Sleep(ctx, r.cfg.Lease/3)
	}
	return err
}

// syncAs looks for what has gone and removes it. A process that dies over it leaves the number that it began with, which
// the next one needs for the count; whatever else has gone by then has to be allowed anew.
func (r *run) syncAs(ctx context.Context, token string) error {
	err := r.update(ctx, r.id, func(rec *record) error {
		if rec.State != Running || !rec.syncing() {
			return errNotOurs
		}
		rec.Lister = token
		return nil
	})
	if err != nil {
		return err
	}
	gone, err := removal.Find(ctx, r.collection, r.src)
	if err != nil {
		return err
	}
	rec := r.record()
	notice := gone.Kept
	if gone.Unseen > 0 {
		notice = append(notice, fmt.Sprintf("%d pictures cannot be looked for and stay", gone.Unseen))
	}
	if gone.Count > rec.Removing || rec.Removing == 0 {
		if refused := gone.Allow(rec.Sync.Limit); refused != nil {
			return r.synced(ctx, token, 0, append(notice, fault.Public(refused)))
		}
		if err := r.moved(ctx, token, func(rec *record) { rec.Removing = gone.Count }); err != nil {
			return err
		}
		rec.Removing = gone.Count
	}
	removed, err := gone.Remove(ctx, r.collection, nil)
	if err != nil {
		return err
	}
	return r.synced(ctx, token, rec.Removing-gone.Count+removed, notice)
}

// synced stores that the removal is over.
func (r *run) synced(ctx context.Context, token string, removed int64, notice []string) error {
	return r.moved(ctx, token, func(rec *record) {
		rec.Synced, rec.Removing = true, 0
		rec.Removed += removed
		rec.Notice = strings.Join(notice, "; ")
	})
}
