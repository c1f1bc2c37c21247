package archive

import (
	"errors"

	"clipseek/orchestrator/fault"
)

// Config bounds what an archive may cost. An archive over a limit ends there, with a word; what came before stays good.
type Config struct {
	MaxEntries    int64 `koanf:"max_entries"`     // entries of one archive; each picture takes 20 bytes of memory while it is listed
	MaxTotalBytes int64 `koanf:"max_total_bytes"` // bytes of one archive when unpacked
	MaxRatio      int64 `koanf:"max_ratio"`       // unpacked to packed bytes, beyond the first 16 MiB
	MaxScan       int64 `koanf:"max_scan"`        // unpacked bytes read to find one picture by its name in a compressed tar (thumbnails)

	// MaxItemBytes is the largest picture. It is not a key of its own: app sets it to image.max_bytes.
	MaxItemBytes int64 `koanf:"-"`
}

// Default admits ten million pictures and 1 TiB in one archive. Deflate packs 1,032 to 1 at the most, and only of what is
// all the same.
func Default() Config {
	return Config{MaxEntries: 10_000_000, MaxTotalBytes: 1 << 40, MaxRatio: 1000, MaxScan: 4 << 30, MaxItemBytes: 256 << 20}
}

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("max_entries", c.MaxEntries, 1, 1_000_000_000, 10_000_000),
		fault.Between("max_total_bytes", c.MaxTotalBytes, 1<<20, 1<<60, 1<<40),
		fault.Between("max_ratio", c.MaxRatio, 2, 1_000_000, 1000),
		fault.Between("max_scan", c.MaxScan, 1<<20, 1<<60, 4<<30),
		fault.Between("max_item_bytes", c.MaxItemBytes, 1, 2<<30, 256<<20),
	)
}
