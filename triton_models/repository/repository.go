// Package repository renders a model as a repository for NVIDIA Triton.
//
// The repository has two models, clip_image and clip_text (a model of pictures alone has the first), each with its ONNX file, a model.py for the Python backend and
// one configuration for each way to run it, chosen with tritonserver's --model-config-name. Names, sizes and types come
// from the model's card and its ONNX files.
//
//	report, err := repository.Install(m, "/srv/models", repository.Default())
//
// The repository of ViT-L/14@336px is committed beside this package, without its ONNX files. The package is not for
// talking to a Triton (encoder/triton) nor for starting one (deploy/servers).
package repository

import (
	"path"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// The names of the models.
const (
	ImageModel = "clip_image"
	TextModel  = "clip_text"
)

// version is the folder of the model's only version.
const version = "1"

// Options say how a repository is rendered.
type Options struct {
	EngineCache string // folder, on the machine of Triton, for engines that ONNX Runtime's TensorRT accelerator builds
	Force       bool   // write into a folder that holds other things
}

// Default is the options of the committed repository.
func Default() Options { return Options{EngineCache: "/var/cache/clipseek"} }

// Validate reports every fault.
func (o Options) Validate() error {
	if !path.IsAbs(o.EngineCache) || strings.ContainsAny(o.EngineCache, "\"\\\n") {
		return fault.Invalid("engine cache = %q must be an absolute path without quotes, for example %s", o.EngineCache, Default().EngineCache)
	}
	return nil
}

// Report is what Install did, and how to go on.
type Report struct {
	Model     string    `json:"model"`
	Directory string    `json:"directory"`
	Files     []Written `json:"files"`
	Variants  []Start   `json:"variants"`
}

// Written is a file of the repository.
type Written struct {
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	Changed bool   `json:"changed"` // false: it was there already, the same
}

// Install renders the repository of m into dir, which it makes, and copies the ONNX files. Each file appears whole or not
// at all, files that are there already are left alone, and a run that was cut short is finished by the next.
// Faults: Invalid (an ONNX file that does not fit the card, dir is a file), Conflict (dir holds other things and Force is
// not set, another Install is at work there), Forbidden (dir cannot be written), Unavailable (no room).
func Install(m *model.Model, dir string, opts Options) (Report, error) {
	if err := opts.Validate(); err != nil {
		return Report{}, err
	}
	towers, err := inspect(m)
	if err != nil {
		return Report{}, err
	}
	files, err := render(m.Card, towers, opts)
	if err != nil {
		return Report{}, err
	}
	place, err := openPlace(dir, opts.Force)
	if err != nil {
		return Report{}, err
	}
	report := Report{Model: m.Card.Name, Directory: place.dir, Variants: starts(place.dir, towers, opts)}
	// The configurations come last: what they name is there when they are.
	for _, tower := range towers {
		written, err := place.copy(m, tower.file, path.Join(tower.model, version, "model.onnx"))
		if err != nil {
			return Report{}, place.abandon(err)
		}
		report.Files = append(report.Files, written)
	}
	for _, file := range files {
		written, err := place.write(file)
		if err != nil {
			return Report{}, place.abandon(err)
		}
		report.Files = append(report.Files, written)
	}
	return report, place.finish()
}
