package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"clipseek/orchestrator/disk"
)

// Each names a folder that this program, started again by a test, writes a file in.
const (
	killedFolder  = "DISK_TEST_KILLED"  // until it is killed
	limitedFolder = "DISK_TEST_LIMITED" // of which the system takes half
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(killedFolder); folder != "" {
		writeForEver(filepath.Join(folder, "file"))
	}
	if folder := os.Getenv(limitedFolder); folder != "" {
		os.Exit(writeLimited(filepath.Join(folder, "file")))
	}
	os.Exit(m.Run())
}

// long is a file that no single write of the system's is sure to take whole, and that tells which of its kind it is.
func long(number int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%07d\n", number), 1<<17)
}

// isLong reports whether content is one of long's, from its beginning to its end.
func isLong(content []byte) bool {
	return len(content) == 1<<20 && bytes.Count(content, content[:8]) == 1<<17
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(string, []byte, fs.FileMode) error{"synced": disk.Write, "unsynced": disk.WriteUnsynced} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "file")
			for _, content := range []string{"first and long", "second", ""} {
				if err := write(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(path)
				if err != nil || string(got) != content {
					t.Errorf("%q and %v, want %q", got, err, content)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("mode %v and %v, want 0600", info.Mode(), err)
			}
			if got := names(t, folder); !slices.Equal(got, []string{"file"}) {
				t.Errorf("the folder holds %q", got)
			}
		})
	}
}

// TestReadersSeeWholeFiles has several write one file and several read it.
func TestReadersSeeWholeFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := disk.Write(path, long(0), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	written := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			for i := range 20 {
				if err := disk.WriteUnsynced(path, long(100*w+i), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		readers.Go(func() {
			for {
				content, err := os.ReadFile(path)
				if err != nil || !isLong(content) {
					t.Errorf("%v, %d bytes that are no whole file", err, len(content))
					return
				}
				select {
				case <-written:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(written)
	readers.Wait()
	if got := names(t, folder); !slices.Equal(got, []string{"file"}) {
		t.Errorf("the folder holds %q", got)
	}
}

func writeForEver(path string) {
	for i := 0; ; i++ {
		if err := disk.WriteUnsynced(path, long(i), 0o600); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

// TestKilledWriter kills a process at whatever it is doing after so many files.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for after := range 10 {
		t.Run(strconv.Itoa(after), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Env = append(os.Environ(), killedFolder+"="+folder)
			said, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(said, make([]byte, 2*(after+1))); err != nil { // a digit and a line's end each
				t.Error(err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // it was killed
			content, err := os.ReadFile(filepath.Join(folder, "file"))
			if err != nil || !isLong(content) {
				t.Errorf("%v, %d bytes that are no whole file", err, len(content))
			}
			for _, name := range names(t, folder) {
				if name != "file" && !strings.HasPrefix(name, ".clipseek-") {
					t.Errorf("%s was left", name)
				}
			}
		})
	}
}

// writeLimited is 0 where the system refused as it does on a full disk: in the middle.
func writeLimited(path string) int {
	signal.Ignore(syscall.SIGXFSZ)
	half := syscall.Rlimit{Cur: 1 << 19, Max: 1 << 19}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &half); err != nil {
		return 2
	}
	if err := disk.Write(path, long(1), 0o600); !errors.Is(err, syscall.EFBIG) {
		return 3
	}
	return 0
}

func TestFailedWriter(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := disk.Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), limitedFolder+"="+folder)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("%q and %v, want the old file", got, err)
	}
	if got := names(t, folder); !slices.Equal(got, []string{"file"}) {
		t.Errorf("the folder holds %q", got)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(f *disk.File, folder string) error
		err  error
		want []string
	}{
		"kept":    {end: func(f *disk.File, folder string) error { return f.Keep(filepath.Join(folder, "new")) }, want: []string{"folder", "new", "old"}},
		"dropped": {end: func(*disk.File, string) error { return nil }, want: []string{"folder", "old"}},
		"replaces": {
			end:  func(f *disk.File, folder string) error { return f.Keep(filepath.Join(folder, "old")) },
			want: []string{"folder", "old"},
		},
		"a folder is in its place": {
			end: func(f *disk.File, folder string) error { return f.Keep(filepath.Join(folder, "folder")) },
			err: fs.ErrExist, want: []string{"folder", "old"},
		},
		"no folder": {
			end: func(f *disk.File, folder string) error { return f.Keep(filepath.Join(folder, "none", "new")) },
			err: fs.ErrNotExist, want: []string{"folder", "old"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(folder, "folder"), 0o700), os.WriteFile(filepath.Join(folder, "old"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			f, err := disk.Create(folder, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("content")); err != nil {
				t.Fatal(err)
			}
			if err := tt.end(f, folder); !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			f.Drop()
			f.Drop() // again
			if got := names(t, folder); !slices.Equal(got, tt.want) {
				t.Errorf("the folder holds %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	err := errors.Join(os.MkdirAll(in("made/deep"), 0o700), os.WriteFile(in("made/deep/file"), []byte("a"), 0o600),
		os.Symlink("nowhere", in("made/link")), // which is nothing to sync
		os.WriteFile(in("part"), []byte("b"), 0o600), os.WriteFile(in("whole"), []byte("old"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(disk.Rename(in("made"), in("model")), disk.Rename(in("part"), in("whole"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"model/deep/file": "a", "whole": "b"} {
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != want {
			t.Errorf("%s: %q and %v, want %q", name, got, err, want)
		}
	}
	if got := names(t, folder); !slices.Equal(got, []string{"model", "whole"}) {
		t.Errorf("the folder holds %q", got)
	}
	if err := disk.Rename(in("nothing"), in("whole")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that it is not there", err)
	}
}

func TestMakeFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // the second time it is there
		if err := disk.MakeFolder(filepath.Join(dir, "a/b//c"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "a/b/c")); err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := disk.MakeFolder(filepath.Join(dir, "file/below"), 0o700); err == nil {
		t.Error("a folder below a file was made")
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	if room, err := disk.Room(t.TempDir()); err != nil || room <= 0 {
		t.Errorf("%d and %v", room, err)
	}
	if _, err := disk.Room(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that it is not there", err)
	}
}
