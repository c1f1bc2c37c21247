// Package model says what a model is: a directory that explains itself.
//
// The directory holds card.yaml (this package's Card), the towers as ONNX files, the tokenizer's own files and
// golden.json, a few texts and pictures with the ids and embeddings that the reference implementation gave. A model of
// pictures alone has no text tower and no tokenizer; reference values may be missing. Every file is listed on the card
// with its SHA-256, and a directory whose files differ from its card does not open.
//
//	m, err := model.Open("/data/models/ViT-L-14-336px")
//	bytes, err := m.ReadFile(m.Card.Image.File)
//
// The package is not for running models (encoder) nor for what the tokenizer or the picture preparation do with the card.
package model

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"clipseek/orchestrator/fault"
)

// CardFormat is the version of the card's layout that this program reads.
const CardFormat = 1

// CardFile is the name of the card in a model directory.
const CardFile = "card.yaml"

// Card is what card.yaml says.
type Card struct {
	Format      int        `yaml:"format"`
	Name        string     `yaml:"name"`
	Title       string     `yaml:"title"`
	Description string     `yaml:"description"`
	Licence     string     `yaml:"licence"`
	Source      string     `yaml:"source"`
	Languages   []string   `yaml:"languages"` // ISO 639-1 codes that queries may be written in
	Width       int        `yaml:"width"`     // components of an embedding
	Image       ImageTower `yaml:"image"`
	Text        TextTower  `yaml:"text"`   // left out for a model of pictures alone: see HasText
	Golden      string     `yaml:"golden"` // file of reference values; empty is none
	// GoldenCosine is the least cosine to a reference embedding that counts as the same model, 0.9 to 1; 0 is
	// DefaultGoldenCosine. Exports in 8 bits need a lower one.
	GoldenCosine float64           `yaml:"golden_cosine"`
	Files        map[string]string `yaml:"files"` // SHA-256, hexadecimal, of every other file by slash-separated path
}

// DefaultGoldenCosine is passed by every export in float32 and float16, and by no tower of another model.
const DefaultGoldenCosine = 0.999

// HasText reports whether the model has a text tower. One without finds pictures by pictures alone.
func (c Card) HasText() bool { return c.Text.File != "" }

// NeedText refuses work with texts where the model has no text tower, saying what can be done instead. Fault: Invalid.
func (c Card) NeedText() error {
	if c.HasText() {
		return nil
	}
	return fault.Invalid("the model %s has no text tower, so it takes no texts; search with a picture, or use another model (`clipseek model list` shows them)", c.Name)
}

// LeastCosine is GoldenCosine or its default.
func (c Card) LeastCosine() float64 { return cmp.Or(c.GoldenCosine, DefaultGoldenCosine) }

// ImageTower is the picture side of a model.
type ImageTower struct {
	File   string     `yaml:"file"`
	Size   int        `yaml:"size"`   // side of the square input, pixels
	Resize ResizeRule `yaml:"resize"` // how any picture becomes that square
	Filter Filter     `yaml:"filter"` // of that resize; "" is bicubic
	Mean   [3]float32 `yaml:"mean"`   // per channel R, G, B, of values in 0..1
	Std    [3]float32 `yaml:"std"`
	Input  string     `yaml:"input"`  // tensor name; float32 [batch, 3, size, size]
	Output string     `yaml:"output"` // tensor name; float32 [batch, width]
}

// TextTower is the text side of a model.
type TextTower struct {
	File    string `yaml:"file"`
	Context int    `yaml:"context"` // most tokens of a text, the start and end token included
	// Causal towers cannot see behind a token, so what follows the end token is left out and a short text costs less.
	// Others get every text padded with Pad to Context.
	Causal     bool      `yaml:"causal"`
	Pad        int32     `yaml:"pad"`         // id of the padding; 0 for BERT and SigLIP 2, 1 for SigLIP and XLM-RoBERTa
	Input      string    `yaml:"input"`       // tensor name; int32 or int64 [batch, sequence]
	Output     string    `yaml:"output"`      // tensor name; float32 [batch, width]
	MatchScore float32   `yaml:"match_score"` // a best hit below this cosine is probably not what the text asks for; 0 is unknown
	Tokenizer  Tokenizer `yaml:"tokenizer"`
	// Prompts are templates for short queries, such as "a photo of a {}"; package search says which queries they take.
	Prompts []string `yaml:"prompts"`
}

// ResizeRule is how a picture of any shape becomes the model's square.
type ResizeRule string

// The rules in use by published models.
const (
	ResizeShortest    ResizeRule = "shortest"     // openai/CLIP: short side to size, centre crop, then RGB
	ResizeShortestRGB ResizeRule = "shortest-rgb" // Hugging Face: RGB first, then short side to size, centre crop rounded down
	ResizeSquash      ResizeRule = "squash"       // Chinese-CLIP, SigLIP: both sides to size
)

