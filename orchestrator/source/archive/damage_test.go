package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/archive"
)

// noise does not compress.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return string(b)
}

// TestZipRefusals has entries that cannot be read beside one that can.
func TestZipRefusals(t *testing.T) {
	t.Parallel()
	marked := func(change func(*zip.FileHeader)) func(*zip.FileHeader) {
		return func(h *zip.FileHeader) {
			if h.Name == "bad.jpg" {
				change(h)
			}
		}
	}
	files := []file{{"bad.jpg", "content of it"}, {"good.jpg", "good"}}
	patch := func(signature string, at int, value uint16) []byte { // of the first record
		b := zipOf(t, nil, files...)
		binary.LittleEndian.PutUint16(b[bytes.Index(b, []byte(signature))+at:], value)
		return b
	}
	for name, tc := range map[string]struct {
		zip  []byte
		want string
	}{
		"encrypted":        {patch("PK\x01\x02", 8, 1), "the entry is encrypted; unpack the archive with its password and ingest the folder"},
		"LZMA":             {patch("PK\x01\x02", 10, 14), "packed by method 14 (LZMA), which is not read"},
		"AES":              {patch("PK\x01\x02", 10, 99), "packed by method 99 (AES encryption)"},
		"of another world": {patch("PK\x01\x02", 10, 4711), "packed by method 4711,"},
		"a link":           {zipOf(t, marked(func(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink | 0o777) }), files...), "a link"},
		"size":             {patch("PK\x01\x02", 26, 0x7000), "image.max_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, save(t, "z.zip", tc.zip), nil)
			names, faults := list(t, a)
			if !slices.Equal(names, []string{"good.jpg"}) || !strings.Contains(faults["bad.jpg"], tc.want) {
				t.Errorf("names %q, faults %q", names, faults)
			}
			if got, err := read(t, a, "good.jpg"); got != "good" || err != nil {
				t.Errorf("the other: %q, %v", got, err)
			}
		})
	}
}

// TestZipDamage has damage that is met when an entry is opened.
func TestZipDamage(t *testing.T) {
	t.Parallel()
	files := []file{{"bad.jpg", noise(5000)}, {"good.jpg", "good"}}
	whole := func() []byte { return zipOf(t, nil, files...) }
	record := bytes.Index(whole(), []byte("PK\x01\x02"))
	for name, change := range map[string]func(b []byte){
		"content":        func(b []byte) { b[2000] ^= 0xff },
		"checksum":       func(b []byte) { b[record+16] ^= 1 },
		"says more":      func(b []byte) { b[record+24]++ },
		"says less":      func(b []byte) { b[record+24]-- },
		"packed less":    func(b []byte) { b[record+20] -= 10 },
		"local header":   func(b []byte) { b[1] = 'x' },
		"outside":        func(b []byte) { b[record+44] = 0x70 },
		"packed outside": func(b []byte) { b[record+22] = 0x70 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := whole()
			change(b)
			a := open(t, save(t, "z.zip", b), nil)
			if got, err := read(t, a, "bad.jpg"); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), "bad.jpg") {
				t.Errorf("it holds %d bytes, %v", len(got), err)
			}
			if got, err := read(t, a, "good.jpg"); got != "good" || err != nil {
				t.Errorf("the other: %q, %v", got, err)
			}
		})
	}
	for name, b := range map[string][]byte{"cut": whole()[:record+5], "directory": bytes.Replace(whole(), []byte("PK\x01\x02"), []byte("PK\x01\x09"), 1), "end": whole()[:len(whole())-1], "head alone": []byte("PK\x03\x04")} {
		names, faults := list(t, open(t, save(t, "z.zip", b), nil))
		if len(names) > 0 || len(faults) != 1 {
			t.Errorf("%s: names %q, faults %q", name, names, faults)
		}
	}
}

// TestTarRefusals has special entries with pictures' names.
func TestTarRefusals(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, kind := range map[string]byte{"symbolic.jpg": tar.TypeSymlink, "hard.jpg": tar.TypeLink, "fifo.jpg": tar.TypeFifo, "device.jpg": tar.TypeChar, "folder.jpg": tar.TypeDir} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: "/etc/passwd"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "global.jpg", PAXRecords: map[string]string{"comment": "x"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Name: "good.jpg", Size: 4, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "good"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"r.tar": b.Bytes(), "r.tgz": gzipped(t, b.Bytes())} {
		a := open(t, save(t, name, content), nil)
		names, faults := list(t, a)
		if !slices.Equal(names, []string{"good.jpg"}) || len(faults) != 4 || !strings.Contains(faults["hard.jpg"], "a link") || !strings.Contains(faults["fifo.jpg"], "no file") {
			t.Errorf("names %q, faults %q", names, faults)
		}
		if got, err := read(t, a, "good.jpg"); got != "good" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// TestTarCut ends archives at many bytes: what came before is listed and opens, and the end is told once.
func TestTarCut(t *testing.T) {
	t.Parallel()
	var files []file
	for _, name := range []string{"1.jpg", "2.jpg", "3.jpg", "4.jpg"} {
		files = append(files, file{name, noise(12_000)[3000*len(files):][:3000]})
	}
	whole := tarOf(t, files...)
	damaged := bytes.Clone(whole)
	copy(damaged[2*(512+3072):], strings.Repeat("?", 512))
	for name, tc := range map[string]struct {
		b    []byte
		good int
		want string
	}{
		"in a header":     {whole[:2*(512+3072)+100], 2, "cut short"},
		"damaged header":  {damaged, 2, "damaged"},
		"in a content":    {whole[:2*(512+3072)+1000], 2, "cut short"},
		"gzip":            {gzipped(t, whole)[:9500], 3, "cut short"},
		"gzip's checksum": {append(gzipped(t, whole)[:len(gzipped(t, whole))-8], "12345678"...), 4, "damaged"},
		"zstd":            {zstandard(t, whole)[:9500], 0, "cut short"}, // a block of it has 128 KiB
		"damaged gzip":    {gzipped(t, damaged), 2, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, save(t, "cut.tar", tc.b), nil)
			good, broken := 0, ""
			for item, err := range a.Items(t.Context(), "") {
				if item.Path == a.Name() {
					broken = fault.Public(err)
					for range a.Items(t.Context(), item.Place) {
						t.Error("something comes behind the end")
					}
					continue
				}
				if err != nil {
					continue
				}
				r, err := a.Open(t.Context(), item)
				if err != nil {
					continue
				}
				if b, err := io.ReadAll(r); err == nil && slices.ContainsFunc(files, func(f file) bool { return f.content == string(b) }) {
					good++
				}
				r.Close()
			}
			if good != tc.good || !strings.Contains(broken, tc.want) {
				t.Errorf("%d are good, want %d; %q lacks %q", good, tc.good, broken, tc.want)
			}
		})
	}
}

