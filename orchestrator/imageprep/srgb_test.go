package imageprep

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// TestSRGB compares with Pillow's ImageCms bit for bit, though its Little CMS (2.19) is newer than Debian's (2.14).
func TestSRGB(t *testing.T) {
	t.Parallel()
	dir := reference(t, "profiles.py")
	var cases []parityCase
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "cases.json")), &cases); err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	asIs := newDecoder(t, cfg)
	cfg.SRGB = true
	decoder := newDecoder(t, cfg)
	for _, c := range cases {
		file, want := readFile(t, filepath.Join(dir, c.File)), readFile(t, filepath.Join(dir, c.Pixels))
		picture, err := decoder.Decode(file)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		got := squareOf(t, picture, c.spec())
		if different, most := difference(got, want); different > 0 {
			t.Errorf("%s, %s %d: %d of %d bytes differ, by up to %d", c.Name, c.Rule, c.Size, different, len(got), most)
		}
		if _, err := picture.Thumbnail(64, 80); err != nil {
			t.Errorf("%s: thumbnail: %v", c.Name, err)
		}
		picture.Release()
		if c.Name == "jpeg-wide" {
			picture, err := asIs.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			if different, _ := difference(squareOf(t, picture, c.spec()), want); different < len(want)/2 {
				t.Errorf("%s without conversion: only %d of %d bytes differ", c.Name, different, len(want))
			}
			picture.Release()
		}
	}
}
