package archive_test

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/archive"
)

// TestShard reads the side files of WebDataset groups.
func TestShard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files []file
		want  map[string]map[string]any
	}{
		"behind":      {[]file{{"1.jpg", "x"}, {"1.txt", " a red apple \n"}, {"2.jpg", "x"}}, map[string]map[string]any{"1.jpg": {"caption": "a red apple"}, "2.jpg": {}}},
		"before":      {[]file{{"1.json", `{"n": 3}`}, {"1.txt", "one"}, {"1.jpg", "x"}, {"2.txt", "two"}, {"2.png", "x"}}, map[string]map[string]any{"1.jpg": {"n": int64(3), "caption": "one"}, "2.png": {"caption": "two"}}},
		"around":      {[]file{{"a/1.b.caption", "one"}, {"a/1.b.jpg", "x"}, {"a/1.b.cls", "7\n"}, {"b/1.b.jpg", "x"}}, map[string]map[string]any{"a/1.b.jpg": {"caption": "one", "cls": int64(7)}, "b/1.b.jpg": {}}},
		"two of one":  {[]file{{"1.jpg", "x"}, {"1.png", "x"}, {"1.txt", "both"}}, map[string]map[string]any{"1.jpg": {"caption": "both"}, "1.png": {"caption": "both"}}},
		"apart":       {[]file{{"1.jpg", "x"}, {"2.jpg", "x"}, {"1.txt", "late"}}, map[string]map[string]any{"1.jpg": {}, "2.jpg": {}}},
		"who wins":    {[]file{{"1.jpg", "x"}, {"1.txt", "text"}, {"1.cls", "1"}, {"1.json", `{"caption": "json", "cls": 2, "key": "k"}`}}, map[string]map[string]any{"1.jpg": {"caption": "text", "cls": int64(1), "key": "k"}}},
		"JSON's kind": {[]file{{"1.json", "\ufeff" + `{"s":"x","i":-5,"f":2.5,"e":1e3,"big":12345678901234567890,"b":true,"list":["a","b"],"none":[],"mixed":["a",1],"null":null,"inner":{"a":1},"a name":"y"}`}, {"1.jpg", "x"}}, map[string]map[string]any{"1.jpg": {"s": "x", "i": int64(-5), "f": 2.5, "e": 1e3, "big": 12345678901234567890.0, "b": true, "list": []string{"a", "b"}, "none": []string{}, "a name": "y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tarred := tarOf(t, tc.files...)
			for name, b := range map[string][]byte{"s.tar": tarred, "s.tar.gz": gzipped(t, tarred)} {
				got := map[string]map[string]any{}
				a := open(t, save(t, name, b), nil)
				for item, err := range a.Items(t.Context(), "") {
					if err != nil {
						t.Fatal(err)
					}
					got[strings.TrimPrefix(item.Path, a.Name()+"!/")] = item.Fields
				}
				if !reflect.DeepEqual(got, tc.want) {
					t.Errorf("%s: %v, want %v", name, got, tc.want)
				}
			}
		})
	}
}

// TestShardFaults fails the pictures of a group with a bad side file, and no other.
func TestShardFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		side file
		want string
	}{
		"no JSON":       {file{"1.json", `{"a":`}, "its side file 1.json: it is not a JSON object"},
		"a list":        {file{"1.json", `[1]`}, "not a JSON object"},
		"null":          {file{"1.json", `null`}, "not a JSON object"},
		"two objects":   {file{"1.json", `{} {}`}, "more than one"},
		"no UTF-8":      {file{"1.txt", "\xff\xfe"}, "1.txt: it is not UTF-8"},
		"too large":     {file{"1.txt", strings.Repeat("x", 64<<10+1)}, "more than 65536 bytes"},
		"no class":      {file{"1.cls", "apple"}, "1.cls: it holds no whole number"},
		"a large class": {file{"1.cls", "12345678901234567890"}, "no whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, save(t, "s.tar", tarOf(t, file{"1.jpg", "x"}, tc.side, file{"2.jpg", "x"})), nil)
			names, faults := list(t, a)
			if fmt.Sprint(names) != "[2.jpg]" || !strings.Contains(faults["1.jpg"], tc.want) {
				t.Errorf("names %q, faults %q", names, faults)
			}
		})
	}
}

