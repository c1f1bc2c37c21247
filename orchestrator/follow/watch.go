package follow

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"clipseek/orchestrator/source"
)

// Watcher hears what happens to the entries of folders.
type Watcher interface {
	// Add begins to watch a folder, not what lies below it; one that is watched already stays so.
	Add(dir string) error
	// Remove ends that.
	Remove(dir string) error
	// Events and Errors are closed by Close.
	Events() <-chan fsnotify.Event
	Errors() <-chan error
	Close() error
}

// systemWatcher is the system's own.
type systemWatcher struct{ *fsnotify.Watcher }

// NewWatcher asks the system for a watcher. The caller closes it.
func NewWatcher() (Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return systemWatcher{w}, nil
}

func (w systemWatcher) Events() <-chan fsnotify.Event { return w.Watcher.Events }
func (w systemWatcher) Errors() <-chan error          { return w.Watcher.Errors }

// watch is a folder tree that is watched.
type watch struct {
	*folder
	watcher Watcher

	mu   sync.Mutex
	dirs map[string]struct{}
}

// begin asks for a watcher. Without one, scans alone find what has changed.
func (f *folder) begin() *watch {
	open := f.deps.Watch
	if open == nil {
		open = NewWatcher
	}
	watcher, err := open()
	if err != nil {
		f.warn(unwatched(f.root, err))
		return nil
	}
	return &watch{folder: f, watcher: watcher, dirs: map[string]struct{}{}}
}

// unwatched says what it means that a folder cannot be watched.
func unwatched(dir string, err error) string {
	reason := err.Error()
	switch {
	case errors.Is(err, syscall.ENOSPC):
		reason = "this user's limit of watched folders is reached; raise fs.inotify.max_user_watches"
	case errors.Is(err, syscall.EMFILE):
		reason = "this user's limit of programs that watch folders, or of open files, is reached; raise fs.inotify.max_user_instances or the limit of open files"
	}
	return "changes below " + dir + " are found by scans alone: " + reason
}

// add watches a folder and all below it, and gives each file there to found, if that is not nil. Each folder is watched
// before it is listed, so that nothing comes into it unseen.
func (w *watch) add(ctx context.Context, root string, found func(path string)) error {
	warning := ""
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return nil //nolint:nilerr // gone again, or unreadable, of which the scan tells
		case !entry.IsDir():
			if found != nil && w.source.Lists(path) {
				found(path)
			}
			return nil
		case !w.source.Enters(path):
			return filepath.SkipDir
		case warning != "": // there are no more to be had
			return nil
		}
		switch err := w.watcher.Add(path); { // also one that is watched: it may be another folder by now
		case err == nil:
			w.mu.Lock()
			w.dirs[path] = struct{}{}
			w.mu.Unlock()
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fsnotify.ErrClosed):
		default:
			warning = unwatched(path, err)
		}
		return nil
	})
	if warning != "" || root == w.root {
		w.warn(warning)
	}
	return err
}

// forget ends watching a folder that has gone from its place, and all below it, which may live on elsewhere. It reports
// whether the folder was watched.
func (w *watch) forget(root string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.dirs[root]; !ok {
		return false
	}
	for dir := range w.dirs {
		if source.Within(dir, root) {
			delete(w.dirs, dir)
			_ = w.watcher.Remove(dir) // the system may have done so itself
		}
	}
	return true
}

// hear takes in what happens until the watcher is closed.
func (w *watch) hear(ctx context.Context) {
	events, faults := w.watcher.Events(), w.watcher.Errors()
	for events != nil || faults != nil {
		select {
		case event, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if event.Name != w.root { // of which the next look tells
				w.on(ctx, event)
			}
		case err, ok := <-faults:
			if !ok {
				faults = nil
				continue
			}
			if err != nil {
				w.log(slog.LevelInfo, "followed folder: events were lost; it is scanned", "err", err)
				w.changes.rescan()
			}
		}
	}
}

func (w *watch) on(ctx context.Context, event fsnotify.Event) {
	path := event.Name
	if !w.source.Enters(path) {
		return
	}
	if event.Has(fsnotify.Remove|fsnotify.Rename) && w.forget(path) {
		w.changes.lost(path)
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		if !event.Has(fsnotify.Write) {
			_ = w.add(ctx, path, w.changes.touch) // it ends early only with ctx
		}
	case w.source.Lists(path):
		w.changes.touch(path)
	}
}
