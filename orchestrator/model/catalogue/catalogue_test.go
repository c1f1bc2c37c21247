package catalogue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
)

func builtin(t *testing.T) []catalogue.Model {
	t.Helper()
	models, err := catalogue.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return models
}

// TestBuiltin checks the catalogue that ships beyond what Read checks of any.
func TestBuiltin(t *testing.T) {
	t.Parallel()
	models := builtin(t)
	families := map[string]int{}
	for _, m := range models {
		families[m.Family]++
		if m.Title == "" || len(m.Sources) == 0 {
			t.Errorf("%s lacks a title or sources", m.Name)
		}
		if len(m.Languages) == 0 && !m.Multilingual {
			t.Errorf("%s says nothing of its languages", m.Name)
		}
		for _, o := range m.Origins {
			for _, f := range o.Files {
				if !strings.HasPrefix(f.URL, "https://") {
					t.Errorf("%s: %s is not fetched over TLS", m.Name, f.URL)
				}
				if strings.Contains(f.URL, "openaipublic") && (f.SHA256 == "" || !strings.Contains(f.URL, "/"+f.SHA256+"/")) {
					t.Errorf("%s: the address carries another SHA-256 than the catalogue", m.Name)
				}
			}
		}
	}
	for family, want := range map[string]int{"OpenAI CLIP": 9, "Chinese-CLIP": 5, "SigLIP 2": 3, "MobileCLIP2": 3, "jina-clip": 1, "OpenCLIP": 2} {
		if families[family] != want {
			t.Errorf("%d models of %s, want %d", families[family], family, want)
		}
	}
	best, err := catalogue.Find(models, catalogue.Default)
	if err != nil || best.Width != 768 || best.Pixels != 336 || len(best.Origins) != 2 {
		t.Errorf("the default is %+v, %v", best, err)
	}
	if got := best.Score("COCO", catalogue.TextToImage); got != 37.1 {
		t.Errorf("COCO R@1 = %g", got)
	}
}