// TestMemory lists very many pictures and bounds what is live at any time: 100 bytes a picture, of which the map of names
// takes a third. A tar that holds nothing has 1 KB for each, so there are fewer of it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes files of 100 MB")
	}
	for name, n := range map[string]int{"m.tar": 100_000, "m.zip": 1_000_000} {
		write := writeTar(n)
		if name == "m.zip" {
			write = writeZip(n)
		}
		most := uint64(100 * n)
		path := filepath.Join(t.TempDir(), name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriterSize(f, 1<<20)
		write(t, w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		before, highest, seen := live(), uint64(0), 0
		for item, err := range open(t, path, nil).Items(t.Context(), "") {
			if err != nil {
				t.Fatal(item.Path, err)
			}
			if seen++; seen%(n/5) == 0 {
				highest = max(highest, live())
			}
		}
		if seen != n || highest > before+most {
			t.Errorf("%s: %d items; %d MB are live, before it were %d", name, seen, highest>>20, before>>20)
		}
		t.Logf("%s: %d MB live while %d pictures are listed, %d before", name, highest>>20, n, before>>20)
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// live is the bytes of the heap that are in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func writeTar(n int) func(*testing.T, *bufio.Writer) {
	return func(t *testing.T, w *bufio.Writer) {
		tw := tar.NewWriter(w)
		for i := range n {
			if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("folder-%03d/picture-%07d.jpg", i/1000, i), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeZip writes records that share one local header: only the directory is read. There are more of them than 16 bits
// count.
func writeZip(n int) func(*testing.T, *bufio.Writer) {
	return func(_ *testing.T, w *bufio.Writer) {
		record := make([]byte, 46)
		copy(record, "PK\x01\x02")
		size := 0
		for i := range n {
			name := fmt.Sprintf("folder-%03d/picture-%07d.jpg", i/1000, i)
			binary.LittleEndian.PutUint16(record[28:], uint16(len(name)))
			_, _ = w.Write(record) // Flush tells
			_, _ = w.WriteString(name)
			size += len(record) + len(name)
		}
		end := make([]byte, 22)
		copy(end, "PK\x05\x06")
		binary.LittleEndian.PutUint16(end[10:], uint16(n&0xffff))
		binary.LittleEndian.PutUint32(end[12:], uint32(size))
		_, _ = w.Write(end)
	}
}

// TestStreamsAreShared opens the pictures of a compressed tar as workers do, and counts how often it is read.
func TestStreamsAreShared(t *testing.T) {
	t.Parallel()
	var files []file
	for i := range 500 {
		files = append(files, file{fmt.Sprintf("%03d.jpg", i), noise(100)})
	}
	a := open(t, save(t, "s.tar.gz", gzipped(t, tarOf(t, files...))), nil)
	var items []source.Item
	for item, err := range a.Items(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	before := archive.StreamsBegun(a)
	for i := 0; i+4 <= len(items); i += 4 { // as four workers that overtake each other
		for _, j := range []int{3, 1, 0, 2} {
			r, err := a.Open(t.Context(), items[i+j])
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
	}
	if got := archive.StreamsBegun(a) - before; got != 1 {
		t.Errorf("the archive was begun %d times", got)
	}
	if _, err := a.Open(t.Context(), source.Item{Path: a.Name() + "!/000.jpg", Place: "7.0.0.0"}); err != nil {
		t.Errorf("a place of another archive: %v", err)
	}
	if _, err := a.Open(t.Context(), source.Item{Path: "/elsewhere.jpg"}); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("an item of elsewhere: %v", err)
	}
}

func FuzzTar(f *testing.F) {
	whole := tarOf(f, file{"1.json", `{"a": 1}`}, file{"1.jpg", "x"}, file{"b/" + strings.Repeat("n", 120) + ".png", "y"}, file{"2.jpg", "z"})
	f.Add(whole)
	f.Add(whole[:1500])
	f.Add(gzipped(f, whole))
	f.Add(zstandard(f, whole))
	f.Fuzz(func(t *testing.T, b []byte) { exercise(t, "f.tar", b) })
}

func FuzzZip(f *testing.F) {
	whole := zipOf(f, nil, file{"1.jpg", "x"}, file{"b/2.png", strings.Repeat("y", 100)})
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(append([]byte("prefix"), whole...))
	f.Fuzz(func(t *testing.T, b []byte) { exercise(t, "f.zip", b) })
}

// exercise lists and reads whatever is there: no panic, no fault of our own, no place twice, no name that leads out.
func exercise(t *testing.T, name string, b []byte) {
	cfg := archive.Default()
	cfg.MaxItemBytes, cfg.MaxTotalBytes = 1<<20, 16<<20
	a, err := archive.Open(save(t, name, b), cfg)
	if err != nil {
		return
	}
	defer a.Close()
	places := map[string]bool{}
	for item, err := range a.Items(t.Context(), "") {
		if places[item.Place] || item.Path == "" || fault.KindOf(err) == fault.KindInternal && err != nil {
			t.Fatalf("%+v, %v", item, err)
		}
		places[item.Place] = true
		if err != nil {
			continue
		}
		if !filepath.IsLocal(strings.TrimPrefix(item.Path, a.Name()+"!/")) {
			t.Fatalf("%q leads out", item.Path)
		}
		r, err := a.Open(t.Context(), item)
		if err == nil {
			_, err = discard(r)
		}
		if err != nil && fault.KindOf(err) == fault.KindInternal {
			t.Fatal(err)
		}
	}
}
