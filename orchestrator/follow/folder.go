package follow

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/source"
)

// mostFailing is how many files are remembered that cannot be indexed. One that is forgotten is tried, and told, again.
const mostFailing = 10_000

// longestPause is the longest between two looks at what is waited for, in pauses of Config.Quiet.
const longestPause = 10

// folder is one followed folder.
type folder struct {
	root    string
	cfg     Config
	deps    Deps
	changes *changes
	failing *lru.Cache[string, failing] // by path

	source *source.Folders // of root; set once, before watching and scanning
	mine   fs.FileInfo     // root as it was when following it began
	photos index.Index
	made   bool // the collection was there once, so that a missing one has been dropped

	order sync.RWMutex // held for reading by batches of a listing, for writing by what happened since

	mu  sync.Mutex
	now Status
}

// failing is a version of a file that cannot be indexed.
type failing struct {
	Failure
	state fileState
	retry bool // something other than the file may change
}

func newFolder(root string, cfg Config, deps Deps) *folder {
	f := &folder{
		root: root, cfg: cfg, deps: deps, changes: newChanges(cfg.Quiet, mostChanges),
		now: Status{Folder: root, Collection: deps.target(), State: StateWaiting, Reason: "it is about to begin"},
	}
	f.failing, _ = lru.New[string, failing](mostFailing) // it refuses sizes below 1 only
	return f
}

func (f *folder) status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now
	now.Changes, now.Failing = f.changes.len(), f.failing.Len()
	paths := f.failing.Keys() // oldest first
	now.Failures = []Failure{}
	for i := len(paths) - 1; i >= max(0, len(paths)-MostFailures); i-- {
		if known, ok := f.failing.Peek(paths[i]); ok {
			now.Failures = append(now.Failures, known.Failure)
		}
	}
	return now
}

func (f *folder) counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now.Counts
}

func (f *folder) set(change func(*Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.now)
}

func (f *folder) tell(e Event) {
	if e.Folder = f.root; f.deps.Tell != nil {
		f.deps.Tell(e)
	}
}

// log is for whoever does not hear the events; the log of one who does would only repeat them.
func (f *folder) log(level slog.Level, message string, args ...any) {
	if f.deps.Tell != nil {
		level = slog.LevelDebug
	}
	f.deps.Log.With("folder", f.root).Log(context.Background(), level, message, args...)
}

