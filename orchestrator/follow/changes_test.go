package follow

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const quiet = time.Minute // which no test waits for: it says what time it is

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantSettled(t *testing.T, got settled, files, gone, folders []string) {
	t.Helper()
	for _, s := range [][]string{got.files, got.gone, got.folders} {
		slices.Sort(s)
	}
	if !slices.Equal(got.files, files) || !slices.Equal(got.gone, gone) || !slices.Equal(got.folders, folders) {
		t.Errorf("settled: %+v, want files %v, gone %v, folders %v", got, files, gone, folders)
	}
}

// TestSettle goes through what may happen to a file before it counts as written.
func TestSettle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	grows, done, leaves := filepath.Join(dir, "grows"), filepath.Join(dir, "done"), filepath.Join(dir, "leaves")
	write(t, grows, "a")
	write(t, done, "a")
	c := newChanges(quiet, 10)
	began := time.Now()
	c.touch(grows)
	c.touch(done)
	c.touch(leaves)
	c.lost(filepath.Join(dir, "folder"))
	wantSettled(t, c.take(began), nil, nil, nil) // nothing has been quiet for long enough
	write(t, grows, "ab")                        // and nobody hears of it
	now := time.Now().Add(quiet)
	wantSettled(t, c.take(now), []string{done}, []string{leaves}, []string{filepath.Join(dir, "folder")})
	wantSettled(t, c.take(now), nil, nil, nil)
	wantSettled(t, c.take(now.Add(quiet)), []string{grows}, nil, nil)
	if c.len() != 0 {
		t.Errorf("%d changes are left", c.len())
	}
}

// TestTouchedAgain has a file that is written to whenever it is about to be taken.
func TestTouchedAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	c := newChanges(quiet, 10)
	write(t, file, "a")
	c.touch(file)
	first := c.next(time.Now().Add(time.Hour))
	c.touch(file)
	if second := c.next(time.Now().Add(time.Hour)); !second.After(first) {
		t.Errorf("due at %v, as before", second)
	}
	wantSettled(t, c.take(first), nil, nil, nil)
}

// TestTooMany has more changes than are remembered: a scan takes their place.
func TestTooMany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newChanges(quiet, 3)
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		c.touch(filepath.Join(dir, name))
	}
	if c.len() != 0 {
		t.Errorf("%d changes are remembered beside the scan", c.len())
	}
	if c.scan(time.Now()) {
		t.Error("the scan is due at once, in the middle of it all")
	}
	later := time.Now().Add(quiet)
	if !c.scan(later) || c.scan(later) {
		t.Error("want one scan")
	}
	c.touch(filepath.Join(dir, "6"))
	if c.len() != 1 {
		t.Error("changes after the scan began are not remembered")
	}
}

func TestTopmost(t *testing.T) {
	t.Parallel()
	got := topmost([]string{"/a/b/c", "/a/bc", "/a/b", "/d"})
	if want := []string{"/a/b", "/a/bc", "/d"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
