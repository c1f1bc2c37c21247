package follow_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/index"
)

// followed is a folder that is followed until the test ends.
type followed struct {
	*testing.T
	core     *app.Core
	name     string // of the collection
	part     string // of it; empty for all
	root     string
	follower *follow.Follower
	stop     func() // and waits

	mu     sync.Mutex
	events []follow.Event
}

// newFollowed makes a folder with files and a collection for it.
func newFollowed(t *testing.T, core *app.Core, files map[string][]byte) *followed {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '#' {
			return '_'
		}
		return r
	}, t.Name())
	return &followed{T: t, core: core, name: name, root: apptest.Write(t, files)}
}

func (f *followed) deps() follow.Deps {
	return follow.Deps{
		Ingester: f.core.Ingester, Collection: f.name, Log: apptest.Log(f.T),
		Index: func(ctx context.Context, create bool) (index.Index, error) {
			f.core.Forget(ctx, f.name)
			if create {
				return f.core.Make(ctx, f.name)
			}
			return f.core.Get(ctx, f.name)
		},
		Tell: func(e follow.Event) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
		},
	}
}

// begin follows the folder. Scans come at the beginning alone, unless change says otherwise.
func (f *followed) begin(change func(*follow.Config, *follow.Deps)) {
	f.Helper()
	cfg, deps := follow.Config{Folders: []string{f.root}, Scan: time.Hour, Quiet: 100 * time.Millisecond}, f.deps()
	if change != nil {
		change(&cfg, &deps)
	}
	var err error
	if f.follower, err = follow.New(cfg, deps); err != nil {
		f.Fatal(err)
	}
	f.run()
}

// run has the follower run until the test ends, or stop.
func (f *followed) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { f.follower.Run(ctx); close(ended) }()
	f.stop = sync.OnceFunc(func() { cancel(); <-ended })
	f.Cleanup(f.stop)
}

func (f *followed) in(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

// until waits for something to hold.
func (f *followed) until(what string, holds func() bool) {
	f.Helper()
	deadline := time.After(time.Minute)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			f.Fatalf("never %s; the rows are %v, the state %+v", what, slices.Sorted(maps.Keys(f.rows())), f.follower.Status())
		}
	}
}

// rows is the hashes of the files that the collection has, by path below the folder.
func (f *followed) rows() map[string]string {
	f.Helper()
	all := map[string]string{}
	photos, err := f.core.Get(f.Context(), f.name)
	if fault.KindOf(err) == fault.KindNotFound {
		return all
	}
	if err != nil {
		f.Fatal(err)
	}
	if f.part != "" {
		photos = photos.(index.Partitioner).Partition(f.part)
	}
	for r, err := range photos.(index.Iterator).Iterate(f.Context(), index.Walk{}) {
		if fault.KindOf(err) == fault.KindNotFound { // dropped
			return map[string]string{}
		}
		if err != nil {
			f.Fatal(err)
		}
		name := strings.TrimPrefix(r.Path, f.root+"/")
		all[name], _ = r.Fields[index.FieldSHA256].(string)
	}
	return all
}

// untilRows waits until the collection has these rows and no others.
func (f *followed) untilRows(want map[string][]byte) {
	f.Helper()
	hashes := map[string]string{}
	for name, content := range want {
		sum := sha256.Sum256(content)
		hashes[name] = hex.EncodeToString(sum[:])
	}
	f.until("the rows "+strings.Join(slices.Sorted(maps.Keys(want)), ", "), func() bool { return maps.Equal(f.rows(), hashes) })
}

func (f *followed) untilState(state follow.State, reason string) {
	f.Helper()
	f.until(string(state)+" "+reason, func() bool {
		s := f.follower.Status()[0]
		return s.State == state && strings.Contains(s.Reason, reason)
	})
}

// heard is the paths of events of a kind, below the folder.
func (f *followed) heard(what follow.What) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paths []string
	for _, e := range f.events {
		if e.What == what {
			paths = append(paths, strings.TrimPrefix(e.Path, f.root+"/"))
		}
	}
	return paths
}

func (f *followed) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *followed) write(name string, content []byte) {
	f.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.in(name)), 0o755))
	f.must(os.WriteFile(f.in(name), content, 0o644))
}

