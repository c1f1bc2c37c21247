package model_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
)

const goodCard = `
format: 1
name: tiny
title: A model of two files
licence: Apache-2.0
languages: [en]
width: 8
image: {file: image.onnx, size: 32, resize: shortest, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], input: pixels, output: embedding}
text: {file: text.onnx, context: 77, causal: true, input: tokens, output: embedding, tokenizer: {kind: clip-bpe, merges: merges.txt}}
golden: golden.json
files: {image.onnx: H, text.onnx: H, merges.txt: H, golden.json: H}
`

// text is the line of the text tower.
const text = "text: {file: text.onnx, context: 77, causal: true, input: tokens, output: embedding, tokenizer: {kind: clip-bpe, merges: merges.txt}}"

// content is what every file of the tiny model holds; its hash stands for H.
const content = "not really a tower"

func card() string {
	sum := sha256.Sum256([]byte(content))
	return strings.ReplaceAll(goodCard, ": H", ": "+hex.EncodeToString(sum[:]))
}

func TestReadCard(t *testing.T) {
	t.Parallel()
	c, err := model.ReadCard([]byte(card()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Width != 8 || c.Image.Std[2] != 0.2 || !c.Text.Causal || c.Text.Tokenizer.Merges != "merges.txt" {
		t.Errorf("card = %+v", c)
	}
	other := c
	other.Files = map[string]string{"image.onnx": "another", "text.onnx": c.Files["text.onnx"]}
	if c.Identity() == other.Identity() || !strings.HasPrefix(c.Identity(), "tiny@") {
		t.Errorf("identities %s and %s", c.Identity(), other.Identity())
	}
}

// The other tokenizers have a file and keys of their own.
func TestReadCardTokenizers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tokenizer string
		want      []string // none is a good card
	}{
		"BERT":                  {"{kind: bert-wordpiece, vocabulary: merges.txt}", nil},
		"BERT, cased":           {"{kind: bert-wordpiece, vocabulary: merges.txt, cased: true}", nil},
		"BERT without its file": {"{kind: bert-wordpiece, merges: merges.txt}", []string{"text.tokenizer.vocabulary must name a file", "keys that bert-wordpiece does not know"}},
		"SentencePiece":         {"{kind: sentencepiece, model: merges.txt, end: </s>}", nil},
		"all of SentencePiece":  {"{kind: sentencepiece, model: merges.txt, start: <s>, end: </s>, clean: [repair, punctuation, case, spaces], ids: fairseq}", nil},
		"no start and no end":   {"{kind: sentencepiece, model: merges.txt}", []string{"text.tokenizer.start or .end"}},
		"unknown step and ids":  {"{kind: sentencepiece, model: merges.txt, end: </s>, clean: [wash], ids: mine}", []string{`clean has "wash"`, "ids must be fairseq"}},
		"file not listed":       {"{kind: sentencepiece, model: other.model, end: </s>}", []string{"text.tokenizer.model must name a file that is listed"}},
		"negative count":        {"{kind: clip-bpe, merges: merges.txt, count: -1}", []string{"count must not be negative"}},
		"keys of another":       {"{kind: clip-bpe, merges: merges.txt, cased: true}", []string{"keys that clip-bpe does not know"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := model.ReadCard([]byte(strings.Replace(card(), "{kind: clip-bpe, merges: merges.txt}", tc.tokenizer, 1)))
			if len(tc.want) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(fault.Public(err), want) {
					t.Errorf("%q lacks %q", fault.Public(err), want)
				}
			}
		})
	}
}

func TestReadCardFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		old, new string
		want     []string
	}{
		"newer format":      {"format: 1", "format: 2", []string{"format 2", "newer clipseek"}},
		"newer, new keys":   {"format: 1", "format: 2\nsound: x", []string{"format 2", "newer clipseek"}},
		"unknown key":       {"width: 8", "widht: 8", []string{"widht"}},
		"no width":          {"width: 8", "width: 0", []string{"width must be 1"}},
		"wrong type":        {"width: 8", "width: many", []string{"cannot be read", "many"}},
		"bad name":          {"name: tiny", "name: ../tiny", []string{"name must be"}},
		"unknown rule":      {"resize: shortest", "resize: stretch", []string{"image.resize must be"}},
		"unknown filter":    {"resize: shortest", "resize: shortest, filter: lanczos", []string{"image.filter must be bicubic or bilinear"}},
		"zero deviation":    {"std: [0.2, 0.2, 0.2]", "std: [0.2, 0, 0.2]", []string{"image.std[1]"}},
		"unknown tokenizer": {"clip-bpe", "words", []string{"tokenizer.kind"}},
		"negative pad":      {"causal: true", "causal: false, pad: -1", []string{"text.pad must not be negative"}},
		"file not listed":   {"file: text.onnx", "file: other.onnx", []string{"text.file must name a file that is listed"}},
		"way out":           {"files: {", "files: {../../etc/passwd: x, ", []string{"inside the model directory", "64 hexadecimal"}},
		"two faults":        {"width: 8\nimage: {file: image.onnx, size: 32", "width: 0\nimage: {file: image.onnx, size: 0", []string{"width must", "image.size must"}},
		"half a text tower": {"file: text.onnx, ", "", []string{"text.file must name a file"}},
		"text without more": {text, "text: {match_score: 0.2}", []string{"text.file", "text.context", "text.input", "tokenizer.kind"}},
		"low cosine":        {"golden: golden.json", "golden: golden.json\ngolden_cosine: 0.5", []string{"golden_cosine must be 0.9 to 1"}},
		"not a cosine":      {"golden: golden.json", "golden: golden.json\ngolden_cosine: .nan", []string{"golden_cosine must be 0.9 to 1"}},
		"cosine of nothing": {"golden: golden.json", "golden_cosine: 0.99", []string{"golden_cosine needs golden"}},
		"golden not listed": {"golden: golden.json", "golden: other.json", []string{"golden must name a file"}},
		"empty":             {card(), "", []string{"empty"}},
		"not YAML":          {"format: 1", "format: [", []string{"cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(card(), tc.old, tc.new, 1)
			if changed == card() {
				t.Fatal("the test changes nothing")
			}
			_, err := model.ReadCard([]byte(changed))
			if fault.KindOf(err) != fault.KindInvalid {
				t.Fatalf("err = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(fault.Public(err), want) {
					t.Errorf("%q lacks %q", fault.Public(err), want)
				}
			}
		})
	}
}

// TestReadCardWithout leaves out what may be left out.
func TestReadCardWithout(t *testing.T) {
	t.Parallel()
	whole, err := model.ReadCard([]byte(card()))
	if err != nil {
		t.Fatal(err)
	}
	if !whole.HasText() || whole.NeedText() != nil || whole.LeastCosine() != model.DefaultGoldenCosine {
		t.Errorf("the whole card: %+v", whole)
	}
	pictures, err := model.ReadCard([]byte(strings.Replace(card(), text, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	refusal := pictures.NeedText()
	if pictures.HasText() || fault.KindOf(refusal) != fault.KindInvalid {
		t.Errorf("without text: %+v, %v", pictures, refusal)
	}
	for _, want := range []string{"tiny", "no text tower", "search with a picture", "another model"} {
		if !strings.Contains(fault.Public(refusal), want) {
			t.Errorf("%q lacks %q", fault.Public(refusal), want)
		}
	}
	if pictures.Identity() == whole.Identity() {
		t.Error("a model keeps its identity without its text tower")
	}
	for name, tc := range map[string]struct {
		golden string
		least  float64
	}{
		"no reference values": {"", model.DefaultGoldenCosine},
		"a looser comparison": {"golden: golden.json\ngolden_cosine: 0.99", 0.99},
	} {
		c, err := model.ReadCard([]byte(strings.Replace(card(), "golden: golden.json", tc.golden, 1)))
		if err != nil || c.LeastCosine() != tc.least || c.Identity() != whole.Identity() {
			t.Errorf("%s: %v, cosine %g, %s", name, err, c.LeastCosine(), c.Identity())
		}
	}
}

// TestGolden reads reference values that fit the model or do not.
func TestGolden(t *testing.T) {
	t.Parallel()
	const (
		one  = `{"text": "a", "tokens": [1, 2], "embedding": [1]}`
		look = `{"file": "image.onnx", "embedding": [1]}`
	)
	for name, tc := range map[string]struct {
		old, new string // of the card
		golden   string
		want     string // in the fault; empty is none
	}{
		"both":                       {"", "", `{"texts": [` + one + `], "images": [` + look + `]}`, ""},
		"no text":                    {"", "", `{"images": [` + look + `]}`, "at least one picture, and one text"},
		"pictures alone":             {text, "", `{"images": [` + look + `]}`, ""},
		"text for pictures alone":    {text, "", `{"texts": [` + one + `], "images": [` + look + `]}`, "no text tower"},
		"no picture":                 {text, "", `{}`, "at least one picture"},
		"a picture that is not here": {text, "", `{"images": [{"file": "other.jpg"}]}`, "does not list"},
		"none wanted":                {"golden: golden.json", "", `{`, ""},
		"not JSON":                   {"", "", `{`, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t)
			sum := sha256.Sum256([]byte(tc.golden))
			changed := strings.Replace(card(), tc.old, tc.new, 1)
			i := strings.LastIndex(changed, "golden.json: ") + len("golden.json: ")
			changed = changed[:i] + hex.EncodeToString(sum[:]) + "}\n"
			for file, text := range map[string]string{model.CardFile: changed, "golden.json": tc.golden} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m, err := model.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Golden()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(fault.Public(err), tc.want) {
				t.Errorf("err = %v, want %q", err, tc.want)
			}
		})
	}
}

// write makes a model directory.
func write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{model.CardFile: card()}
	for _, name := range []string{"image.onnx", "text.onnx", "merges.txt", "golden.json"} {
		files[name] = content
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	if _, err := model.Open(write(t)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		harm func(dir string) error
		kind fault.Kind
		want string
	}{
		"changed file": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "text.onnx"), []byte("x"), 0o600)
		}, fault.KindInvalid, "text.onnx is not the file that card.yaml describes"},
		"missing file": {func(dir string) error { return os.Remove(filepath.Join(dir, "merges.txt")) }, fault.KindNotFound, "merges.txt is not there"},
		"missing card": {func(dir string) error { return os.Remove(filepath.Join(dir, "card.yaml")) }, fault.KindNotFound, "card.yaml is not there"},
		"no directory": {os.RemoveAll, fault.KindNotFound, "is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t)
			if err := tc.harm(dir); err != nil {
				t.Fatal(err)
			}
			_, err := model.Open(dir)
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.want) || !strings.Contains(fault.Public(err), dir) {
				t.Errorf("err = %v, want %v with %q and the directory", err, tc.kind, tc.want)
			}
		})
	}
	if _, err := model.Open(filepath.Join(write(t), model.CardFile)); fault.KindOf(err) != fault.KindInvalid {
		t.Errorf("a file as directory: %v", err)
	}
}

