package model

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
)

// Demo is the name of the model that is part of the program.
const Demo = "clipseek-demo"

//go:embed demo
var demoFiles embed.FS

// Model is an opened model directory whose files agree with its card. It is safe for concurrent use.
type Model struct {
	Card  Card
	where string // for messages: the directory, or the name of the built-in model
	files fs.FS
}

// Find opens a model by name or directory: "" and Demo are the built-in model; a word is a directory of that name below
// modelsDir, or else in the working directory; something with a path separator in it, or "." in front, is a directory.
// Faults: NotFound, and those of Open.
func Find(nameOrDir, modelsDir string) (*Model, error) {
	switch {
	case nameOrDir == "" || nameOrDir == Demo:
		return OpenDemo()
	case strings.ContainsRune(nameOrDir, filepath.Separator) || strings.HasPrefix(nameOrDir, "."):
		return Open(nameOrDir)
	}
	for _, dir := range []string{filepath.Join(modelsDir, nameOrDir), nameOrDir} {
		if _, err := os.Stat(filepath.Join(dir, CardFile)); err == nil {
			return Open(dir)
		}
	}
	return nil, fault.NotFound("there is no model %q, neither below %s nor here; `clipseek model list` shows what there is", nameOrDir, modelsDir)
}

// OpenDemo opens the built-in model.
func OpenDemo() (*Model, error) {
	sub, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, fault.Internal("open the built-in model").Because(err)
	}
	return openFS(sub, "the built-in model "+Demo)
}

// Open opens a model directory and verifies every file against its card.
// Faults: NotFound (no such directory, no card, a listed file is missing), Invalid (card wrong, a file differs from its hash),
// Forbidden (not readable).
func Open(dir string) (*Model, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, readFault("the model directory "+dir, err)
	}
	if !info.IsDir() {
		return nil, fault.Invalid("%s is a file; a model is a directory with %s in it", dir, CardFile)
	}
	return openFS(os.DirFS(dir), dir)
}

func openFS(files fs.FS, where string) (*Model, error) {
	m := &Model{where: where, files: files}
	text, err := m.ReadFile(CardFile)
	if err != nil {
		return nil, err
	}
	if m.Card, err = ReadCard(text); err != nil {
		return nil, fault.At(where, err)
	}
	if err := m.verify(); err != nil {
		return nil, err
	}
	return m, nil
}

// verify compares every listed file with its hash.
func (m *Model) verify() error {
	for _, name := range slices.Sorted(maps.Keys(m.Card.Files)) {
		f, err := m.files.Open(name)
		if err != nil {
			return readFault(m.where+": "+name, err)
		}
		hash := sha256.New()
		_, err = io.Copy(hash, f)
		_ = f.Close() // read only: nothing is lost
		if err != nil {
			return readFault(m.where+": "+name, err)
		}
		if got := hex.EncodeToString(hash.Sum(nil)); got != m.Card.Files[name] {
			return fault.Invalid("%s: %s is not the file that %s describes (SHA-256 %s..., the card says %s...); copy the model again",
				m.where, name, CardFile, got[:12], m.Card.Files[name][:12])
		}
	}
	return nil
}

// Where names the model's place for messages: its directory, or that it is built in.
func (m *Model) Where() string { return m.where }

// Files is the model directory's content.
func (m *Model) Files() fs.FS { return m.files }

// ReadFile reads one file of the directory whole. Faults: NotFound, Forbidden, Internal.
func (m *Model) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(m.files, name)
	if err != nil {
		return nil, readFault(m.where+": "+name, err)
	}
	return b, nil
}

// Golden is a model's reference values, made by the implementation it was exported from.
type Golden struct {
	Origin string        `json:"origin"`
	Texts  []GoldenText  `json:"texts"`
	Images []GoldenImage `json:"images"`
}

// GoldenText is a text with its ids, start and end token included, and its embedding.
type GoldenText struct {
	Text      string    `json:"text"`
	Tokens    []int32   `json:"tokens"`
	Embedding []float32 `json:"embedding"`
}

// GoldenImage is a picture file of the directory with probes of its prepared tensor and its embedding.
type GoldenImage struct {
	File      string    `json:"file"`
	Probe     []Probe   `json:"probe"`
	Embedding []float32 `json:"embedding"`
}

// Probe is one value of a prepared tensor at channel, row, column.
type Probe struct {
	At    [3]int  `json:"at"`
	Value float32 `json:"value"`
}

// Golden reads the reference values; a card that names none gives none. Faults: NotFound, Invalid.
func (m *Model) Golden() (Golden, error) {
	if m.Card.Golden == "" {
		return Golden{}, nil
	}
	text, err := m.ReadFile(m.Card.Golden)
	if err != nil {
		return Golden{}, err
	}
	var g Golden
	if err := json.Unmarshal(text, &g); err != nil {
		return Golden{}, fault.Invalid("%s: %s cannot be read: %s", m.where, m.Card.Golden, err).Because(err)
	}
	switch {
	case len(g.Images) == 0 || m.Card.HasText() && len(g.Texts) == 0:
		return Golden{}, fault.Invalid("%s: %s must hold at least one picture, and one text where the model has a text tower", m.where, m.Card.Golden)
	case !m.Card.HasText() && len(g.Texts) > 0:
		return Golden{}, fault.Invalid("%s: %s has texts and the model has no text tower; give the card its text, or leave them out", m.where, m.Card.Golden)
	}
	for _, image := range g.Images {
		if _, listed := m.Card.Files[image.File]; !listed {
			return Golden{}, fault.Invalid("%s: %s uses %q, which %s does not list", m.where, m.Card.Golden, image.File, CardFile)
		}
	}
	return g, nil
}

// List opens the cards of all models that can be used by name: the built-in one and those below modelsDir. Directories
// whose card cannot be read are reported beside the others.
func List(modelsDir string) (cards []Card, broken []error) {
	demo, err := OpenDemo()
	if err != nil {
		broken = append(broken, err)
	} else {
		cards = append(cards, demo.Card)
	}
	entries, err := os.ReadDir(modelsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cards, append(broken, readFault(modelsDir, err))
	}
	for _, entry := range entries {
		dir := filepath.Join(modelsDir, entry.Name())
		text, err := os.ReadFile(filepath.Join(dir, CardFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			broken = append(broken, readFault(dir, err))
			continue
		}
		card, err := ReadCard(text)
		if err != nil {
			broken = append(broken, fault.At(dir, err))
			continue
		}
		cards = append(cards, card)
	}
	return cards, broken
}

func readFault(item string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound("%s is not there", item).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return fault.Forbidden("%s cannot be read: no permission", item).Because(err)
	}
	return fault.Internal("read %s", item).Because(err)
}
