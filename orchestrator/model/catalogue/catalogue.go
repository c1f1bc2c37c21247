// Package catalogue lists published models: what each is, how good, under which licence, and where its files are.
//
//	models, err := catalogue.Builtin()
//	m, err := catalogue.Find(models, "vit-l-14@336px")
//
// The facts are in models.yaml, each with its source; what no source gives is left out there. The package is not for
// fetching (model/pull) nor for models that are here already (model).
package catalogue

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/nearest"
)

// Default is the model to use for pictures of any kind: 768 wide, as the original program's.
const Default = "ViT-L/14@336px"

// Model is a published model.
type Model struct {
	Name         string   `yaml:"name" json:"name"` // as its authors write it
	Title        string   `yaml:"title" json:"title"`
	Family       string   `yaml:"family" json:"family"`
	Width        int      `yaml:"width" json:"width"`                         // components of an embedding
	Pixels       int      `yaml:"pixels" json:"pixels"`                       // side of the square input
	Context      int      `yaml:"context" json:"context,omitempty"`           // most tokens of a text
	Parameters   Towers   `yaml:"parameters" json:"parameters_millions"`      // millions
	GFLOPs       Towers   `yaml:"gflops" json:"gflops"`                       // of one picture and one text; a multiply-add is two
	Languages    []string `yaml:"languages" json:"languages"`                 // ISO 639-1; empty where nobody published a list
	Multilingual bool     `yaml:"multilingual" json:"multilingual,omitempty"` // it claims more languages than are listed
	Licence      string   `yaml:"licence" json:"licence"`
	Scores       []Score  `yaml:"scores" json:"scores"`
	Sources      []string `yaml:"sources" json:"sources"`                              // of these facts
	Origins      []Origin `yaml:"origins" json:"origins"`                              // where its files are, the preferred one first
	NotPulled    string   `yaml:"not_pulled" json:"why_it_cannot_be_pulled,omitempty"` // for models without origins
	Aliases      []string `yaml:"aliases" json:"aliases,omitempty"`                    // further names, beside other ways to write Name
}

// Towers are two numbers of one model; 0 is not published.
type Towers struct {
	Image float64 `yaml:"image" json:"image,omitempty"`
	Text  float64 `yaml:"text" json:"text,omitempty"`
	Both  float64 `yaml:"both" json:"both,omitempty"` // where only the sum is published, or differs from it
}

// Sum is the number of both towers; 0 is not published.
func (t Towers) Sum() float64 {
	if t.Both > 0 {
		return t.Both
	}
	if t.Image > 0 && t.Text > 0 {
		return t.Image + t.Text
	}
	return 0
}

// Score is a published zero-shot result, in percent; 0 is not published.
type Score struct {
	Set  string  `yaml:"set" json:"set"`   // COCO, Flickr30k, ImageNet, ...
	Task string  `yaml:"task" json:"task"` // TextToImage, ImageToText or Classification
	R1   float64 `yaml:"r1" json:"r1,omitempty"`
	R5   float64 `yaml:"r5" json:"r5,omitempty"`
	R10  float64 `yaml:"r10" json:"r10,omitempty"`
}

// The tasks of scores.
const (
	TextToImage    = "text-to-image"  // R@1, 5, 10 of pictures found by text
	ImageToText    = "image-to-text"  // R@1, 5, 10 of texts found by picture
	Classification = "classification" // top-1
)

// Score is the share of queries of a set whose first hit is right, in percent; 0 is not published.
func (m Model) Score(set, task string) float64 {
	for _, s := range m.Scores {
		if s.Set == set && s.Task == task {
			return s.R1
		}
	}
	return 0
}

// Origin is one place that has a model's files.
type Origin struct {
	Kind    string    `yaml:"kind" json:"kind"`                 // ONNX or Weights
	From    string    `yaml:"from" json:"from"`                 // a page for people
	Licence string    `yaml:"licence" json:"licence,omitempty"` // where it is another than the model's
	Files   []File    `yaml:"files" json:"files"`
	Arch    string    `yaml:"arch" json:"arch,omitempty"` // Weights: the exporter's name of the architecture; empty is the model's
	Card    yaml.Node `yaml:"card" json:"-"`              // ONNX: the parts image and text of card.yaml
}

