package imageprep

import (
	"errors"

	"clipseek/orchestrator/fault"
)

// Config bounds what a file may cost before anything is allocated for it, and says how pictures are turned.
type Config struct {
	MaxBytes  int64 `koanf:"max_bytes"`  // largest file, bytes
	MaxPixels int64 `koanf:"max_pixels"` // largest width x height; a decoded pixel takes 1 to 4 bytes
	MaxSide   int   `koanf:"max_side"`   // longest side, pixels
	Upright   bool  `koanf:"upright"`    // turn pictures as their EXIF orientation says

	// Fast shrinks JPEG and WebP while they are decoded, to no less than twice the size wanted. The pixels are then
	// nearly the reference's and no longer exactly.
	Fast bool `koanf:"fast"`

	// SRGB converts the colours of a picture with an embedded profile (wide gamut phones, Adobe RGB, ink) to sRGB before
	// anything else. The reference takes the numbers as they are.
	SRGB bool `koanf:"srgb"`

	// MaxInFlight bounds the bytes of pixels that are decoded at the same time; pictures wait for each other, and one
	// that alone has more is decoded alone.
	MaxInFlight int64 `koanf:"max_in_flight"`
}

// pillowMaxPixels is where Pillow refuses a picture as a decompression bomb: twice its MAX_IMAGE_PIXELS.
const pillowMaxPixels = 2 * (1024 * 1024 * 1024 / 4 / 3)

// Default accepts what Pillow accepts, in files of up to 256 MiB: phone pictures of 108 megapixels and more pass.
func Default() Config {
	return Config{MaxBytes: 256 << 20, MaxPixels: pillowMaxPixels, MaxSide: 1 << 20, Upright: true, MaxInFlight: 256 << 20}
}

// Validate reports every fault.
func (c Config) Validate() error {
	var all []error
	if c.MaxBytes < 1 || c.MaxBytes > 2<<30 {
		all = append(all, fault.Invalid("max_bytes = %d must be 1 to %d (2 GiB), for example %d", c.MaxBytes, int64(2<<30), Default().MaxBytes))
	}
	if c.MaxPixels < 1 || c.MaxPixels > 1<<30 {
		all = append(all, fault.Invalid("max_pixels = %d must be 1 to %d, for example %d", c.MaxPixels, 1<<30, Default().MaxPixels))
	}
	if c.MaxSide < 1 || c.MaxSide > 1<<24 {
		all = append(all, fault.Invalid("max_side = %d must be 1 to %d, for example %d", c.MaxSide, 1<<24, Default().MaxSide))
	}
	if c.MaxInFlight < 1<<20 {
		all = append(all, fault.Invalid("max_in_flight = %d must be at least %d (1 MiB), for example %d", c.MaxInFlight, 1<<20, Default().MaxInFlight))
	}
	return errors.Join(all...)
}