// TestBombs have every limit ended by its own archive.
func TestBombs(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 20<<20)
	first := file{"first.jpg", "good"}
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tarOf(t, first, file{"zeros.bin", zeros}, file{"last.jpg", "x"})); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lying := zipOf(t, nil, first, file{"bomb.jpg", zeros})
	record := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[record+24:], 1000) // it says less than it has
	plain := tarOf(t, first, file{"2.jpg", "2"}, file{"3.jpg", "3"}, file{"4.jpg", "4"})
	for name, tc := range map[string]struct {
		b      []byte
		change func(*archive.Config)
		want   string
	}{
		"ratio":            {packed.Bytes(), nil, "bomb"},
		"total":            {gzipped(t, tarOf(t, first, file{"x.bin", noise(2 << 20)})), func(c *archive.Config) { c.MaxTotalBytes = 1 << 20 }, "archive.max_total_bytes"},
		"entries":          {plain, func(c *archive.Config) { c.MaxEntries = 3 }, "archive.max_entries"},
		"entries of a zip": {zipOf(t, nil, first, first, first, first), func(c *archive.Config) { c.MaxEntries = 3 }, "archive.max_entries"},
		"zip's total":      {zipOf(t, nil, first, file{"x.jpg", noise(2 << 20)}), func(c *archive.Config) { c.MaxTotalBytes = 1 << 20 }, "archive.max_total_bytes"},
		"zip's ratio":      {zipOf(t, nil, first, file{"x.jpg", zeros}), func(c *archive.Config) { c.MaxRatio = 100 }, "bomb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, save(t, "bomb", tc.b), tc.change)
			names, faults := list(t, a)
			if !strings.Contains(faults[a.Name()]+faults[""], tc.want) {
				t.Errorf("names %q, faults %q", names, faults)
			}
			if name != "entries of a zip" && !slices.Contains(names, "first.jpg") {
				t.Errorf("what came before is lost: %q", names)
			}
		})
	}
	a := open(t, save(t, "lying.zip", lying), nil)
	if _, err := read(t, a, "bomb.jpg"); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("an entry that unpacks to more than it says: %v", err)
	}
	a = open(t, save(t, "large.tar", tarOf(t, file{"large.jpg", "12345"}, first)), func(c *archive.Config) { c.MaxItemBytes = 4 })
	if names, faults := list(t, a); !slices.Equal(names, []string{"first.jpg"}) || !strings.Contains(faults["large.jpg"], "image.max_bytes") {
		t.Errorf("names %q, faults %q", names, faults)
	}
}

// TestPython reads what Python's own modules write: what Go's cannot.
func TestPython(t *testing.T) {
	t.Parallel()
	python, err := filepath.Abs("../../../.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), python, "testdata/archives.py", dir)
	if out, err := command.CombinedOutput(); err != nil {
		if !exists(python) && os.Getenv("REQUIRE_REFERENCE") == "" {
			t.Skip("no .venv; run `make setup`")
		}
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string][]string{
		"long.zip":       {"a.jpg", "b.jpg"},
		"cp437.zip":      {"Ärger.jpg", "bilder/ä.jpg"},
		"unmarked.zip":   {"苹果.jpg"},
		"unicode.zip":    {"苹果.jpg"},
		"backslash.zip":  {"bilder/a.jpg"},
		"bzip2.zip":      {"a.jpg"},
		"gnu.tar":        {strings.Repeat("long/", 60) + "a.jpg", "苹果.jpg"},
		"pax.tar":        {strings.Repeat("long/", 60) + "a.jpg", "苹果.jpg"},
		"ustar.tar.bz2":  {"a.jpg"},
		"streamed.zip":   {"a.jpg", "b.jpg"},
		"two-frames.tgz": {"a.jpg", "b.jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, filepath.Join(dir, name), nil)
			names, faults := list(t, a)
			if !slices.Equal(names, want) || len(faults) > 0 {
				t.Errorf("names %q, want %q, faults %q", names, want, faults)
			}
			for _, one := range names {
				if got, err := read(t, a, one); got != "a picture" || err != nil {
					t.Errorf("%s holds %q, %v", one, got, err)
				}
			}
		})
	}
	a := open(t, filepath.Join(dir, "sparse.tar"), nil)
	if names, faults := list(t, a); !slices.Equal(names, []string{"b.jpg"}) || !strings.Contains(faults["holes.jpg"], "holes") {
		t.Errorf("names %q, faults %q", names, faults)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func discard(r io.ReadCloser) (int64, error) {
	n, err := io.Copy(io.Discard, r)
	return n, errors.Join(err, r.Close())
}