// run follows the folder until ctx ends. Whatever is missing is waited for, and then all begins anew with a scan.
func (f *folder) run(ctx context.Context) {
	unlock := func() {}
	defer func() { unlock() }()
	locked := false
	for pause := f.cfg.Quiet; ctx.Err() == nil; pause = min(2*pause, longestPause*f.cfg.Quiet) {
		var err error
		if !locked {
			if unlock, err = f.lock(); err == nil {
				locked = true
			}
		}
		if err == nil {
			var well bool
			if well, err = f.follow(ctx); well {
				pause = f.cfg.Quiet
			}
		}
		if ctx.Err() != nil {
			return
		}
		f.wait(err)
		if clock.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// wait says what is waited for, when that changes.
func (f *folder) wait(err error) {
	reason := fault.Public(err)
	f.mu.Lock()
	told := f.now.State == StateWaiting && f.now.Reason == reason
	f.now.State, f.now.Reason = StateWaiting, reason
	f.mu.Unlock()
	if !told {
		f.log(slog.LevelWarn, "followed folder: waiting", "collection", f.deps.target(), "kind", fault.KindOf(err), "err", err)
		f.tell(Event{What: Waiting, Reason: reason})
	}
}

// warn says what makes following slow; "" takes that back.
func (f *folder) warn(warning string) {
	f.mu.Lock()
	told := f.now.Warning == warning
	f.now.Warning = warning
	f.mu.Unlock()
	if !told && warning != "" {
		f.log(slog.LevelWarn, "followed folder", "warning", warning)
		f.tell(Event{What: Warning, Reason: warning})
	}
}

// follow does the work until something is missing; well tells that the folder was scanned to its end before.
func (f *folder) follow(ctx context.Context) (well bool, err error) {
	if err := f.open(ctx); err != nil {
		return false, err
	}
	if err := f.guard(ctx); err != nil {
		return false, err
	}
	f.set(func(s *Status) { s.State, s.Reason = StateScanning, "" })
	f.tell(Event{What: Following})
	watch := f.begin()
	var hearing sync.WaitGroup
	if watch != nil {
		hearing.Go(func() { watch.hear(ctx) })
		defer func() {
			_ = watch.watcher.Close() // nothing was written
			hearing.Wait()
		}()
	}
	f.changes.rescan()
	asked := true
	for {
		if asked {
			if err := f.scan(ctx, watch); err != nil {
				return well, err
			}
			well = true
		}
		next := f.changes.next(time.Now().Add(f.cfg.Quiet)) // no later, because there may be changes by then
		if err := clock.Sleep(ctx, time.Until(next)); err != nil {
			return well, err
		}
		if err := f.still(); err != nil {
			return well, err
		}
		if err := f.bring(ctx, f.changes.take(time.Now())); err != nil {
			return well, err
		}
		f.mu.Lock()
		due := time.Since(f.now.Scanned) >= f.cfg.Scan
		f.mu.Unlock()
		asked = f.changes.scan(time.Now()) || due
	}
}

// open finds the folder and its collection.
func (f *folder) open(ctx context.Context) error {
	info, err := find(f.root)
	if err != nil {
		return err
	}
	f.mine = info
	if f.source == nil {
		if f.source, err = source.NewFolders(f.root); err != nil {
			return err
		}
	}
	photos, err := f.deps.Index(ctx, !f.made)
	if f.made && fault.KindOf(err) == fault.KindNotFound {
		return f.deps.dropped(f.root, err)
	}
	if err != nil {
		return err
	}
	f.photos, f.made = photos, true
	return nil
}

// Check refuses what is no folder that can be followed. Faults: NotFound, Forbidden, Invalid; each names the folder.
func Check(folders ...string) error {
	for _, dir := range folders {
		if _, err := find(dir); err != nil {
			return err
		}
	}
	return nil
}

func find(dir string) (fs.FileInfo, error) {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.NotFound("the folder %s is not there", dir).Because(err)
	case err != nil:
		return nil, fault.Forbidden("the folder %s cannot be read", dir).Because(err)
	case info.Mode().Type() == fs.ModeSymlink:
		return nil, fault.Invalid("%s is a link; name the folder that it leads to", dir)
	case !info.IsDir():
		return nil, fault.Invalid("%s is not a folder; only folders can be followed", dir)
	}
	return info, nil
}

// still reports whether the folder that is followed is where it was: another may stand there when a disk was mounted or
// unmounted, which nobody tells of.
func (f *folder) still() error {
	if info, err := os.Lstat(f.root); err != nil || !os.SameFile(info, f.mine) {
		return fault.NotFound("the folder %s has gone; its rows stay, and following goes on when it is back", f.root).Because(err)
	}
	return nil
}

// guard refuses to conclude from a missing file that it was deleted, where all are missing: a disk that is not mounted
// leaves its folder empty.
func (f *folder) guard(ctx context.Context) error {
	if err := f.still(); err != nil {
		return err
	}
	empty, err := source.Empty(f.root)
	if err != nil {
		return fault.Forbidden("the folder %s cannot be read; its rows stay, and following goes on when it can be", f.root).Because(err)
	}
	if !empty {
		return nil
	}
	for _, err := range f.rows(ctx, f.root, 0) {
		if err != nil {
			return err
		}
		return fault.NotFound("the folder %s is empty, though the collection has pictures of it; is its disk mounted? Its rows stay, and following goes on when something is in it", f.root)
	}
	return nil
}
