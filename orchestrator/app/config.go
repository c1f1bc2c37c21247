package app

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/onnx"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/follow"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/local"
	"clipseek/orchestrator/index/milvus"
	"clipseek/orchestrator/ingest"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/pull"
	"clipseek/orchestrator/search"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/upload"
	"clipseek/orchestrator/source/web"
	"clipseek/orchestrator/telemetry"
	"clipseek/orchestrator/thumbnail"
)

// Config is the whole configuration; each section belongs to the package that it is named for.
type Config struct {
	Data       string           `koanf:"data"`       // folder of index, models and thumbnails
	Collection string           `koanf:"collection"` // the one that is used when nobody names one
	Model      string           `koanf:"model"`      // name, or directory with a path separator in it
	Hub        pull.Config      `koanf:"hub"`
	Server     httpapi.Config   `koanf:"server"`
	Encoder    Encoder          `koanf:"encoder"`
	Index      Index            `koanf:"index"`
	Image      imageprep.Config `koanf:"image"`
	Archive    archive.Config   `koanf:"archive"`
	Web        web.Config       `koanf:"web"`
	Objects    bucket.Config    `koanf:"objects"`
	Upload     upload.Config    `koanf:"upload"`
	Ingest     ingest.Config    `koanf:"ingest"`
	Search     search.Config    `koanf:"search"`
	Jobs       jobs.Config      `koanf:"jobs"`
	Follow     follow.Config    `koanf:"follow"`
	Thumbnail  thumbnail.Config `koanf:"thumbnail"`
	Log        telemetry.Config `koanf:"log"`
}

// Encoder chooses and configures what runs the model.
type Encoder struct {
	Kind   string              `koanf:"kind"`   // onnx or triton
	Recent int                 `koanf:"recent"` // texts whose embeddings are remembered; 0 for none
	Lanes  encoder.LanesConfig `koanf:"lanes"`
	ONNX   onnx.Config         `koanf:"onnx"`
	Triton triton.Config       `koanf:"triton"`
}

// Index chooses and configures what keeps the vectors.
type Index struct {
	Kind   string        `koanf:"kind"` // local or milvus
	Local  LocalIndex    `koanf:"local"`
	Milvus milvus.Config `koanf:"milvus"`
}

// LocalIndex is local.Config with a file that follows the data folder.
type LocalIndex struct {
	File string        `koanf:"file"` // empty is index.db in the data folder
	Wait time.Duration `koanf:"wait"` // how long a write waits for another process's
}

// The kinds there are.
const (
	EncoderONNX   = "onnx"
	EncoderTriton = "triton"
	IndexLocal    = "local"
	IndexMilvus   = "milvus"
)

// DefaultCollection is the name that the original program used.
const DefaultCollection = "text_image_vector"

// Default is the embedded program: the demo model in process, an index in the user's data folder.
func Default() Config {
	return Config{
		Data:       dataFolder(),
		Collection: DefaultCollection,
		Model:      model.Demo,
		Hub:        pull.Default(),
		Server:     httpapi.Default(),
		Encoder:    Encoder{Kind: EncoderONNX, Recent: 1000, Lanes: encoder.DefaultLanes(), ONNX: onnx.Default(), Triton: triton.Default()},
		Index:      Index{Kind: IndexLocal, Local: LocalIndex{Wait: local.Default().Wait}, Milvus: milvus.Default()},
		Image:      imageprep.Default(),
		Archive:    archive.Default(),
		Web:        web.Default(),
		Objects:    bucket.Default(),
		Upload:     upload.Default(),
		Ingest:     ingest.Default(),
		Search:     search.Default(),
		Jobs:       jobs.Default(),
		Follow:     follow.Default(),
		Thumbnail:  thumbnail.Default(),
		Log:        telemetry.Default(),
	}
}

// dataFolder is where programs keep a user's data; without a home, the working directory.
func dataFolder() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "clipseek")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "clipseek")
	}
	return "clipseek-data"
}

// Validate reports the faults of the root's own keys; the sections have their own.
func (c Config) Validate() error {
	var all []error
	if c.Data == "" {
		all = append(all, fault.Invalid("data must be a folder, for example /var/lib/clipseek"))
	}
	if err := index.CheckCollection(c.Collection); err != nil {
		all = append(all, fault.At("collection", err))
	}
	return errors.Join(all...)
}

// Validate reports every fault of its own keys.
func (e Encoder) Validate() error {
	return errors.Join(oneOf(e.Kind, EncoderONNX, EncoderTriton), fault.Between("recent", e.Recent, 0, 1_000_000, 1000))
}

// Validate reports an unknown kind.
func (i Index) Validate() error {
	return oneOf(i.Kind, IndexLocal, IndexMilvus)
}

// where names the index, for messages.
func (i Index) where() string {
	if i.Kind == IndexMilvus {
		return "milvus " + i.Milvus.Address
	}
	return "the index"
}

func oneOf(kind, one, other string) error {
	if kind != one && kind != other {
		return fault.Invalid("kind = %q must be %s or %s", kind, one, other)
	}
	return nil
}

// Validate reports what local.Config would.
func (l LocalIndex) Validate() error { return l.config("data").Validate() }

func (l LocalIndex) config(data string) local.Config {
	if l.File == "" {
		l.File = filepath.Join(data, "index.db")
	}
	return local.Config{File: l.File, Wait: l.Wait}
}
