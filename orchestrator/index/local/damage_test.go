package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
)

// writeIndex makes a file with some steps of the history in it and returns its bytes.
func writeIndex(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "index.db")
	db, err := local.Open(t.Context(), config(file))
	if err != nil {
		t.Fatal(err)
	}
	idx := openShared(t, db)
	for step := range 20 {
		if err := doStep(t.Context(), idx, step); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// useAll opens a file and calls everything that reads and writes; it returns the first error.
func useAll(t *testing.T, file string) error {
	t.Helper()
	db, err := local.Open(t.Context(), config(file))
	if err != nil {
		return err
	}
	defer db.Close()
	idx, err := db.Open(t.Context(), childSpec())
	if err != nil {
		return err
	}
	records := stepRecords(3)
	_, err = idx.Search(t.Context(), index.Query{Vector: records[0].Vector, Limit: 50})
	if err != nil {
		return err
	}
	for _, err := range idx.(index.Iterator).Iterate(t.Context(), index.Walk{Vectors: true}) {
		if err != nil {
			return err
		}
	}
	if err := idx.Upsert(t.Context(), records); err != nil {
		return err
	}
	_, err = idx.Delete(t.Context(), stepIDs(5))
	return err
}

func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	good := writeIndex(t)
	for name, tc := range map[string]struct {
		make func(t *testing.T, file string)
		kind fault.Kind
		says string
	}{
		"text":         {content([]byte(strings.Repeat("not a database\n", 1000))), fault.KindInvalid, "not an index of clipseek"},
		"picture":      {content([]byte("\xff\xd8\xff\xe0 a JPEG")), fault.KindInvalid, "not an index of clipseek"},
		"half":         {content(good[:len(good)/2]), fault.KindUnavailable, "damaged"},
		"zeros inside": {content(append(append(append([]byte{}, good[:20_000]...), make([]byte, 200_000)...), good[220_000:]...)), fault.KindUnavailable, "damaged"},
		"folder":       {func(t *testing.T, file string) { check(t, os.Mkdir(file, 0o700)) }, fault.KindInvalid, "is not a file"},
		"another program's": {func(t *testing.T, file string) {
			db := openFile(t, file)
			db.Execute(t, "PRAGMA application_id = 7")
			check(t, db.Close())
		}, fault.KindInvalid, "another program"},
		"newer": {func(t *testing.T, file string) {
			db := openFile(t, file)
			db.Execute(t, "PRAGMA user_version = 1000")
			check(t, db.Close())
		}, fault.KindConflict, "newer clipseek"},
		"short vector": {func(t *testing.T, file string) {
			content(good)(t, file)
			db := openFile(t, file)
			db.Execute(t, "UPDATE vectors_1 SET vector = x'00' WHERE slot = 3")
			check(t, db.Close())
		}, fault.KindUnavailable, "damaged"},
		"vector of NaN": {func(t *testing.T, file string) {
			content(good)(t, file)
			db := openFile(t, file)
			db.Execute(t, "UPDATE vectors_1 SET vector = ? WHERE slot = 3", bytes.Repeat([]byte{0, 0, 0xc0, 0x7f}, childWidth))
			check(t, db.Close())
		}, fault.KindUnavailable, "damaged"},
		"slot out of range": {func(t *testing.T, file string) {
			content(good)(t, file)
			db := openFile(t, file)
			db.Execute(t, "UPDATE collections SET slots = 1")
			check(t, db.Close())
		}, fault.KindUnavailable, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "index.db")
			tc.make(t, file)
			err := useAll(t, file)
			if err == nil || fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.says) || !strings.Contains(fault.Public(err), file) {
				t.Errorf("got %v (%v), want %v that says %q and names the file", err, fault.KindOf(err), tc.kind, tc.says)
			}
		})
	}
}

func content(b []byte) func(*testing.T, string) {
	return func(t *testing.T, file string) { check(t, os.WriteFile(file, b, 0o600)) }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRandomDamage overwrites parts of a file. What comes of it is nothing or an error that says so, and never a panic.
func TestRandomDamage(t *testing.T) {
	t.Parallel()
	good := writeIndex(t)
	r := rand.New(rand.NewPCG(1, 0))
	folder := t.TempDir()
	for n := range 40 {
		bad := bytes.Clone(good)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(bad))
			for i := at; i < min(at+1+r.IntN(3000), len(bad)); i++ {
				bad[i] = byte(r.Uint32())
			}
		}
		file := filepath.Join(folder, fmt.Sprint(n))
		check(t, os.WriteFile(file, bad, 0o600))
		err := useAll(t, file)
		if kind := fault.KindOf(err); err != nil && kind != fault.KindUnavailable && kind != fault.KindInvalid {
			t.Errorf("damage %d is reported as %v (%v)", n, err, kind)
		}
	}
}

