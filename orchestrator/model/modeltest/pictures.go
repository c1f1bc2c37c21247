package modeltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/model"
)

// Pictures is a model of pictures alone: Colours as its tower, 224 pixels squashed, 2048 wide as ResNet-50.
type Pictures struct {
	Width, Size  int     // 0 is 2048 and 224
	In, Out      Value   // nameless ones are those that the card says
	Mean         float32 // of every channel; 0 is 0.45
	Golden       bool    // with reference values, which are computed apart from the tower, by the mean 0.45
	GoldenCosine float64
}

// The names that the card of Pictures has.
const (
	PicturesName   = "colours"
	PicturesInput  = "pixels"
	PicturesOutput = "features"
)

const (
	usualMean = 0.45
	deviation = 0.225
)

// Write makes the model's directory and returns it.
func (p Pictures) Write(t testing.TB, dir string) string {
	t.Helper()
	if p.Width == 0 {
		p.Width, p.Size = 2048, 224
	}
	if p.Mean == 0 {
		p.Mean = usualMean
	}
	if p.In.Name == "" {
		p.In = Value{PicturesInput, Float32, []int64{Open, 3, int64(p.Size), int64(p.Size)}}
	}
	if p.Out.Name == "" {
		p.Out = Value{PicturesOutput, Float32, []int64{Open, int64(p.Width)}}
	}
	files := map[string][]byte{"image.onnx": Colours(p.In, p.Out, p.Size)}
	more := ""
	if p.Golden {
		p.addGolden(t, files)
		more = "golden: golden.json\n"
	}
	if p.GoldenCosine != 0 {
		more += fmt.Sprintf("golden_cosine: %g\n", p.GoldenCosine)
	}
	WriteDir(t, dir, fmt.Sprintf(`format: 1
name: %s
title: Sees which colours are where
licence: Apache-2.0
width: %d
image: {file: image.onnx, size: %d, resize: squash, mean: [%[4]g, %[4]g, %[4]g], std: [%[5]g, %[5]g, %[5]g], input: %s, output: %s}
%s`, PicturesName, p.Width, p.Size, p.Mean, deviation, PicturesInput, PicturesOutput, more), files)
	return dir
}

// addGolden adds two pictures of one colour each, whose tensor and embedding need no picture library.
func (p Pictures) addGolden(t testing.TB, files map[string][]byte) {
	t.Helper()
	golden := model.Golden{Origin: "computed by hand"}
	for name, c := range map[string]color.RGBA{"orange": {230, 140, 30, 255}, "blue": {20, 60, 200, 255}} {
		file := "golden/" + name + ".png"
		files[file] = solid(t, c)
		values := [3]float32{}
		for i, v := range []uint8{c.R, c.G, c.B} {
			values[i] = (float32(v)/255 - usualMean) / deviation
		}
		embedding := make([]float32, p.Width)
		matrix := spread(p.Width)
		for row := range features {
			for column := range embedding {
				embedding[column] += values[row/(grid*grid)] * matrix[row*p.Width+column]
			}
		}
		golden.Images = append(golden.Images, model.GoldenImage{
			File: file, Embedding: embedding,
			Probe: []model.Probe{{At: [3]int{0, 0, 0}, Value: values[0]}, {At: [3]int{2, p.Size - 1, p.Size / 2}, Value: values[2]}},
		})
	}
	slices.SortFunc(golden.Images, func(a, b model.GoldenImage) int { return strings.Compare(a.File, b.File) })
	content, err := json.Marshal(golden)
	if err != nil {
		t.Fatal(err)
	}
	files["golden.json"] = content
}

func solid(t testing.TB, c color.Color) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 40, 30))
	draw.Draw(picture, picture.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// WriteDir writes a model directory: the files, and the card followed by their hashes.
func WriteDir(t testing.TB, dir, card string, files map[string][]byte) {
	t.Helper()
	lines := []string{strings.TrimSuffix(card, "\n"), "files:"}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), files[name])
		lines = append(lines, fmt.Sprintf("  %s: %x", name, sha256.Sum256(files[name])))
	}
	write(t, filepath.Join(dir, model.CardFile), []byte(strings.Join(lines, "\n")+"\n"))
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
