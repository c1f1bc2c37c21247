package imageprep

import "testing"

// TestAVIFParity compares AVIF of every kind with Pillow: each byte must be the same.
func TestAVIFParity(t *testing.T) {
	t.Parallel()
	compareParity(t, newDecoder(t, Default()), reference(t, "avifs.py"), exactly)
}