func TestUnusualPlaces(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"characters of URLs":  "a b?mode=ro#c%20d&e;f/index.db",
		"characters of SQL":   "it's \"x\" -- 图片/index.db",
		"a folder to be made": "a/b/c/index.db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), file)
			check(t, useAll(t, file))
			if _, err := os.Stat(file); err != nil {
				t.Errorf("the file is elsewhere: %v", err)
			}
		})
	}
	empty := filepath.Join(t.TempDir(), "index.db")
	check(t, os.WriteFile(empty, nil, 0o600))
	check(t, useAll(t, empty))

	blocked := filepath.Join(empty, "index.db")
	if _, err := local.Open(t.Context(), config(blocked)); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("a folder that is a file: %v", err)
	}
	folder := t.TempDir()
	check(t, os.Chmod(folder, 0o500))
	if probe, err := os.CreateTemp(folder, ""); err == nil {
		check(t, probe.Close())
		t.Log("this user may write everywhere, so a read-only folder cannot be tried")
		return
	}
	_, err := local.Open(t.Context(), config(filepath.Join(folder, "index.db")))
	if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), folder) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a read-only folder: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	idx := openShared(t, db)
	check(t, idx.Upsert(t.Context(), stepRecords(0)))
	db.Setting(t, "max_page_count = 30") // SQLite then answers as it does when the disk is full
	var err error
	steps := 1
	for ; err == nil && steps < 1_000; steps++ {
		err = idx.Upsert(t.Context(), stepRecords(steps*10))
	}
	if fault.KindOf(err) != fault.KindUnavailable || !strings.Contains(fault.Public(err), "no room") {
		t.Fatalf("got %v, want Unavailable for want of room", err)
	}
	if got := len(contentOf(t, idx)); got != (steps-1)*childBatch {
		t.Errorf("%d records are there after the disk was full, want %d", got, (steps-1)*childBatch)
	}
	db.Setting(t, "max_page_count = 100000")
	check(t, idx.Upsert(t.Context(), stepRecords((steps-1)*10)))
}

func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	first := openShared(t, openFile(t, file))
	check(t, first.Upsert(t.Context(), stepRecords(0)))
	impatient := config(file)
	impatient.Wait = 1
	db, err := local.Open(t.Context(), impatient)
	check(t, err)
	defer db.Close()
	second := openShared(t, db)

	other := openFile(t, file)
	other.Execute(t, "BEGIN IMMEDIATE")
	err = second.Upsert(t.Context(), stepRecords(1))
	if fault.KindOf(err) != fault.KindUnavailable || fault.RetryAfter(err) == 0 || !strings.Contains(fault.Public(err), "locked") {
		t.Errorf("a write while another process writes: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := first.Upsert(ctx, stepRecords(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write that waits for another process past its deadline: %v", err)
	}
	if got := contentOf(t, second); len(got) != childBatch {
		t.Errorf("a search while another process writes finds %d records", len(got))
	}
	other.Execute(t, "ROLLBACK")
	check(t, second.Upsert(t.Context(), stepRecords(1)))
}

func TestOpenedByManyAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			db, err := local.Open(t.Context(), config(file))
			if err != nil {
				t.Errorf("open %d: %v", i, err)
				return
			}
			defer db.Close()
			if _, err := db.Open(t.Context(), childSpec()); err != nil {
				t.Errorf("open %d: %v", i, err)
			}
		})
	}
	group.Wait()
}

func TestDurableSettings(t *testing.T) {
	t.Parallel()
	db := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "page_size": "16384", "auto_vacuum": "2"} {
		if got := db.Setting(t, pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestRoomIsGivenBack(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	db := openFile(t, file)
	idx := openShared(t, db)
	memory := func() int64 {
		contentOf(t, idx)
		stats, err := idx.(index.Describer).Stats(t.Context())
		check(t, err)
		return stats.MemoryBytes
	}
	fill := func(from int) {
		for step := from; step < from+70; step += 7 {
			check(t, idx.Upsert(t.Context(), stepRecords(step)))
		}
	}
	fill(0)
	full := memory()
	var all []int64
	for id := range contentOf(t, idx) {
		all = append(all, id)
	}
	_, err := idx.Delete(t.Context(), all)
	check(t, err)
	if rest := memory(); rest != 0 {
		t.Errorf("%d bytes are held for no records", rest)
	}
	fill(700)
	if again := memory(); again != full {
		t.Errorf("as many records as before take %d bytes, were %d", again, full)
	}
	check(t, db.Drop(t.Context(), childSpec().Collection))
	db.Execute(t, "PRAGMA wal_checkpoint(TRUNCATE)")
	info, err := os.Stat(file)
	check(t, err)
	if info.Size() > 10*16384 {
		t.Errorf("the file has %d bytes after its only collection was dropped", info.Size())
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index.db")
	db := openFile(t, file)
	for name, tc := range map[string]struct {
		err  error
		kind fault.Kind
		says string
	}{
		"full":           {sqlite3.Error{Code: sqlite3.ErrFull}, fault.KindUnavailable, "no room"},
		"full by write":  {sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}, fault.KindUnavailable, "no room"},
		"broken disk":    {sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EIO}, fault.KindUnavailable, "does not work"},
		"read-only":      {sqlite3.Error{Code: sqlite3.ErrReadonly}, fault.KindUnavailable, "writable"},
		"taken away":     {sqlite3.Error{Code: sqlite3.ErrCantOpen}, fault.KindUnavailable, "writable"},
		"damaged":        {fmt.Errorf("scan: %w", sqlite3.Error{Code: sqlite3.ErrCorrupt}), fault.KindUnavailable, "damaged"},
		"not a database": {sqlite3.Error{Code: sqlite3.ErrNotADB}, fault.KindInvalid, "not an index"},
		"locked":         {sqlite3.Error{Code: sqlite3.ErrBusy}, fault.KindUnavailable, "locked"},
		"memory":         {sqlite3.Error{Code: sqlite3.ErrNomem}, fault.KindUnavailable, "memory"},
		"our mistake":    {sqlite3.Error{Code: sqlite3.ErrError}, fault.KindInternal, "internal"},
	} {
		err := db.Translate(tc.err)
		if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.says) {
			t.Errorf("%s: got %v: %s", name, fault.KindOf(err), fault.Public(err))
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  local.Config
		says []string
	}{
		"empty":    {local.Config{}, []string{"file is empty", "wait is 0s"}},
		"negative": {local.Config{File: "x", Wait: -1}, []string{"wait is -1ns"}},
	} {
		_, err := local.Open(t.Context(), tc.cfg)
		if fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
		for _, text := range tc.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v does not say %q", name, err, text)
			}
		}
	}
}
