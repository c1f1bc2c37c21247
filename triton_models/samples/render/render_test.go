package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tiny is an order that takes a moment: few pixels, one ray each.
func tiny(t *testing.T, seed uint64, workers int) order {
	t.Helper()
	return order{seed: seed, count: 1, out: t.TempDir(), crops: crops(), long: 32, short: 24, quality: 80, samples: 1, workers: workers}
}

// files reads all that lies below a folder, by slash-separated path.
func files(t *testing.T, root string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		out[path], err = os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	one, two, other := tiny(t, 5, 1), tiny(t, 5, 3), tiny(t, 6, 2)
	for _, o := range []order{one, two, other} {
		if err := o.fill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := files(t, one.out), files(t, two.out), files(t, other.out)
	if len(a) != len(crops())+1 || len(b) != len(a) {
		t.Fatalf("got %d and %d files, want %d", len(a), len(b), len(crops())+1)
	}
	for name, data := range a {
		if !bytes.Equal(data, b[name]) {
			t.Errorf("%s differs between two runs of one seed", name)
		}
		if bytes.Equal(data, c[name]) {
			t.Errorf("%s is the same for two seeds", name)
		}
	}
}

func TestCaptionsMatchFiles(t *testing.T) {
	t.Parallel()
	o := tiny(t, 2, 2)
	o.count = 3
	if err := o.fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkCaptions(t, o.out, 3*len(crops()))
}

// checkCaptions wants one full caption for each JPEG below root, and n of them.
func checkCaptions(t *testing.T, root string, n int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "captions.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(text) {
		var c caption
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if seen[c.File] {
			t.Errorf("%s has two captions", c.File)
		}
		seen[c.File] = true
		if !strings.HasPrefix(c.File, c.Fruit+"/"+c.Fruit+"-") {
			t.Errorf("%s is not filed under %s", c.File, c.Fruit)
		}
		if c.Count < 1 || slices.Contains([]string{c.Kind, c.Colour, c.Setting, c.Background, c.Light}, "") {
			t.Errorf("%s: caption has a gap: %+v", c.File, c)
		}
	}
	if len(seen) != n {
		t.Errorf("got %d captions, want %d", len(seen), n)
	}
	for name := range files(t, root) {
		if strings.HasSuffix(name, ".jpg") && !seen[name] {
			t.Errorf("%s has no caption", name)
		}
		delete(seen, name)
	}
	for name := range seen {
		t.Errorf("%s has a caption but no file", name)
	}
}

// TestCommittedSet holds the pictures of this repository to their size and captions.
func TestCommittedSet(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	perFruit, bytesAll := map[string]int{}, 0
	for name, data := range files(t, root) {
		if !strings.HasSuffix(name, ".jpg") {
			continue
		}
		perFruit[strings.Split(name, "/")[0]]++
		bytesAll += len(data)
		if _, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	total := 0
	for _, c := range crops() {
		if perFruit[c.name] < 22 {
			t.Errorf("%d pictures of %s, want at least 22", perFruit[c.name], c.name)
		}
		total += perFruit[c.name]
	}
	const limit = 6 << 20
	if bytesAll > limit {
		t.Errorf("the pictures take %d bytes, want at most %d", bytesAll, limit)
	}
	checkCaptions(t, root, total)
}

func TestEachVarietyShows(t *testing.T) {
	t.Parallel()
	for _, c := range crops() {
		for i, v := range c.varieties {
			t.Run(c.name+" "+v.slug, func(t *testing.T) {
				t.Parallel()
				p := compose(c, 3, i, 2, 40, 32)
				if p.caption.Kind != v.kind {
					t.Errorf("kind %q, want %q", p.caption.Kind, v.kind)
				}
				if share := fruitShare(p); share < 0.08 {
					t.Errorf("fruit covers %.0f%% of the picture, want 8%% or more", 100*share)
				}
				if low, high := brightness(p.draw(1)); high-low < 60 {
					t.Errorf("brightness runs from %d to %d only", low, high)
				}
			})
		}
	}
}

// fruitShare is the part of the picture where a ray from the camera meets fruit first.
func fruitShare(p picture) float64 {
	hits, rays := 0, 0
	for v := -0.95; v < 1; v += 0.1 {
		for u := -0.95; u < 1; u += 0.1 {
			o, d := p.scene.camera.ray(u, v, 0, 0)
			rays++
			if b, _ := p.scene.first(o, d, 1e6); b != nil && !b.hollow {
				hits++
			}
		}
	}
	return float64(hits) / float64(rays)
}

func brightness(m *image.RGBA) (low, high int) {
	low = 255
	for i := 0; i < len(m.Pix); i += 4 {
		k := (int(m.Pix[i]) + int(m.Pix[i+1]) + int(m.Pix[i+2])) / 3
		low, high = min(low, k), max(high, k)
	}
	return low, high
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, args string
		code       int
		says       string
	}{
		{"no folder", "", 2, "-out is missing"},
		{"unknown fruit", "-out x -only apple,durian", 2, "there are apple, apricot, banana"},
		{"bad size", "-out x -size huge", 2, `-size "huge"`},
		{"tiny size", "-out x -size 8x8", 2, "16 to 4096"},
		{"bad quality", "-out x -quality 101", 2, "-quality 101"},
		{"no samples", "-out x -samples 0", 2, "-samples 0"},
		{"no count", "-out x -count 0", 2, "-count 0"},
		{"no workers", "-out x -workers 0", 2, "-workers 0"},
		{"unknown flag", "-colour red", 2, "-colour"},
		{"stray word", "-out x apple", 2, `unexpected argument "apple"`},
		{"folder is a file", "-count 1 -size 16x16 -samples 1 -only lemon -out " + file, 1, file},
		{"help", "-help", 0, "-seed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			code := run(t.Context(), strings.Fields(c.args), &out, &errs)
			if code != c.code || !strings.Contains(errs.String(), c.says) {
				t.Errorf("exit code %d and %q, want %d and a word of %q", code, errs.String(), c.code, c.says)
			}
		})
	}
}

func TestRunWrites(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var out, errs bytes.Buffer
	args := []string{"-fast", "-size", "24x20", "-samples", "1", "-count", "2", "-only", "banana,cherry,banana", "-out", root}
	if code := run(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	checkCaptions(t, root, 4)
}
