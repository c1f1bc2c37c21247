package imageprep

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// fuzzLimits keep one input's work small.
func fuzzLimits() Config {
	cfg := Default()
	cfg.MaxPixels, cfg.MaxSide = 1<<18, 1<<12
	return cfg
}

// fuzzDecode checks what holds for any bytes: no crash, an error that is the file's fault, and from what decodes a
// tensor by every rule and a thumbnail.
func fuzzDecode(f *testing.F, magic string, seeds ...string) {
	for _, seed := range seeds {
		f.Add(readFile(f, filepath.Join("testdata/golden", seed)))
	}
	exact, fast := fuzzLimits(), fuzzLimits()
	fast.Fast, fast.SRGB = true, true
	decoders := [...]*Decoder{newDecoder(f, exact), newDecoder(f, fast)}
	f.Fuzz(func(t *testing.T, file []byte) {
		file = append([]byte(magic), file[min(len(file), len(magic)):]...)
		before := slices.Clone(file)
		errs := append(prepareEveryWay(decoders[0], file), prepareEveryWay(decoders[1], file)...)
		if !slices.Equal(file, before) {
			t.Fatal("the file's bytes were changed")
		}
		for _, err := range errs {
			if kind := fault.KindOf(err); err != nil && kind != fault.KindInvalid && kind != fault.KindTooLarge {
				t.Fatalf("kind %v: %v", kind, err)
			}
		}
	})
}

// prepareEveryWay makes a tensor by every rule and a thumbnail, alone and beside pixels, and gives the error of each.
func prepareEveryWay(decoder *Decoder, file []byte) []error {
	picture, err := decoder.Decode(file)
	if err != nil {
		return []error{err}
	}
	defer picture.Release()
	_, err = picture.Thumbnail(24, 50)
	errs := []error{err}
	tensor, pixels := make([]float32, 3*16*16), make([]byte, 3*16*16)
	for _, rule := range []model.ResizeRule{model.ResizeShortest, model.ResizeShortestRGB, model.ResizeSquash} {
		errs = append(errs, picture.Tensor(Spec{Size: 16, Resize: rule, Std: [3]float32{1, 1, 1}}, tensor))
		_, _, err := picture.PixelsAndThumbnail(Spec{Size: 16, Resize: rule, Std: [3]float32{1, 1, 1}}, pixels, 24, 50)
		errs = append(errs, err)
	}
	return errs
}

func FuzzDecodeJPEG(f *testing.F) {
	fuzzDecode(f, "\xff\xd8\xff", "rgb-420.jpg", "rgb-444-progressive.jpg", "grey.jpg", "ycck.jpg", "strip.jpg", "turned-6.jpg")
}

func FuzzDecodePNG(f *testing.F) {
	fuzzDecode(f, pngMagic, "rgb.png", "palette-alpha.png", "turned-8.png", "colour-0-1-interlaced.png", "colour-0-16-interlaced.png", "colour-4-16-interlaced.png")
}

func FuzzDecodeWebP(f *testing.F) {
	fuzzDecode(f, "RIFF", "rgb-lossy.webp", "rgba-lossy.webp", "rgba-lossless.webp", "animated.webp", "turned-5.webp")
}

// AVIF and HEIC begin with the size of their first box, which no magic overwrites.
func FuzzDecodeAVIF(f *testing.F) {
	fuzzDecode(f, "", "rgb-420.avif", "rgba-444-premultiplied.avif", "grey.avif", "animated.avif", "turned-5.avif", "rgb-422-10-bit.avif")
}

func FuzzDecodeHEIC(f *testing.F) {
	fuzzDecode(f, "", "rgb-420.heic", "rgba-444.heic", "rgb-422-10-bit.heic", "grid.heic", "turned-6.heic")
}

func FuzzDecodeGIF(f *testing.F) {
	for _, size := range [][2]int{{40, 30}, {1, 1}, {3, 200}} {
		f.Add(gifOf(f, size[0], size[1]))
	}
	fuzzDecode(f, "GIF89a")
}

func FuzzDecodeBMP(f *testing.F) {
	for _, size := range [][2]int{{40, 30}, {1, 1}, {3, 200}} {
		f.Add(bmpOf(size[0], size[1]))
	}
	palette := patched(bmpOf(40, 30), 28, 4)
	f.Add(palette)
	f.Add(patched(palette, 28, 16))
	f.Add(patched(bmpOf(40, 30), 28, 32))
	fuzzDecode(f, "BM")
}

func FuzzDecodeTIFF(f *testing.F) {
	for _, file := range tiffKinds(f) {
		f.Add(file)
	}
	fuzzDecode(f, "")
}

// FuzzFax goes straight to the codes of CCITT's compressions.
func FuzzFax(f *testing.F) {
	f.Add(uint16(40), byte(compressionGroup4), byte(0), []byte{0x80, 0x31, 0x4d, 0xa2})
	f.Add(uint16(9), byte(compressionGroup3), byte(1), []byte{0, 0x1b, 0x53, 0x27})
	f.Add(uint16(1200), byte(compressionRLE), byte(0), []byte{0x35, 0xd9, 0x1b})
	f.Fuzz(func(t *testing.T, width uint16, compression, options byte, data []byte) {
		reader := newFaxReader(data, int(width)+1, 2+int(compression)%3, int(options))
		row := make([]byte, int(width)/8+1)
		for range 50 {
			if _, err := reader.Read(row); err != nil {
				return
			}
		}
	})
}

// FuzzPNGRows goes behind the checksums, where mutated bytes of a whole file seldom come.
func FuzzPNGRows(f *testing.F) {
	f.Add(uint16(9), uint16(7), byte(2), byte(8), true, slices.Repeat([]byte{4, 200, 3}, 70))
	f.Add(uint16(5), uint16(3), byte(3), byte(2), false, slices.Repeat([]byte{1, 90}, 20))
	f.Add(uint16(1), uint16(40), byte(0), byte(16), true, slices.Repeat([]byte{3, 7, 250}, 60))
	decoder := newDecoder(f, fuzzLimits())
	f.Fuzz(func(t *testing.T, w, h uint16, color, depth byte, interlaced bool, rows []byte) {
		head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
		head = append(head, depth, color, 0, 0, 0)
		if interlaced {
			head[12] = 1
		}
		file := slices.Concat([]byte(pngMagic), pngChunkOf("IHDR", head), pngChunkOf("PLTE", []byte("colour")),
			pngChunkOf("IDAT", packed(rows)), pngChunkOf("IEND", nil))
		for _, err := range prepareEveryWay(decoder, file) {
			if err != nil && fault.KindOf(err) != fault.KindInvalid {
				t.Fatal(err)
			}
		}
	})
}

func FuzzMetadata(f *testing.F) {
	le := binary.LittleEndian
	f.Add(tiffBlock(le, []entry{{tagOrientation, typeShort, 1, short(le, 6)}}, []entry{text(tagDateTimeOriginal, "2026:11:23 14:05:09")}), []byte(`tiff:Orientation="4"`))
	f.Add([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08"), []byte(nil))
	f.Fuzz(func(t *testing.T, exif, xmp []byte) {
		if m := (metadataSource{exif: exif, xmp: xmp}).read(); m.orientation < 1 || m.orientation > 8 {
			t.Fatalf("orientation %d", m.orientation)
		}
	})
}

func FuzzRAW(f *testing.F) {
	large, small := goldenPreviews(f)
	for _, raw := range rawFiles(large, small) {
		f.Add(raw.file)
	}
	fuzzDecode(f, "")
}
