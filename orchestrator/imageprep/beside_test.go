package imageprep

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"clipseek/orchestrator/model"
)

// TestPixelsAndThumbnail makes both of every golden file: the pixels are those of Pixels to the last bit, and the
// thumbnail looks as that of Thumbnail, which decodes for itself.
func TestPixelsAndThumbnail(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for name, cfg := range map[string]func(*Config){"exact": func(*Config) {}, "fast": func(c *Config) { c.Fast = true }, "sRGB": func(c *Config) { c.SRGB = true }} {
		c := Default()
		cfg(&c)
		decoder := newDecoder(t, c)
		for _, rule := range []model.ResizeRule{model.ResizeShortest, model.ResizeShortestRGB} {
			spec := Spec{Size: 24, Resize: rule, Mean: clipMean, Std: clipStd}
			want, got := make([]byte, spec.Len()), make([]byte, spec.Len())
			for _, entry := range files {
				file := readFile(t, filepath.Join("testdata/golden", entry.Name()))
				picture, err := decoder.Decode(file)
				if err != nil {
					continue // no picture
				}
				alone := picture.Pixels(spec, want)
				_, small, err := picture.PixelsAndThumbnail(spec, got, 40, 90)
				if (err == nil) != (alone == nil) || err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s %s %v: other pixels, %v and %v", name, entry.Name(), rule, err, alone)
				}
				large, refused := picture.Thumbnail(40, 90)
				picture.Release()
				if err != nil || refused != nil {
					continue
				}
				made++
				if far := farthest(t, small, large); far > 12 {
					t.Errorf("%s %s %v: the thumbnail is %d beside that of Thumbnail", name, entry.Name(), rule, far)
				}
			}
		}
	}
	if made < 100 {
		t.Errorf("%d thumbnails were made, want those of all golden files", made)
	}
}

// farthest is how far the mean colours of the quarters of two pictures differ at most; 255 where their sizes do.
func farthest(t *testing.T, a, b []byte) (far int) {
	t.Helper()
	one, err := jpeg.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	two, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if one.Bounds() != two.Bounds() {
		return 255
	}
	w, h := one.Bounds().Dx(), one.Bounds().Dy()
	for _, part := range []image.Rectangle{image.Rect(0, 0, w/2, h/2), image.Rect(w/2, 0, w, h/2), image.Rect(0, h/2, w/2, h), image.Rect(w/2, h/2, w, h)} {
		m, n := meanOf(one, part), meanOf(two, part)
		for c := range m {
			far = max(far, abs(m[c]-n[c]))
		}
	}
	return far
}

func meanOf(m image.Image, part image.Rectangle) (mean [3]int) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			mean[0], mean[1], mean[2] = mean[0]+int(r>>8), mean[1]+int(g>>8), mean[2]+int(b>>8)
		}
	}
	for c := range mean {
		mean[c] /= max(part.Dx()*part.Dy(), 1)
	}
	return mean
}