// TestCards writes the card of every model that a hub has as ONNX files, and has it read.
func TestCards(t *testing.T) {
	t.Parallel()
	cards := 0
	for _, m := range builtin(t) {
		for _, o := range m.Origins {
			if o.Kind != catalogue.ONNX {
				continue
			}
			cards++
			hashes := map[string]string{}
			for _, f := range o.Files {
				hashes[f.Name] = strings.Repeat("0", 64)
			}
			text, err := m.CardText(o, hashes)
			if err != nil {
				t.Error(err)
				continue
			}
			card, err := model.ReadCard(text)
			if err != nil {
				t.Error(err)
			}
			if card.Name != catalogue.Directory(m.Name) || card.Width != m.Width || card.Image.Size != m.Pixels {
				t.Errorf("%s: card = %+v", m.Name, card)
			}
		}
	}
	if cards == 0 {
		t.Error("no model comes as ONNX files")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	models := builtin(t)
	for typed, want := range map[string]string{
		"ViT-L/14@336px":                  "ViT-L/14@336px",
		"vit-l-14@336px":                  "ViT-L/14@336px",
		"ViT-L-14@336px":                  "ViT-L/14@336px",
		"ViT-L-14-336":                    "ViT-L/14@336px",
		"vit_l_14":                        "ViT-L/14",
		"rn50X64":                         "RN50x64",
		"openai/clip-vit-large-patch14":   "",
		"clip-vit-large-patch14-336":      "ViT-L/14@336px",
		"google siglip2":                  "",
		"siglip2-so400m-patch16-384":      "SigLIP2-So400m/16-384",
		"chinese-clip-vit-h-14":           "Chinese-CLIP-ViT-H/14",
		"CLIP-ViT-H-14-laion2B-s32B-b79K": "LAION-ViT-H/14",
		"":                                "",
	} {
		m, err := catalogue.Find(models, typed)
		if m.Name != want || (want == "") != (fault.KindOf(err) == fault.KindNotFound && err != nil) {
			t.Errorf("%q is %q (%v), want %q", typed, m.Name, err, want)
		}
	}
}

func TestFindSuggests(t *testing.T) {
	t.Parallel()
	models := builtin(t)
	for typed, want := range map[string]string{
		"ViT-L/14@335px": "did you mean ViT-L/14@336px",
		"siglip2":        "SigLIP2-B/16-256",
		"mobileclip":     "MobileCLIP2-S0",
		"elephants":      "`clipseek model list` shows",
	} {
		if _, err := catalogue.Find(models, typed); !strings.Contains(fault.Public(err), want) {
			t.Errorf("%q: %q lacks %q", typed, fault.Public(err), want)
		}
	}
}

const good = `
- name: tiny/1
  width: 8
  pixels: 32
  licence: MIT
  origins:
    - kind: weights
      from: here
      files: [{name: tiny.pt, url: https://example.com/tiny.pt}]
`

func TestReadFaults(t *testing.T) {
	t.Parallel()
	if _, err := catalogue.Read([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if models, err := catalogue.Read(nil); err != nil || len(models) != 0 {
		t.Errorf("an empty file: %v, %v", models, err)
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"not YAML":        {"- name", "- [name", "cannot be read"},
		"unknown key":     {"width", "widht", "widht"},
		"name":            {"tiny/1", "../tiny", "must be letters"},
		"no width":        {"width: 8", "width: 0", "width must be"},
		"no licence":      {"licence: MIT", "licence: ''", "licence must be named"},
		"kind":            {"kind: weights", "kind: torrent", `kind = "torrent"`},
		"onnx, no card":   {"kind: weights", "kind: onnx", "has a card if"},
		"way out":         {"name: tiny.pt", "name: ../tiny.pt", "inside the model directory"},
		"a card":          {"name: tiny.pt", "name: card.yaml", "inside the model directory"},
		"not an address":  {"https://example.com/tiny.pt", "ftp://example.com/tiny.pt", "web address"},
		"half a hash":     {"/tiny.pt}", "/tiny.pt, sha256: abc}", "64 hexadecimal"},
		"negative size":   {"/tiny.pt}", "/tiny.pt, bytes: -1}", "must not be negative"},
		"name taken":      {"  width: 8", "  aliases: [TINY-1]\n  width: 8", "is also that of"},
		"neither of both": {"origins:", "not_pulled: because\n  origins:", "either origins or not_pulled"},
		"no such task":    {"  pixels", "  scores: [{set: COCO, task: x, r1: 4}]\n  pixels", "needs set and task"},
		"not percent":     {"  pixels", "  scores: [{set: COCO, task: classification, r1: 400}]\n  pixels", "in percent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(good, tc.old, tc.new, 1)
			if changed == good {
				t.Fatal("the test changes nothing")
			}
			_, err := catalogue.Read([]byte(changed))
			if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.want) {
				t.Errorf("err = %v, want %q", err, tc.want)
			}
		})
	}
}

// TestOpen calls models by the names of the catalogue.
func TestOpen(t *testing.T) {
	t.Parallel()
	models := builtin(t)
	dir := t.TempDir()
	_, err := catalogue.Open(models, "ViT-L/14@336px", dir)
	if fault.KindOf(err) != fault.KindNotFound || !strings.Contains(fault.Public(err), "clipseek model pull ViT-L/14@336px") {
		t.Errorf("a model that is not here: %v", err)
	}
	if m, err := catalogue.Open(models, model.Demo, dir); err != nil || m.Card.Name != model.Demo {
		t.Errorf("the built-in model: %v", err)
	}
	if err := os.CopyFS(filepath.Join(dir, "ViT-L-14@336px"), os.DirFS("../demo")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ViT-L/14@336px", "vit-l-14-336", "ViT-L-14@336px"} {
		if _, err := catalogue.Open(models, name, dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := catalogue.Open(models, "elephants", dir); fault.KindOf(err) != fault.KindNotFound {
		t.Errorf("err = %v", err)
	}
}
