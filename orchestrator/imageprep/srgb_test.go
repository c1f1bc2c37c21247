package imageprep

import (
	"path/filepath"
	"testing"
)

// TestSRGB compares with Pillow's ImageCms bit for bit, though its Little CMS (2.19) is newer than Debian's (2.14).
func TestSRGB(t *testing.T) {
	t.Parallel()
	dir := reference(t, "profiles.py")
	cfg := Default()
	asIs := newDecoder(t, cfg)
	cfg.SRGB = true
	decoder := newDecoder(t, cfg)
	compareParity(t, decoder, dir, exactly)
	for _, c := range parityCases(t, dir) {
		file := readFile(t, filepath.Join(dir, c.File))
		picture, err := decoder.Decode(file)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if _, err := picture.Thumbnail(64, 80); err != nil {
			t.Errorf("%s: thumbnail: %v", c.Name, err)
		}
		picture.Release()
		if c.Name != "jpeg-wide" {
			continue
		}
		if picture, err = asIs.Decode(file); err != nil {
			t.Fatal(err)
		}
		want := readFile(t, filepath.Join(dir, c.Pixels))
		if different, _ := difference(squareOf(t, picture, c.spec()), want); different < len(want)/2 {
			t.Errorf("%s without conversion: only %d of %d bytes differ", c.Name, different, len(want))
		}
		picture.Release()
	}
}