func TestFindAndList(t *testing.T) {
	t.Parallel()
	dir := write(t)
	models := filepath.Dir(dir)
	for _, name := range []string{"", model.Demo} {
		if m, err := model.Find(name, models); err != nil || m.Card.Name != model.Demo {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"tiny", dir} {
		if m, err := model.Find(name, models); err != nil || m.Card.Name != "tiny" {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := model.Find("small", models); fault.KindOf(err) != fault.KindNotFound || !strings.Contains(fault.Public(err), "small") {
		t.Errorf("unknown name: %v", err)
	}
	if err := os.Mkdir(filepath.Join(models, "broken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(models, "broken", model.CardFile), []byte("format: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cards, broken := model.List(models)
	if len(cards) != 2 || cards[0].Name != model.Demo || cards[1].Name != "tiny" {
		t.Errorf("cards = %v", cards)
	}
	if len(broken) != 1 || !strings.Contains(fault.Public(broken[0]), "broken") {
		t.Errorf("broken = %v", broken)
	}
}

// TestFindHere calls a model of the working directory by its folder's name.
func TestFindHere(t *testing.T) {
	dir := write(t)
	t.Chdir(filepath.Dir(dir))
	if m, err := model.Find("tiny", t.TempDir()); err != nil || m.Card.Name != "tiny" {
		t.Errorf("err = %v", err)
	}
}

// TestDemo checks what the built-in model promises beyond what Open checks.
func TestDemo(t *testing.T) {
	t.Parallel()
	m := modeltest.Demo(t)
	golden, err := m.Golden()
	if err != nil {
		t.Fatal(err)
	}
	if len(golden.Texts) < 4 || len(golden.Images) < 3 || len(golden.Images[0].Probe) < 16 || golden.Origin == "" {
		t.Errorf("%d texts, %d pictures: too few to prove anything", len(golden.Texts), len(golden.Images))
	}
	total := int64(0)
	for _, name := range []string{m.Card.Image.File, m.Card.Text.File} {
		info, err := fs.Stat(m.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 25<<20 {
		t.Errorf("the towers have %d bytes; 25 MiB is what a clone should carry", total)
	}
	if m.Card.Width != 768 || m.Card.Image.Size != 336 || m.Card.Text.Context != 77 {
		t.Errorf("card = %+v", m.Card)
	}
}