// pictures are some that differ.
type pictures struct{ red, yellow, green []byte }

func newPictures(t *testing.T) pictures {
	return pictures{
		apptest.JPEG(t, apptest.Picture(40, apptest.Red, apptest.White)),
		apptest.JPEG(t, apptest.Picture(40, apptest.Yellow, apptest.White)),
		apptest.JPEG(t, apptest.Picture(40, apptest.Green, apptest.White)),
	}
}

// testHappenings has things happen to a folder that is followed, and looks at the rows.
func testHappenings(t *testing.T, at place) {
	p := newPictures(t)
	start := map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}
	for name, tc := range map[string]struct {
		happens func(f *followed)
		want    map[string][]byte
	}{
		"new file":      {func(f *followed) { f.write("new.jpg", p.red) }, map[string][]byte{"a.jpg": p.red, "new.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"changed file":  {func(f *followed) { f.write("a.jpg", p.green) }, map[string][]byte{"a.jpg": p.green, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"deleted file":  {func(f *followed) { f.must(os.Remove(f.in("sub/b.jpg"))) }, map[string][]byte{"a.jpg": p.red, "sub/deep/c.jpg": p.green}},
		"renamed file":  {func(f *followed) { f.must(os.Rename(f.in("a.jpg"), f.in("sub/z.jpg"))) }, map[string][]byte{"sub/z.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"replaced file": {func(f *followed) { f.write("tmp", p.green); f.must(os.Rename(f.in("tmp"), f.in("a.jpg"))) }, map[string][]byte{"a.jpg": p.green, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"hidden by its name": {func(f *followed) {
			f.must(os.Rename(f.in("a.jpg"), f.in(".a.jpg")))
			f.write(".hidden/x.jpg", p.red)
			f.write("words.txt", p.red)
		}, map[string][]byte{"sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"new folders": {func(f *followed) { f.write("x/y/z/d.jpg", p.red) }, map[string][]byte{"x/y/z/d.jpg": p.red, "a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"renamed folder": {func(f *followed) {
			f.must(os.Rename(f.in("sub"), f.in("other")))
		}, map[string][]byte{"a.jpg": p.red, "other/b.jpg": p.yellow, "other/deep/c.jpg": p.green}},
		"folders that change places": {func(f *followed) {
			f.write("two/b.jpg", p.green)
			f.untilRows(map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green, "two/b.jpg": p.green})
			f.must(os.Rename(f.in("sub"), f.in("three")))
			f.must(os.Rename(f.in("two"), f.in("sub")))
			f.must(os.Rename(f.in("three"), f.in("two")))
		}, map[string][]byte{"a.jpg": p.red, "sub/b.jpg": p.green, "two/b.jpg": p.yellow, "two/deep/c.jpg": p.green}},
		"folder moved out": {func(f *followed) { f.must(os.Rename(f.in("sub"), filepath.Join(f.TempDir(), "sub"))) }, map[string][]byte{"a.jpg": p.red}},
		"folder moved in": {func(f *followed) {
			outside := apptest.Write(f.T, map[string][]byte{"in/1.jpg": p.red, "in/in/2.jpg": p.green})
			f.must(os.Rename(filepath.Join(outside, "in"), f.in("in")))
		}, map[string][]byte{"in/1.jpg": p.red, "in/in/2.jpg": p.green, "a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"folder deleted":           {func(f *followed) { f.must(os.RemoveAll(f.in("sub"))) }, map[string][]byte{"a.jpg": p.red}},
		"folder becomes a picture": {func(f *followed) { f.must(os.RemoveAll(f.in("sub"))); f.write("sub", p.red); f.write("sub.jpg", p.red) }, map[string][]byte{"a.jpg": p.red, "sub.jpg": p.red}},
		"links": {func(f *followed) {
			f.must(os.Symlink("..", f.in("sub/loop")))
			f.must(os.Symlink(f.in("sub"), f.in("folder.jpg")))
			f.must(os.Symlink(f.in("a.jpg"), f.in("sub/link.jpg")))
			f.must(os.Symlink("nowhere", f.in("sub/broken.jpg")))
		}, map[string][]byte{"sub/link.jpg": p.red, "a.jpg": p.red, "sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
		"folder that cannot be looked into": {func(f *followed) {
			f.must(os.Rename(f.in("sub"), filepath.Join(f.TempDir(), "sub")))
			f.must(os.Symlink("sub", f.in("sub"))) // a loop, since a test may run as root
			f.must(os.Remove(f.in("a.jpg")))
		}, map[string][]byte{"sub/b.jpg": p.yellow, "sub/deep/c.jpg": p.green}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowed(t, at.core, start)
			f.beginAt(at.cfg, at.core)
			f.untilRows(start)
			f.untilState(follow.StateWatching, "")
			tc.happens(f)
			f.untilRows(tc.want)
			f.stop() // and a scan finds nothing else
			f.events = nil
			f.beginAt(at.cfg, at.other)
			f.untilState(follow.StateWatching, "")
			f.untilRows(tc.want)
			if again := append(f.heard(follow.Indexed), f.heard(follow.Removed)...); len(again) > 0 {
				t.Errorf("the next scan indexes or removes %v", again)
			}
		})
	}
}

// TestWrittenSlowly writes a picture in pieces for longer than the quiet time. Where the machine pauses the writing for so
// long that the file looks written, another try is made.
func TestWrittenSlowly(t *testing.T) {
	t.Parallel()
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"first.jpg": newPictures(t).red})
	const quiet = time.Second
	f.begin(func(cfg *follow.Config, _ *follow.Deps) { cfg.Quiet = quiet })
	f.untilState(follow.StateWatching, "")
	for try := range 10 {
		name := strconv.Itoa(try) + ".jpg"
		content := apptest.JPEG(t, noise(try))
		steady := writeSlowly(f, name, content, quiet)
		want := sha256.Sum256(content)
		f.until("whole", func() bool { return f.rows()[name] == hex.EncodeToString(want[:]) })
		f.until("told", func() bool { return slices.Contains(f.heard(follow.Indexed), name) }) // after it is written
		if !steady {
			continue
		}
		indexed := slices.DeleteFunc(f.heard(follow.Indexed), func(path string) bool { return path != name })
		if failed := f.heard(follow.Failed); len(indexed) != 1 || slices.Contains(failed, name) {
			t.Errorf("indexed %v, failed %v; want it once, whole", indexed, failed)
		}
		return
	}
	t.Skip("the machine never wrote steadily")
}

// writeSlowly reports whether no two pieces were further apart than half the quiet time.
func writeSlowly(f *followed, name string, content []byte, quiet time.Duration) (steady bool) {
	file, err := os.Create(f.in(name))
	f.must(err)
	defer file.Close()
	const pieces = 40
	steady = true
	ticker := time.NewTicker(quiet * 3 / 2 / pieces)
	defer ticker.Stop()
	last := time.Now()
	for i := range pieces {
		<-ticker.C
		_, err := file.Write(content[len(content)*i/pieces : len(content)*(i+1)/pieces])
		f.must(err)
		steady = steady && time.Since(last) < quiet/2
		last = time.Now()
	}
	return steady
}

func noise(seed int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 120, 120))
	x := uint32(seed + 1)
	for i := range 120 * 120 {
		x = x*1664525 + 1013904223 // Numerical Recipes' generator
		m.Set(i%120, i/120, color.RGBA{uint8(x >> 24), uint8(x >> 16), uint8(x >> 8), 255})
	}
	return m
}

// TestMany moves a folder of many pictures in and out at once.
func TestMany(t *testing.T) {
	t.Parallel()
	p := newPictures(t)
	f := newFollowed(t, apptest.OpenCore(t, apptest.Config(t)), map[string][]byte{"a.jpg": p.red})
	f.begin(nil)
	f.untilState(follow.StateWatching, "")
	files, want := map[string][]byte{}, map[string][]byte{"a.jpg": p.red}
	for i := range 600 {
		name := strconv.Itoa(i%20) + "/" + strconv.Itoa(i) + ".jpg"
		files["in/"+name], want["in/"+name] = p.green, p.green
	}
	outside := apptest.Write(t, files)
	f.must(os.Rename(filepath.Join(outside, "in"), f.in("in")))
	f.untilRows(want)
	f.must(os.RemoveAll(f.in("in")))
	f.untilRows(map[string][]byte{"a.jpg": p.red})
}
