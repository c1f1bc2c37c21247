package follow_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/index"
)

// TestRootAway takes the whole folder away, as an unmounted disk is, and brings it back.
func TestRootAway(t *testing.T) {
	t.Parallel()
	core, p := apptest.OpenCore(t, apptest.Config(t)), newPictures(t)
	start := map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow}
	for name, tc := range map[string]struct {
		empty  bool // an empty folder is left, as a mount point is
		reason string
	}{
		"missing": {false, "is not there"},
		"empty":   {true, "is its disk mounted?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowed(t, core, start)
			f.begin(nil)
			f.untilRows(start)
			away := filepath.Join(t.TempDir(), "away")
			leave := func() {
				f.must(os.Rename(f.root, away))
				if tc.empty {
					f.must(os.Mkdir(f.root, 0o755))
				}
				f.untilState(follow.StateWaiting, tc.reason)
			}
			comeBack := func() {
				if tc.empty {
					f.must(os.Remove(f.root))
				}
				f.must(os.Rename(away, f.root))
			}
			leave()
			f.untilRows(start)
			f.must(os.Remove(filepath.Join(away, "a.jpg")))
			f.must(os.WriteFile(filepath.Join(away, "new.jpg"), p.green, 0o600))
			comeBack()
			f.untilRows(map[string][]byte{"new.jpg": p.green, "sub/b.jpg": p.yellow})
			leave()
			f.stop() // so it is when following begins
			f.begin(nil)
			f.untilState(follow.StateWaiting, tc.reason)
			comeBack()
			f.untilState(follow.StateWatching, "")
			f.untilRows(map[string][]byte{"new.jpg": p.green, "sub/b.jpg": p.yellow})
			if removed := f.heard(follow.Removed); !slices.Equal(removed, []string{"a.jpg"}) {
				t.Errorf("removed %v in all", removed)
			}
		})
	}
}

// TestAllDeleted deletes every file of a folder one by one, which looks like an unmounted disk, and goes on with another.
func TestAllDeleted(t *testing.T) {
	t.Parallel()
	p := newPictures(t)
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"a.jpg": p.red})
	f.begin(nil)
	f.untilRows(map[string][]byte{"a.jpg": p.red})
	f.must(os.Remove(f.in("a.jpg")))
	f.untilState(follow.StateWaiting, "is empty")
	f.write("b.jpg", p.green)
	f.untilRows(map[string][]byte{"b.jpg": p.green})
}

// TestNotThere begins with what cannot be followed yet.
func TestNotThere(t *testing.T) {
	t.Parallel()
	p := newPictures(t)
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"there/a.jpg": p.red})
	real, root := f.in("there"), f.in("later")
	f.root = root
	f.begin(nil)
	f.untilState(follow.StateWaiting, "is not there")
	f.must(os.WriteFile(root, p.red, 0o600))
	f.untilState(follow.StateWaiting, "is not a folder")
	f.must(os.Remove(root))
	f.must(os.Symlink(real, root))
	f.untilState(follow.StateWaiting, "is a link")
	f.must(os.Remove(root))
	f.must(os.Mkdir(root, 0o755))
	f.untilState(follow.StateWatching, "")
	f.write("b.jpg", p.green)
	f.untilRows(map[string][]byte{"b.jpg": p.green})
}

// limited is the system's watcher with a limit of its own, and without events if it is deaf.
type limited struct {
	follow.Watcher
	left   int
	deaf   bool
	errors chan error

	mu   sync.Mutex
	dirs map[string]bool
}

func (l *limited) Add(dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirs[dir] = true; len(l.dirs) > l.left {
		delete(l.dirs, dir)
		return &os.SyscallError{Syscall: "inotify_add_watch", Err: syscall.ENOSPC}
	}
	return l.Watcher.Add(dir)
}

func (l *limited) Events() <-chan fsnotify.Event {
	if !l.deaf {
		return l.Watcher.Events()
	}
	heard := make(chan fsnotify.Event)
	go func() {
		for range l.Watcher.Events() {
			select {
			case l.errors <- fsnotify.ErrEventOverflow:
			default: // one is told already
			}
		}
		close(heard)
		close(l.errors)
	}()
	return heard
}

func (l *limited) Errors() <-chan error {
	if l.deaf {
		return l.errors
	}
	return l.Watcher.Errors()
}

// TestUnwatched follows a folder which the system does not watch, or not all of it.
func TestUnwatched(t *testing.T) {
	t.Parallel()
	core, p := apptest.OpenCore(t, apptest.Config(t)), newPictures(t)
	start := map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}
	watcher := func(left int, deaf bool) func() (follow.Watcher, error) {
		return func() (follow.Watcher, error) {
			system, err := follow.NewWatcher()
			if err != nil {
				return nil, err
			}
			l := &limited{Watcher: system, deaf: deaf, left: left, errors: make(chan error, 1), dirs: map[string]bool{}}
			return l, nil
		}
	}
	for name, tc := range map[string]struct {
		watch   func() (follow.Watcher, error)
		scan    time.Duration
		warning string
	}{
		"too many folders":  {watcher(1, false), 200 * time.Millisecond, "fs.inotify.max_user_watches"},
		"too many watchers": {func() (follow.Watcher, error) { return nil, syscall.EMFILE }, 200 * time.Millisecond, "fs.inotify.max_user_instances"},
		"unknown reason":    {func() (follow.Watcher, error) { return nil, syscall.ENOSYS }, 200 * time.Millisecond, "function not implemented"},
		"lost events":       {watcher(1000, true), time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowed(t, core, start)
			f.begin(func(cfg *follow.Config, deps *follow.Deps) { cfg.Scan, deps.Watch = tc.scan, tc.watch })
			f.untilRows(start)
			f.until("the warning", func() bool { return strings.Contains(f.follower.Status()[0].Warning, tc.warning) })
			f.write("sub/deep/d.jpg", p.red)
			f.must(os.Remove(f.in("sub/b.jpg")))
			f.until("scans", func() bool { return len(f.heard(follow.Scanned)) > 3 || tc.warning == "" })
			f.untilRows(map[string][]byte{"a.jpg": p.red, "sub/deep/c.jpg": p.green, "sub/deep/d.jpg": p.red})
			f.must(os.RemoveAll(f.in("sub")))
			f.untilRows(map[string][]byte{"a.jpg": p.red})
			if n := len(f.heard(follow.Warning)); tc.warning != "" && n != 1 {
				t.Errorf("warned %d times, want once", n)
			}
		})
	}
}

