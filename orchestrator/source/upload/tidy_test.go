package upload_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/source/upload"
)

// none is the sources of no jobs.
func none(context.Context) (map[string]bool, error) { return nil, nil }

func tidy(t *testing.T, store *upload.Store, wanted func(context.Context) (map[string]bool, error)) upload.Tidied {
	t.Helper()
	done, err := store.Tidy(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func there(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// age has files look as if they had been written so long ago.
func age(t *testing.T, by time.Duration, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Chtimes(path, time.Now().Add(-by), time.Now().Add(-by)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTidyRequests tidies a folder in which processes died over requests, and another still writes one.
func TestTidyRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	alive, err := store.Begin(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = alive.Close() }()
	if err := alive.Add(t.Context(), "1.jpg", strings.NewReader(jpeg)); err != nil {
		t.Fatal(err)
	}
	room := func(name string) string { return filepath.Join(dir, ".new", name) }
	write(t, room("killed/.lock"), "") // nobody holds it
	write(t, room("killed/0.jpg"), jpeg)
	write(t, room("before its lock/0.jpg"), jpeg)
	write(t, room("new/0.jpg"), jpeg)
	if err := os.Mkdir(room("empty"), 0o700); err != nil { // it died before it had a lock, or with it
		t.Fatal(err)
	}
	age(t, 2*time.Hour, room("before its lock/0.jpg"), room("before its lock"), room("new"))
	if done := tidy(t, store, none); done.Requests != 3 || there(t, room("killed")) || there(t, room("empty")) || there(t, room("before its lock")) || !there(t, room("new/0.jpg")) {
		t.Errorf("%+v", done)
	}
	kept, err := alive.Commit()
	if err != nil {
		t.Fatalf("a request that arrived was tidied away: %v", err)
	}
	if paths, failed := items(t, dir, kept); len(paths) != 1 || len(failed) != 0 {
		t.Errorf("%v, %v", paths, failed)
	}
}

// TestTidyTakesBack tidies after a process that died while files went to their places.
func TestTidyTakesBack(t *testing.T) {
	t.Parallel()
	const plan = `{"temporary":"0.jpg","path":"aa/bb/trip/1.jpg"}` + "\n" + `{"temporary":"1.jpg","path":"aa/bb/2.jpg"}` + "\n" + `{"temporary":"2.jpg","path":"../../out.jpg"}` + "\n"
	for name, tc := range map[string]struct {
		files, want map[string]string
		old         string // a file that is older than the plan
	}{
		"both moved":      {map[string]string{"aa/bb/trip/1.jpg": "1", "aa/bb/2.jpg": "2"}, map[string]string{"aa": ""}, ""},
		"one moved":       {map[string]string{"aa/bb/trip/1.jpg": "1", ".new/dead/1.jpg": "2"}, map[string]string{"aa": ""}, ""},
		"another's":       {map[string]string{"aa/bb/2.jpg": "2", ".new/dead/0.jpg": "1", ".new/dead/1.jpg": "2"}, map[string]string{"aa/bb/2.jpg": "2"}, ""},
		"beside another":  {map[string]string{"aa/bb/trip/1.jpg": "1", "aa/cc/3.jpg": "3"}, map[string]string{"aa/bb": "", "aa/cc/3.jpg": "3"}, ""},
		"another came":    {map[string]string{"aa/bb/trip/1.jpg": "1", "aa/bb/2.jpg": "2", "requests/0-.upload": `{"name":"2.jpg","path":"aa/bb/2.jpg"}`}, map[string]string{"aa/bb/trip": "", "aa/bb/2.jpg": "2"}, ""},
		"of other queues": {map[string]string{"aa/bb/2.jpg": "2", "requests/0-q.upload": `{"name":"2.jpg","path":"aa/bb/2.jpg"}`}, map[string]string{"aa/bb/2.jpg": "2"}, ""},
		"an older list":   {map[string]string{"aa/bb/2.jpg": "2", "requests/0-q.upload": `{"name":"2.jpg","path":"aa/bb/2.jpg"}`}, map[string]string{"aa": ""}, "requests/0-q.upload"},
	} {
		dir := filepath.Join(t.TempDir(), "deep", "uploads")
		store := open(t, dir)
		write(t, filepath.Join(dir, "..", "..", "out.jpg"), "outside")
		write(t, filepath.Join(dir, ".new", "dead", ".lock"), "")
		write(t, filepath.Join(dir, ".new", "dead", "plan"), plan)
		for path, text := range tc.files {
			write(t, filepath.Join(dir, path), text)
		}
		if tc.old != "" {
			age(t, time.Hour, filepath.Join(dir, tc.old))
		}
		if done := tidy(t, store, none); done.Requests != 1 || there(t, filepath.Join(dir, ".new", "dead")) || !there(t, filepath.Join(dir, "..", "..", "out.jpg")) {
			t.Errorf("%s: %+v", name, done)
		}
		for path, text := range tc.want {
			content, _ := os.ReadFile(filepath.Join(dir, path))
			if string(content) != text || there(t, filepath.Join(dir, path)) != (text != "") {
				t.Errorf("%s: %s is %q, want %q", name, path, content, text)
			}
		}
	}
}

// TestTidyWaits has a request come to its places while another process is to be tidied after, whose list would protect.
func TestTidyWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	kept, err := send(t, store, file{"1.jpg", jpeg})
	if err != nil {
		t.Fatal(err)
	}
	paths, _ := items(t, dir, kept)
	age(t, 48*time.Hour, kept.List)
	write(t, filepath.Join(dir, ".new", "dead", ".lock"), "")
	write(t, filepath.Join(dir, ".new", "dead", "plan"), "")
	placed := placing(t, dir)
	if done := tidy(t, store, none); done != (upload.Tidied{}) || !there(t, kept.List) || !there(t, filepath.Join(dir, ".new", "dead")) {
		t.Errorf("%+v while files go to their places", done)
	}
	placed()
	if done := tidy(t, store, none); done != (upload.Tidied{Requests: 1, Lists: 1}) || !there(t, paths["1.jpg"].Path) {
		t.Errorf("%+v", done)
	}
}

// TestTidyLists removes lists that no job names and nothing else.
func TestTidyLists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	lists := map[string]string{}
	for _, name := range []string{"forgotten", "read", "new", "sent again"} {
		kept, err := send(t, store, file{name + ".jpg", jpeg})
		if err != nil {
			t.Fatal(err)
		}
		lists[name] = kept.List
		if name != "new" {
			age(t, 25*time.Hour, kept.List)
		}
	}
	lists["of another queue"] = filepath.Join(dir, "requests", "00-other.upload")
	write(t, lists["of another queue"], "")
	age(t, 48*time.Hour, lists["of another queue"])
	if _, err := store.Tidy(t.Context(), func(context.Context) (map[string]bool, error) { return nil, fs.ErrInvalid }); !errors.Is(err, fs.ErrInvalid) || !there(t, lists["forgotten"]) {
		t.Errorf("without knowing the jobs: %v", err)
	}
	done := tidy(t, store, func(context.Context) (map[string]bool, error) {
		if _, err := send(t, store, file{"sent again.jpg", jpeg}); err != nil { // its job is not made yet
			t.Error(err)
		}
		return map[string]bool{lists["read"]: true}, nil
	})
	if done.Lists != 1 {
		t.Errorf("%+v", done)
	}
	for name, list := range lists {
		if there(t, list) != (name != "forgotten") {
			t.Errorf("%s: is there: %t", name, there(t, list))
		}
	}
	asked := false
	tidy(t, open(t, t.TempDir()), func(context.Context) (map[string]bool, error) { asked = true; return nil, nil })
	if asked {
		t.Error("jobs are asked for although there is no list")
	}
}

// TestCommitFails has a request break off when a part of it is at its place.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	write(t, filepath.Join(dir, "requests"), "a file where a folder belongs")
	if kept, err := send(t, store, file{"a/1.jpg", jpeg}, file{"2.jpg", jpeg + "2"}); err == nil {
		t.Fatalf("%+v", kept)
	}
	if err := os.Remove(filepath.Join(dir, "requests")); err != nil {
		t.Fatal(err)
	}
	nothing(t, dir)
}

// placing locks the folder, as a process does while it puts files to their places, until placed is called.
func placing(t *testing.T, dir string) (placed func()) {
	t.Helper()
	lock := flock.New(filepath.Join(dir, ".lock"))
	if err := lock.RLock(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}
