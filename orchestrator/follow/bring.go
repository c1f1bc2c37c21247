package follow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/source"
)

// Batches are three of ingest's groups, as those of jobs; while one is written another is encoded.
const (
	batchItems = 48
	parallel   = 2
)

// scan brings the collection to what the folder is: its files first, then those that have gone.
func (f *folder) scan(ctx context.Context, watch *watch) error {
	if err := f.guard(ctx); err != nil {
		return err
	}
	f.set(func(s *Status) { s.State = StateScanning })
	f.changes.scan(time.Now().Add(f.cfg.Quiet)) // what happens from now on counts
	if watch != nil {
		if err := watch.add(ctx, f.root, nil); err != nil {
			return err
		}
	}
	before := f.counts()
	found, err := f.list(ctx)
	if err == nil {
		err = f.sweep(ctx, f.root)
	}
	if err != nil {
		return err
	}
	f.set(func(s *Status) { s.State, s.Scanned, s.Pictures = StateWatching, time.Now(), found })
	done := f.counts().less(before)
	f.log(slog.LevelInfo, "followed folder: scanned", "pictures", found, "indexed", done.Indexed, "removed", done.Removed, "failed", done.Failed)
	f.tell(Event{What: Scanned, Counts: done})
	return nil
}

// list brings in the files of the folder that have settled, and counts all. What changes meanwhile does not wait for its end.
func (f *folder) list(ctx context.Context) (found int64, err error) {
	working, listing := errgroup.WithContext(ctx)
	working.SetLimit(parallel)
	var items []source.Item
	unreadable := map[string]bool{}
	looked := time.Now()
	for item, err := range f.source.Items(listing, "") {
		switch {
		case err != nil && item.Path == "":
			return found, firstOf(working.Wait(), err)
		case fault.KindOf(err) == fault.KindNotFound: // gone again, or a link that leads nowhere
		case err != nil:
			if len(unreadable) < mostFailing {
				unreadable[item.Path] = true
			}
			f.fail(ingest.NewFailure(item, err))
		case f.failsStill(item) || f.changes.has(item.Path):
		case time.Since(item.Modified) < f.cfg.Quiet: // perhaps half written
			f.changes.touch(item.Path)
		default:
			items = append(items, item)
		}
		if err == nil {
			found++
		}
		if len(items) == batchItems {
			batch := items
			items = nil
			working.Go(func() error { return f.doListed(listing, batch) })
		}
		if time.Since(looked) >= f.cfg.Quiet {
			if err := f.bring(ctx, f.changes.take(time.Now())); err != nil {
				return found, errors.Join(err, working.Wait())
			}
			looked = time.Now()
		}
	}
	working.Go(func() error { return f.doListed(listing, items) })
	if err := working.Wait(); err != nil {
		return found, err
	}
	f.review(unreadable)
	return found, nil
}

// review forgets failures of what has gone or can be read again.
func (f *folder) review(unreadable map[string]bool) {
	for _, path := range f.failing.Keys() {
		known, ok := f.failing.Peek(path)
		if ok && !unreadable[path] && (known.state.same(fileState{}) || isGone(path)) {
			f.failing.Remove(path)
		}
	}
}

// firstOf prefers what went wrong to the cancellation that it caused.
func firstOf(cause, err error) error {
	if cause != nil {
		return cause
	}
	return err
}

// bring brings in what has settled.
func (f *folder) bring(ctx context.Context, what settled) error {
	if len(what.files)+len(what.gone)+len(what.folders) == 0 {
		return nil
	}
	f.order.Lock() // so that a batch that read a file before it changed does not write after this
	defer f.order.Unlock()
	before := f.counts()
	defer func() {
		if done := f.counts().less(before); done != (Counts{}) {
			f.log(slog.LevelInfo, "followed folder: changes", "indexed", done.Indexed, "removed", done.Removed, "failed", done.Failed)
		}
	}()
	for paths := range slices.Chunk(what.files, batchItems) {
		var items []source.Item
		for _, path := range paths {
			item, err := f.source.Item(path)
			if err == nil {
				items = append(items, item)
				continue
			}
			if fault.KindOf(err) != fault.KindNotFound {
				f.fail(ingest.NewFailure(item, err))
			}
		}
		if err := f.do(ctx, items); err != nil {
			return err
		}
	}
	if len(what.gone) > 0 {
		if err := f.dropFiles(ctx, what.gone); err != nil {
			return err
		}
	}
	for _, dir := range topmost(what.folders) {
		if err := f.sweep(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// topmost leaves out what lies in another of the folders.
func topmost(dirs []string) []string {
	slices.Sort(dirs)
	var tops []string
	for _, dir := range dirs {
		if !slices.ContainsFunc(tops, func(top string) bool { return source.Within(dir, top) }) {
			tops = append(tops, dir)
		}
	}
	return tops
}

// doListed is do for a batch of a listing, beside others of it.
func (f *folder) doListed(ctx context.Context, items []source.Item) error {
	f.order.RLock()
	defer f.order.RUnlock()
	return f.do(ctx, items)
}

// do has a batch indexed. Its error is what is no file's fault.
func (f *folder) do(ctx context.Context, items []source.Item) error {
	if len(items) == 0 {
		return nil
	}
	var indexed atomic.Int64
	result, err := f.deps.Ingester.Do(ctx, ingest.Work{
		Collection: f.photos, Source: f.source, Items: items, Waiting: f.away,
		Wrote: func(item source.Item) {
			indexed.Add(1)
			f.tell(Event{What: Indexed, Path: item.Path})
		},
	})
	f.set(func(s *Status) { s.Counts.Indexed += indexed.Load() })
	if err != nil {
		return err
	}
	failed := make(map[string]bool, len(result.Failures))
	for _, failure := range result.Failures {
		failed[failure.Item.Path] = true
		f.fail(failure)
	}
	for _, item := range items {
		if !failed[item.Path] {
			f.failing.Remove(item.Path)
		}
	}
	return nil
}

// away says that the encoder or the index does not answer, or does again.
func (f *folder) away(err error) {
	f.set(func(s *Status) {
		if s.Reason = ""; err != nil {
			s.Reason = fault.Public(err)
		}
	})
}

func stateOf(item source.Item) fileState {
	return fileState{bytes: item.Bytes, modified: item.Modified}
}

// failsStill reports whether the file is as it was when it failed, and would fail again.
func (f *folder) failsStill(item source.Item) bool {
	known, ok := f.failing.Peek(item.Path)
	return ok && !known.retry && known.state.same(stateOf(item))
}

// fail tells of a file that cannot be indexed, once for each version of it. One that has gone meanwhile is no failure.
func (f *folder) fail(failure ingest.Failure) {
	path := failure.Item.Path
	if failure.Kind == fault.KindNotFound {
		f.changes.touch(path)
		return
	}
	latest := failing{
		Failure: Failure{Path: path, Kind: failure.Kind.String(), Reason: failure.Reason}, state: stateOf(failure.Item),
		retry: failure.Retry || failure.Kind == fault.KindForbidden || failure.Kind == fault.KindInternal,
	}
	known, ok := f.failing.Peek(path)
	f.failing.Add(path, latest)
	if ok && known.state.same(latest.state) && known.Failure == latest.Failure {
		return
	}
	f.set(func(s *Status) { s.Counts.Failed++ })
	f.log(slog.LevelWarn, "followed folder: a picture fails", "path", path, "kind", failure.Kind, "err", failure.Err)
	f.tell(Event{What: Failed, Path: path, Reason: failure.Reason})
}
