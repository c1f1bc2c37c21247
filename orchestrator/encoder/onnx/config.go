package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sys/cpu"

	"clipseek/orchestrator/fault"
)

// Config says how ONNX Runtime is found and how much of the machine it takes.
type Config struct {
	// Library is the path of libonnxruntime. Empty looks beside the program (libonnxruntime.so) and then where the
	// system's loader looks.
	Library    string `koanf:"library"`
	Threads    int    `koanf:"threads"`     // cores for one encoding; 0 is all that this process may use
	ImageBatch int    `koanf:"image_batch"` // most pictures in one run; 0 is what is fast for the model
	TextBatch  int    `koanf:"text_batch"`  // most texts in one run
}

// Default is all cores, and pictures in batches that the model is fast with.
func Default() Config { return Config{TextBatch: 32} }

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(
		fault.Between("threads", c.Threads, 0, 1024, 0),
		fault.Between("image_batch", c.ImageBatch, 0, 1024, 0),
		fault.Between("text_batch", c.TextBatch, 1, 4096, 32),
	)
}

// threads is how many cores an encoding takes.
func (c Config) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0) // Go counts the container's limit in; ONNX Runtime would see the host's cores
}

func (c Config) sessionOptions() (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	if x := cpu.X86; x.HasAVX2 && !x.HasAVX512VNNI && !x.HasAVXVNNI {
		// Their INT8 products add pairs in 16 bits, which overflow. This takes a slower way that does not; elsewhere it is
		// only slower.
		err = options.AddSessionConfigEntry("session.x64quantprecision", "1")
	}
	return options, errors.Join(err,
		options.SetIntraOpNumThreads(c.threads()),
		options.SetInterOpNumThreads(1),
		// Spinning threads would take the cores that decode the next pictures.
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
}

const libraryName = "libonnxruntime.so"

// started guards ONNX Runtime's own process-wide environment, which can be made once.
var started sync.Mutex

// start loads libonnxruntime once for the process; a second call with any path uses the one loaded.
func start(library string) error {
	started.Lock()
	defer started.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	path := findLibrary(library)
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fault.Unavailable("ONNX Runtime cannot be loaded from %s; `make setup` installs it, and encoder.onnx.library or CLIPSEEK_ENCODER__ONNX__LIBRARY names the file elsewhere", path).Because(err)
	}
	if err := ort.DisableTelemetry(); err != nil {
		return fault.Internal("ONNX Runtime telemetry").Because(err)
	}
	return nil
}

func findLibrary(configured string) string {
	if configured != "" {
		return configured
	}
	if program, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		beside := filepath.Join(filepath.Dir(program), libraryName)
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return libraryName
}
