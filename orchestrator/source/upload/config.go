package upload

import (
	"errors"

	"clipseek/orchestrator/fault"
)

// Config says where uploads lie and what one may hold.
type Config struct {
	Folder   string `koanf:"folder"`    // empty is uploads in the data folder
	Shared   bool   `koanf:"shared"`    // every machine that works on the jobs has the folder under the same path
	MaxFiles int    `koanf:"max_files"` // of one request
	AtOnce   int    `koanf:"at_once"`   // requests that may be arriving

	// MaxItemBytes is the largest picture. It is not a key of its own: app sets it to image.max_bytes.
	MaxItemBytes int64 `koanf:"-"`

	// Queue names the queue whose jobs read the lists, in letters and digits. It is part of their names: who shares the folder
	// and not the queue cannot know which of them are still read. app sets it.
	Queue string `koanf:"-"`
}

// Default takes a large folder in one request.
func Default() Config { return Config{MaxFiles: 100_000, AtOnce: 4, MaxItemBytes: 256 << 20} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("max_files", c.MaxFiles, 1, 10_000_000, 100_000),
		fault.Between("at_once", c.AtOnce, 1, 1000, 4),
	)
}