// Filter is what pixels are resampled with, as Pillow does it: widened where the picture shrinks.
type Filter string

// The filters in use by published models.
const (
	FilterBicubic  Filter = "bicubic"
	FilterBilinear Filter = "bilinear" // MobileCLIP, Hugging Face's SigLIP
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ReadCard parses and checks a card. Every fault found is reported in one Invalid error.
func ReadCard(yamlText []byte) (Card, error) {
	var c Card
	dec := yaml.NewDecoder(bytes.NewReader(yamlText))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		if errors.Is(err, io.EOF) {
			return Card{}, fault.Invalid("%s is empty", CardFile)
		}
		var version struct {
			Format int `yaml:"format"`
		}
		if yaml.Unmarshal(yamlText, &version) == nil && version.Format > CardFormat {
			return Card{}, newerFormat(version.Format)
		}
		return Card{}, fault.Invalid("%s cannot be read: %s", CardFile, strings.TrimPrefix(err.Error(), "yaml: ")).Because(err)
	}
	return c, c.validate()
}

func newerFormat(format int) error {
	return fault.Invalid("%s has format %d and this program reads format %d; use a newer clipseek", CardFile, format, CardFormat)
}

func (c *Card) validate() error {
	if c.Format > CardFormat {
		return newerFormat(c.Format)
	}
	var wrong []string
	need := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	need(c.Format == CardFormat, "format must be %d", CardFormat)
	need(nameForm.MatchString(c.Name), "name must be letters, digits, '.', '_', '@' and '-', at most 100 of them")
	need(c.Width > 0 && c.Width <= 32768, "width must be 1 to 32768, for example 768")
	need(c.Image.Size > 0 && c.Image.Size <= 4096, "image.size must be 1 to 4096 pixels, for example 336")
	need(c.Image.Input != "" && c.Image.Output != "", "image.input and image.output must name the tensors")
	switch c.Image.Resize {
	case ResizeShortest, ResizeShortestRGB, ResizeSquash:
	default:
		need(false, "image.resize must be %s, %s or %s", ResizeShortest, ResizeShortestRGB, ResizeSquash)
	}
	switch c.Image.Filter {
	case "", FilterBicubic, FilterBilinear:
	default:
		need(false, "image.filter must be %s or %s", FilterBicubic, FilterBilinear)
	}
	for i := range 3 {
		need(c.Image.Std[i] > 0 && !math.IsInf(float64(c.Image.Std[i]), 0), "image.std[%d] must be above 0", i)
	}
	needed := map[string]string{"image.file": c.Image.File}
	if !reflect.ValueOf(c.Text).IsZero() {
		wrong = append(wrong, c.Text.faults()...)
		needed["text.file"] = c.Text.File
		key, file := c.Text.Tokenizer.File()
		needed[key] = file
	}
	if c.Golden != "" {
		needed["golden"] = c.Golden
	}
	need(c.GoldenCosine == 0 || c.GoldenCosine >= 0.9 && c.GoldenCosine <= 1, "golden_cosine must be 0.9 to 1, or left out for %g", DefaultGoldenCosine)
	need(c.GoldenCosine == 0 || c.Golden != "", "golden_cosine needs golden, the file of reference values")
	for key, file := range needed {
		_, listed := c.Files[file]
		need(file != "" && listed, "%s must name a file that is listed under files with its SHA-256", key)
	}
	for file, hash := range c.Files {
		need(fs.ValidPath(file) && path.Clean(file) == file, "files: %q must be a path inside the model directory", file)
		need(hashForm.MatchString(hash), "files: %s must have a SHA-256 of 64 hexadecimal digits", file)
	}
	wrong = append(wrong, promptFaults(c.Text.Prompts)...)
	if len(wrong) > 0 {
		return fault.Invalid("%s: %s", CardFile, strings.Join(wrong, "; "))
	}
	return nil
}

// faults tells what is wrong but the files, which are checked with all others.
func (t TextTower) faults() []string {
	var wrong []string
	if t.Context < 3 {
		wrong = append(wrong, "text.context must be at least 3, for example 77")
	}
	if t.Input == "" || t.Output == "" {
		wrong = append(wrong, "text.input and text.output must name the tensors")
	}
	if t.Pad < 0 {
		wrong = append(wrong, "text.pad must not be negative")
	}
	return append(wrong, t.Tokenizer.faults()...)
}

// Identity names the model and its very towers, for example clipseek-demo@1a2b3c4d: vectors of two models, or of two
// trainings of one, do not mix.
func (c Card) Identity() string {
	sum := sha256.Sum256([]byte(c.Files[c.Image.File] + c.Files[c.Text.File]))
	return c.Name + "@" + hex.EncodeToString(sum[:4])
}