// The kinds of origins.
const (
	ONNX    = "onnx"    // the towers as ONNX files and the tokenizer's file: a model directory but for its card
	Weights = "weights" // the weights as they were published, which are then exported
)

// File is one file to fetch. The first of an origin of weights is what is exported, and others lie beside it.
type File struct {
	Name   string `yaml:"name" json:"name"` // in the model directory, or in the folder of weights
	URL    string `yaml:"url" json:"url"`
	SHA256 string `yaml:"sha256" json:"sha256,omitempty"` // hexadecimal; empty where nobody published it: then the hub's header counts
	Bytes  int64  `yaml:"bytes" json:"bytes,omitempty"`   // 0 is not published
}

// InstalledBytes is about what the model takes on disk: its ONNX files where their sizes are published, else four bytes a
// parameter, as an FP32 export has. 0 is unknown.
func (m Model) InstalledBytes() int64 {
	if len(m.Origins) == 0 || m.Origins[0].Kind != ONNX {
		return m.ExportBytes()
	}
	total := int64(0)
	for _, f := range m.Origins[0].Files {
		if strings.HasSuffix(f.Name, ".onnx") && f.Bytes == 0 {
			return m.ExportBytes()
		}
		total += f.Bytes
	}
	return total
}

// ExportBytes is about what an FP32 export takes on disk; 0 is unknown.
func (m Model) ExportBytes() int64 { return int64(m.Parameters.Sum() * 1e6 * 4) }

//go:embed models.yaml
var builtin []byte

// Builtin is the catalogue that is part of the program.
func Builtin() ([]Model, error) {
	models, err := Read(builtin)
	if err != nil {
		return nil, fault.Internal("the built-in catalogue").Because(err)
	}
	return models, nil
}

// Read parses and checks a catalogue. Every fault found is reported in one Invalid error.
func Read(yamlText []byte) ([]Model, error) {
	var models []Model
	dec := yaml.NewDecoder(bytes.NewReader(yamlText))
	dec.KnownFields(true)
	if err := dec.Decode(&models); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Invalid("the catalogue cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: ")).Because(err)
	}
	return models, check(models)
}

// Join is own with what it lacks of others, by any of their names.
func Join(own, others []Model) []Model {
	all := slices.Clone(own)
	for _, m := range others {
		if _, err := Find(own, m.Name); err != nil {
			all = append(all, m)
		}
	}
	return all
}

// Directory is the name of a model's directory and on its card: its name with "-" where that has "/".
func Directory(name string) string { return strings.ReplaceAll(name, "/", "-") }

// Find gives the model that a person means: its name in any case, with or without the characters between letters and
// digits, or an alias. Fault: NotFound, with the nearest names.
func Find(models []Model, name string) (Model, error) {
	want := canonical(name)
	var known []string
	for _, m := range models {
		for _, form := range append([]string{m.Name}, m.Aliases...) {
			if canonical(form) == want && want != "" {
				return m, nil
			}
		}
		known = append(known, m.Name)
	}
	return Model{}, fault.NotFound("the catalogue has no model %q%s", name, suggest(want, known))
}

func suggest(want string, known []string) string {
	byForm := map[string]string{}
	var forms []string
	for _, name := range known {
		form := canonical(name)
		byForm[form] = name
		forms = append(forms, form)
	}
	var near []string
	for _, form := range nearest.Words(want, forms, 3) {
		near = append(near, byForm[form])
	}
	for _, name := range known { // a part of a name is near too
		if form := canonical(name); len(near) < 3 && len(want) >= 3 && strings.Contains(form, want) && !slices.Contains(near, name) {
			near = append(near, name)
		}
	}
	if len(near) == 0 {
		return "; `clipseek model list` shows what there is"
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// canonical is a name's letters and digits in lower case.
func canonical(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case r > 127:
			return r
		}
		return -1
	}, name)
}