// TestFailures has a file that is no picture through several scans, until it is one.
func TestFailures(t *testing.T) {
	t.Parallel()
	p := newPictures(t)
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"a.jpg": p.red, "bad.jpg": []byte("words"), "gone.jpg": []byte("words")})
	f.begin(func(cfg *follow.Config, _ *follow.Deps) { cfg.Scan = 50 * time.Millisecond })
	f.until("scans", func() bool { return len(f.heard(follow.Scanned)) > 3 })
	status := f.follower.Status()[0]
	if heard := f.heard(follow.Failed); len(heard) != 2 || status.Failing != 2 || status.Counts.Failed != 2 || len(status.Failures) != 2 {
		t.Errorf("told of %v, state %+v; want two failures, once", heard, status)
	}
	if got := status.Failures[0]; got.Kind != fault.KindInvalid.String() || !strings.Contains(got.Reason, "not a picture") {
		t.Errorf("failure %+v", got)
	}
	f.must(os.Remove(f.in("gone.jpg")))
	f.until("one failing", func() bool { return f.follower.Status()[0].Failing == 1 })
	f.write("bad.jpg", []byte("other words"))
	f.until("a third failure", func() bool { return len(f.heard(follow.Failed)) == 3 })
	f.write("bad.jpg", p.green)
	f.untilRows(map[string][]byte{"a.jpg": p.red, "bad.jpg": p.green})
	f.until("nothing failing", func() bool { return f.follower.Status()[0].Failing == 0 })
}

// TestOthersRows leaves alone what following did not bring in.
func TestOthersRows(t *testing.T) {
	t.Parallel()
	p := newPictures(t)
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"a.jpg": p.red})
	photos, err := f.core.Make(t.Context(), f.name)
	f.must(err)
	vector := make([]float32, f.core.Card.Width)
	vector[0] = 1
	record := func(key, path, from string) index.Record {
		return index.Record{ID: index.ID(key), Path: path, Vector: vector, Fields: map[string]any{index.FieldSource: from, index.FieldSHA256: path}}
	}
	theirs := []index.Record{
		record(f.root+"2/x.jpg", f.root+"2/x.jpg", f.root+"2"),
		record(f.in("album.zip!/x.jpg"), f.in("album.zip!/x.jpg"), f.in("album.zip")),
		record("key of a table", f.in("x.jpg"), f.in("table.csv")),
		record(f.in(".hidden/x.jpg"), f.in(".hidden/x.jpg"), f.in(".hidden")),
		record(f.in("any name"), f.in("any name"), f.in("any name")),
	}
	ours := []index.Record{record(f.in("x.jpg"), f.in("x.jpg"), f.root), record(f.in("odd!/x.jpg"), f.in("odd!/x.jpg"), f.in("odd!"))}
	f.must(photos.Upsert(t.Context(), append(theirs, ours...)))
	f.begin(nil)
	f.until("the folder's own row", func() bool { return f.rows()["a.jpg"] != "" })
	f.untilState(follow.StateWatching, "")
	rows := f.rows()
	for _, r := range theirs {
		if rows[strings.TrimPrefix(r.Path, f.root+"/")] == "" {
			t.Errorf("the row of %s has gone", r.Path)
		}
	}
	if removed := f.heard(follow.Removed); len(removed) != len(ours) || len(rows) != len(theirs)+1 {
		t.Errorf("removed %v, left %v", removed, rows)
	}
}

// TestTwice follows one folder twice, as two processes of one data folder would: the second takes over from the first.
func TestTwice(t *testing.T) {
	t.Parallel()
	p, locks := newPictures(t), t.TempDir()
	locked := func(_ *follow.Config, deps *follow.Deps) { deps.Locks = locks }
	first := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"a.jpg": p.red})
	first.begin(locked)
	first.untilState(follow.StateWatching, "")
	second := newFollowed(t, first.core, nil)
	second.root, second.name = first.root, first.name
	second.begin(locked)
	second.untilState(follow.StateWaiting, "another clipseek process")
	first.write("b.jpg", p.green)
	first.untilRows(map[string][]byte{"a.jpg": p.red, "b.jpg": p.green})
	first.stop()
	second.untilState(follow.StateWatching, "")
	second.write("c.jpg", p.green)
	second.untilRows(map[string][]byte{"a.jpg": p.red, "b.jpg": p.green, "c.jpg": p.green})
}

// TestNested follows a folder and one in it, once.
func TestNested(t *testing.T) {
	t.Parallel()
	f, err := follow.New(follow.Config{Folders: []string{"/a/b", "/a/bc", "/a/b/c", "/a/b"}, Quiet: time.Second}, follow.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, s := range f.Status() {
		folders = append(folders, s.Folder)
	}
	if !slices.Equal(folders, []string{"/a/b", "/a/bc"}) {
		t.Errorf("follows %v", folders)
	}
}
