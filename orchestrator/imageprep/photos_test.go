package imageprep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"clipseek/orchestrator/model"
)

// TestPhotos compares every picture of the folder named by TEST_PHOTOS with Pillow.
func TestPhotos(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("TEST_PHOTOS")
	if folder == "" {
		t.Skip("set TEST_PHOTOS to a folder of photos to compare them with Pillow")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := reference(t, "photos.py", folder)
	var photos []struct{ Name, SHA256, Error string }
	if err := json.Unmarshal(readFile(t, filepath.Join(out, "photos.json")), &photos); err != nil {
		t.Fatal(err)
	}
	if len(photos) == 0 {
		t.Fatalf("there are no photos in %s", folder)
	}
	decoder := newDecoder(t, Default())
	spec := Spec{Size: 336, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	same := 0
	for _, photo := range photos {
		got := ""
		picture, err := decoder.Decode(readFile(t, photo.Name))
		if err == nil {
			var rgb plane
			x, y := spec.fit(picture.uprightSize())
			if rgb, err = picture.square(spec, x, y); err == nil {
				sum := sha256.Sum256(rgb.pix)
				got = hex.EncodeToString(sum[:])
			}
			picture.Release()
		}
		if got == photo.SHA256 {
			same++
		} else {
			t.Errorf("%s differs from Pillow (decoder's error: %v; Pillow's: %s)", photo.Name, err, photo.Error)
		}
	}
	t.Logf("%d of %d photos are the same in every byte", same, len(photos))
}
