package imageprep

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// gifOf is a GIF of one frame.
func gifOf(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, w, h), palette.WebSafe)
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7 % 200)
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifData is where the pixels of a GIF of gifOf begin, with their code size.
func gifData(t testing.TB, file []byte) int {
	t.Helper()
	frame, err := firstFrame(file)
	if err != nil {
		t.Fatal(err)
	}
	return len(file) - len(frame.data) - 1
}

// bmpOf is a BMP of 24 bits a pixel.
func bmpOf(w, h int) []byte {
	le := binary.LittleEndian
	file := append([]byte("BM"), make([]byte, 8)...)
	file = le.AppendUint32(le.AppendUint32(file, 54), 40)
	file = le.AppendUint32(le.AppendUint32(file, uint32(w)), uint32(h))
	file = append(append(file, 1, 0, 24, 0), make([]byte, 24)...)
	for i := range h * ((3*w + 3) / 4 * 4) {
		file = append(file, byte(i*7))
	}
	return file
}

// TestBadFiles lists what a file can be that is no good picture, and the message each gets.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	golden := func(name string) []byte { return readFile(t, filepath.Join("testdata/golden", name)) }
	photo, drawing, webp := golden("rgb-420.jpg"), golden("rgb.png"), golden("rgb-lossy.webp")
	bomb := pngOf(30000, 30000, nil)
	drawn, bitmap := gifOf(t, 40, 30), bmpOf(40, 30)
	avif, heic := golden("rgb-420.avif"), golden("rgb-420.heic")
	for name, tc := range map[string]struct {
		file    []byte
		kind    fault.Kind
		message string
	}{
		"empty":                     {nil, fault.KindInvalid, "the file is empty (0 bytes)"},
		"text":                      {[]byte("dear diary,\nтоже текст"), fault.KindInvalid, "this is a text file, not a picture, whatever its name says; " + readable},
		"text cut in a letter":      {[]byte(strings.Repeat("é", 700))[:513], fault.KindInvalid, "this is a text file"},
		"web page":                  {[]byte("  <!DOCTYPE html><html>not found</html>"), fault.KindInvalid, "this is a web page (HTML)"},
		"svg":                       {[]byte(`<?xml version="1.0"?><svg xmlns="x"/>`), fault.KindInvalid, "this is an SVG drawing"},
		"json":                      {[]byte(`{"error":"no"}`), fault.KindInvalid, "this is a JSON text"},
		"lfs pointer":               {[]byte("version https://git-lfs.github.com/spec/v1\n"), fault.KindInvalid, "a Git LFS pointer"},
		"text of BM":                {[]byte("BMW and others, a list of cars"), fault.KindInvalid, "this is a text file"},
		"bmp half there":            {bitmap[:len(bitmap)/2], fault.KindInvalid, "the BMP file ends early"},
		"bmp of 30 bytes":           {bitmap[:30], fault.KindInvalid, "the BMP file ends early"},
		"bmp of no width":           {patched(bitmap, 18, 0, 0, 0, 0), fault.KindInvalid, "the BMP file is damaged (its size is 0 x 30 pixels)"},
		"bmp of 7 bits":             {patched(bitmap, 28, 7), fault.KindInvalid, "the BMP file has 7 bits a pixel"},
		"bmp of runs":               {patched(bitmap, 30, 1), fault.KindInvalid, "the BMP file is compressed (kind 1)"},
		"bmp of odd masks":          {patched(bitmap, 30, 3), fault.KindInvalid, "in an uncommon order"},
		"bmp bomb":                  {patched(bitmap, 18, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f), fault.KindTooLarge, "2147483647 x 2147483647"},
		"gif of ten bytes":          {[]byte("GIF89a\x01\x00\x01\x00"), fault.KindInvalid, "the GIF file ends early"},
		"gif half there":            {drawn[:len(drawn)/2], fault.KindInvalid, "the GIF file ends early"},
		"gif without a picture":     {append([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), ';'), fault.KindInvalid, "the GIF file is damaged (it has no picture)"},
		"gif code size":             {patched(drawn, gifData(t, drawn), 13), fault.KindInvalid, "the GIF file is damaged (its pixels have a code size"},
		"gif pixels damaged":        {patched(drawn, gifData(t, drawn)+2, 255, 255, 255), fault.KindInvalid, "the GIF file is damaged (its pixels cannot be decompressed)"},
		"gif bomb":                  {patched(drawn, 6, 0xff, 0xff, 0xff, 0xff), fault.KindTooLarge, "65535 x 65535"},
		"video":                     {[]byte("\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp42"), fault.KindInvalid, "this is a video"},
		"avif of its first box":     {avif[:32], fault.KindInvalid, "the AVIF file ends early"},
		"avif half there":           {avif[:len(avif)/2], fault.KindInvalid, "the AVIF file ends early"},
		"avif last bytes missing":   {avif[:len(avif)-20], fault.KindInvalid, "the AVIF file ends early"},
		"avif pixels damaged":       {withoutContent(avif), fault.KindInvalid, "the AVIF file is damaged"},
		"avif bomb":                 {resized(avif, 30000, 6000), fault.KindTooLarge, "30000 x 6000"},
		"avif of 2^32 pixels":       {resized(avif, 1<<16, 1<<16), fault.KindTooLarge, "more than the 268435456 pixels"},
		"avif without a picture":    {renamed(avif, "av01", "free"), fault.KindInvalid, "the AVIF file is damaged (it holds no picture)"},
		"heic of its first box":     {heic[:24], fault.KindInvalid, "the HEIC file is damaged (it holds no picture)"},
		"heic half there":           {heic[:len(heic)/2], fault.KindInvalid, "the HEIC file ends early"},
		"heic last bytes missing":   {heic[:len(heic)-20], fault.KindInvalid, "the HEIC file ends early"},
		"heic pixels damaged":       {withoutContent(heic), fault.KindInvalid, "the HEIC file is damaged"},
		"heic bomb":                 {resized(heic, 30000, 6000), fault.KindTooLarge, "30000 x 6000"},
		"heic of a huge side":       {resized(heic, 1<<20, 6000), fault.KindTooLarge, "32768 pixels on a side"},
		"heic of another size":      {resized(heic, 70, 70), fault.KindInvalid, "the HEIC file is damaged"},
		"heic without a picture":    {renamed(heic, "pitm", "free"), fault.KindInvalid, "the HEIC file is damaged"},
		"heic of another codec":     {renamed(heic, "hvc1", "vvc1"), fault.KindInvalid, "the HEIC file"},
		"pdf":                       {[]byte("%PDF-1.7 \x00"), fault.KindInvalid, "this is a PDF document"},
		"zeros":                     {make([]byte, 5000), fault.KindInvalid, "the file holds only zeros"},
		"unknown":                   {[]byte{1, 2, 3, 0xfe}, fault.KindInvalid, "it begins with the bytes 01 02 03 fe"},
		"jpeg of three bytes":       {photo[:3], fault.KindInvalid, "the JPEG file ends early"},
		"jpeg without pixels":       {photo[:200], fault.KindInvalid, "the JPEG file ends early"},
		"jpeg half there":           {photo[:len(photo)/2], fault.KindInvalid, "the JPEG file ends early"},
		"jpeg last bytes missing":   {photo[:len(photo)-20], fault.KindInvalid, "the JPEG file ends early"},
		"jpeg 12 bit":               {patched(photo, sofAt(t, photo)+4, 12), fault.KindInvalid, "the JPEG file has 12 bits per channel"},
		"jpeg lossless":             {patched(photo, sofAt(t, photo)+1, 0xc3), fault.KindInvalid, "the JPEG file is lossless (process 3)"},
		"jpeg of 2 channels":        {patched(photo, sofAt(t, photo)+9, 2), fault.KindInvalid, "the JPEG file has 2 channels"},
		"jpeg of no height":         {patched(photo, sofAt(t, photo)+5, 0, 0), fault.KindInvalid, "the JPEG file is damaged (its size is 97 x 0 pixels)"},
		"jpeg without tables":       {withoutTables(photo), fault.KindInvalid, "the JPEG file is damaged ("},
		"jpeg bomb":                 {patched(photo, sofAt(t, photo)+5, 0x75, 0x30, 0x75, 0x30), fault.KindTooLarge, "the picture has 30000 x 30000 = 900000000 pixels, more than the 178956970 allowed; shrink it or raise max_pixels"},
		"png of eight bytes":        {drawing[:8], fault.KindInvalid, "the PNG file ends early"},
		"png half there":            {drawing[:len(drawing)/2], fault.KindInvalid, "the PNG file ends early"},
		"png header checksum":       {patched(drawing, 19, drawing[19]+1), fault.KindInvalid, `the PNG file is damaged (the checksum of its "IHDR" chunk is wrong)`},
		"png pixel checksum":        {patched(drawing, len(drawing)/2, drawing[len(drawing)/2]+1), fault.KindInvalid, "the PNG file is damaged (the checksum of its pixels is wrong)"},
		"png pixels not packed":     {pngOf(4, 4, []byte("this is no zlib stream")), fault.KindInvalid, "the PNG file is damaged (its pixels cannot be unpacked)"},
		"png without pixels":        {slices.Concat(drawing[:33], pngChunkOf("IEND", nil)), fault.KindInvalid, "the PNG file is damaged (it holds no pixels)"},
		"png bomb":                  {bomb, fault.KindTooLarge, "30000 x 30000"},
		"png bomb, header only":     {bomb[:33], fault.KindTooLarge, "30000 x 30000"},
		"png strip of 2^30":         {pngOf(1<<30, 1, nil), fault.KindTooLarge, "more than the 1048576 allowed on a side; shrink it or raise max_side"},
		"webp of twelve bytes":      {webp[:12], fault.KindInvalid, "the WebP file ends early"},
		"webp half there":           {webp[:len(webp)/2], fault.KindInvalid, "the WebP file ends early"},
		"webp pixels damaged":       {patched(webp, 23, 0, 0, 0), fault.KindInvalid, "the WebP file is damaged"},
		"webp without a picture":    {[]byte("RIFF\x04\x00\x00\x00WEBP"), fault.KindInvalid, "the WebP file is damaged (it holds no picture)"},
		"webp canvas bomb":          {webpCanvasOf(16777216, 16777216), fault.KindTooLarge, "16777216 x 16777216"},
		"webp frame outside canvas": {webpAnimationOf(4, 4, 8, 8), fault.KindInvalid, "its first frame is larger than the picture"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := prepare(newDecoder(t, Default()), tc.file)
			if err == nil {
				t.Fatal("prepared")
			}
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.message) {
				t.Errorf("got %v %q, want %v %q", fault.KindOf(err), fault.Public(err), tc.kind, tc.message)
			}
		})
	}
}

// prepare makes a small tensor of a file.
func prepare(d *Decoder, file []byte) error {
	picture, err := d.Decode(file)
	if err != nil {
		return err
	}
	defer picture.Release()
	return picture.Tensor(Spec{Size: 8, Resize: model.ResizeSquash, Std: [3]float32{1, 1, 1}}, make([]float32, 3*8*8))
}

// TestBombsTakeNoMemory proves that a picture over the limit is refused by its header.
func TestBombsTakeNoMemory(t *testing.T) {
	decoder := newDecoder(t, Default())
	bomb := pngOf(30000, 30000, make([]byte, 1<<10))
	if n := testing.AllocsPerRun(10, func() {
		if _, err := decoder.Decode(bomb); fault.KindOf(err) != fault.KindTooLarge {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("refusing a bomb takes %v allocations", n)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	file := readFile(t, "testdata/golden/rgb-420.jpg") // 97 x 61
	for name, tc := range map[string]struct {
		change  func(*Config)
		message string
	}{
		"all fits": {func(c *Config) { c.MaxBytes, c.MaxPixels, c.MaxSide = int64(len(file)), 97*61, 97 }, ""},
		"bytes":    {func(c *Config) { c.MaxBytes = int64(len(file)) - 1 }, "make it smaller or raise max_bytes"},
		"pixels":   {func(c *Config) { c.MaxPixels = 97*61 - 1 }, "the picture has 97 x 61 = 5917 pixels, more than the 5916 allowed"},
		"side":     {func(c *Config) { c.MaxSide = 96 }, "the picture has 97 x 61 pixels, more than the 96 allowed on a side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Default()
			tc.change(&cfg)
			_, err := newDecoder(t, cfg).Decode(file)
			if tc.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.KindOf(err) != fault.KindTooLarge || !strings.Contains(fault.Public(err), tc.message) {
				t.Errorf("got %v, want TooLarge: %s", err, tc.message)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	_, err := New(Config{MaxBytes: -1, MaxPixels: 0, MaxSide: 1 << 30, MaxInFlight: 7})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"max_bytes = -1 must be 1 to", "max_pixels = 0 must be 1 to", "max_side = 1073741824 must be 1 to", "max_in_flight = 7 must be at least"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestSpecValidate(t *testing.T) {
	t.Parallel()
	picture := decodeGolden(t, Default(), "rgb.png")
	good := Spec{Size: 8, Resize: model.ResizeSquash, Std: [3]float32{1, 1, 1}}
	for name, tc := range map[string]struct {
		change func(*Spec)
		length int
		kind   fault.Kind
	}{
		"size zero":        {func(s *Spec) { s.Size = 0 }, 0, fault.KindInvalid},
		"size too large":   {func(s *Spec) { s.Size = 5000 }, 3 * 5000 * 5000, fault.KindInvalid},
		"unknown rule":     {func(s *Spec) { s.Resize = "longest" }, 192, fault.KindInvalid},
		"unknown filter":   {func(s *Spec) { s.Filter = "lanczos" }, 192, fault.KindInvalid},
		"std zero":         {func(s *Spec) { s.Std[1] = 0 }, 192, fault.KindInvalid},
		"memory too short": {func(*Spec) {}, 191, fault.KindInternal},
	} {
		t.Run(name, func(t *testing.T) {
			spec := good
			tc.change(&spec)
			if err := picture.Tensor(spec, make([]float32, tc.length)); fault.KindOf(err) != tc.kind || err == nil {
				t.Errorf("got %v, want %v", err, tc.kind)
			}
		})
	}
}

// TestConcurrentUse shares one decoder, and so its pool, between goroutines that decode unlike pictures.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	decoder := newDecoder(t, Default())
	spec := Spec{Size: 32, Resize: model.ResizeShortest, Std: [3]float32{1, 1, 1}}
	files := []string{"rgb-420.jpg", "rgba.png", "animated.webp", "colour-0-16-interlaced.png", "turned-7.jpg", "palette-alpha.png"}
	prepare := func(file []byte) []float32 {
		picture, err := decoder.Decode(file)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer picture.Release()
		tensor := make([]float32, spec.Len())
		if err := picture.Tensor(spec, tensor); err != nil {
			t.Error(err)
		}
		return tensor
	}
	var wait sync.WaitGroup
	for _, name := range files {
		file := readFile(t, filepath.Join("testdata/golden", name))
		want := prepare(file)
		wait.Go(func() {
			for range 20 {
				if !slices.Equal(prepare(file), want) {
					t.Errorf("%s came out different beside other pictures", name)
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestInFlight fills up what may be decoded at once: the next picture waits.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decoder := newDecoder(t, Default())
		file := readFile(t, "testdata/golden/rgb.png")
		held := decoder.hold(1 << 50)
		if held != Default().MaxInFlight {
			t.Errorf("a picture larger than the limit holds %d bytes", held)
		}
		prepared := false
		go func() {
			if err := prepare(decoder, file); err != nil {
				t.Error(err)
			}
			prepared = true
		}()
		synctest.Wait()
		if prepared {
			t.Error("a picture was decoded though there was no room")
		}
		decoder.inFlight.Release(held)
		synctest.Wait()
		if !prepared {
			t.Error("a picture was not decoded though there was room")
		}
	})
}

// TestFast decodes what is large enough at a fraction of its size, to nearly the same pixels.
func TestFast(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Fast = true
	spec := Spec{Size: 48, Resize: model.ResizeShortest}
	file := scene(t, 1000, 700)
	exact, err := newDecoder(t, Default()).Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	fast, err := newDecoder(t, cfg).Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	for size, eighths := range map[int]int{40: 1, 48: 2, 87: 2, 88: 4, 175: 4, 176: 8, 900: 8} {
		spec.Size = size
		x, y := spec.fit(1000, 700)
		if got := fast.enough(x, y); got != eighths {
			t.Errorf("for %d pixels %d eighths are decoded, want %d", size, got, eighths)
		}
		want, sum := squareOf(t, exact, spec), 0
		for i, v := range squareOf(t, fast, spec) {
			sum += abs(int(v) - int(want[i]))
		}
		if mean := float64(sum) / float64(len(want)); mean > 3 || eighths == 8 && mean > 0 {
			t.Errorf("at %d pixels, %d eighths, the mean difference is %.2f", size, eighths, mean)
		}
	}
}

func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	picture := decodeGolden(t, Default(), "rgb.png")
	picture.Release()
	picture.Release()
}

func TestThumbnail(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]image.Point{
		"rgb-420.jpg":                  {40, 25},
		"turned-6.jpg":                 {28, 40},
		"tall-vertical-pass-first.jpg": {14, 40},
		"cmyk.jpg":                     {40, 25},
		"grey-16-dark.png":             {35, 40},
		"palette-alpha.png":            {40, 29},
		"la.png":                       {40, 29},
		"colour-0-1-interlaced.png":    {35, 40},
		"strip.jpg":                    {1, 40},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			picture := decodeGolden(t, Default(), file)
			defer picture.Release()
			data, err := picture.Thumbnail(40, 85)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jpeg.DecodeConfig(bytes.NewReader(data))
			if err != nil || got.Width != want.X || got.Height != want.Y {
				t.Errorf("got %d x %d (%v), want %v", got.Width, got.Height, err, want)
			}
		})
	}
	picture := decodeGolden(t, Default(), "rgb.png")
	for _, bad := range [][2]int{{0, 80}, {5000, 80}, {100, 0}, {100, 101}} {
		if _, err := picture.Thumbnail(bad[0], bad[1]); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("Thumbnail(%d, %d): %v, want Invalid", bad[0], bad[1], err)
		}
	}
	if data, err := picture.Thumbnail(1000, 80); err != nil {
		t.Error(err)
	} else if got, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil || got.Width != 57 {
		t.Errorf("a small picture became %d wide (%v)", got.Width, err)
	}
}

// TestThumbnailColours checks what is shown: clear areas white, opaque ones their colour, large pictures averaged.
func TestThumbnailColours(t *testing.T) {
	t.Parallel()
	picture := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	for y := range 200 {
		for x := range 300 {
			c := color.NRGBA{200, 40, 90, 255}
			if x < 150 {
				c = color.NRGBA{0, 0, 0, 0}
			}
			picture.SetNRGBA(x, y, c)
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	shown := thumbnailOf(t, file.Bytes(), 30)
	for x, want := range map[int][3]int{3: {255, 255, 255}, 26: {200, 40, 90}} {
		r, g, b, _ := shown.At(x, 10).RGBA()
		for c, v := range [3]uint32{r, g, b} {
			if abs(int(v>>8)-want[c]) > 6 {
				t.Errorf("column %d is %d %d %d, want %v", x, r>>8, g>>8, b>>8, want)
				break
			}
		}
	}
}

// thumbnailOf is the thumbnail of a file, decoded.
func thumbnailOf(t *testing.T, file []byte, side int) image.Image {
	t.Helper()
	picture, err := newDecoder(t, Default()).Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	small, err := picture.Thumbnail(side, 95)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// patched is a copy of file with other bytes at an offset.
func patched(file []byte, at int, b ...byte) []byte {
	file = slices.Clone(file)
	copy(file[at:], b)
	return file
}

// withoutContent is a copy of a file of boxes with zeros for pixels.
func withoutContent(file []byte) []byte {
	at := bytes.Index(file, []byte("mdat")) + 4
	return patched(file, at, make([]byte, len(file)-at)...)
}

// renamed is a copy of a file of boxes with another name for each box or kind of that name.
func renamed(file []byte, from, to string) []byte {
	return bytes.ReplaceAll(file, []byte(from), []byte(to))
}

// resized is a copy of a file of boxes that says it holds a picture of another size, uncropped.
func resized(file []byte, width, height uint32) []byte {
	file = renamed(file, "clap", "free")
	for at := bytes.Index(file, []byte("ispe")); at >= 0; at = -1 {
		binary.BigEndian.PutUint32(file[at+8:], width)
		binary.BigEndian.PutUint32(file[at+12:], height)
	}
	return file
}

// sofAt is the offset of a JPEG's baseline frame header: marker, length, bits, height, width, channels.
func sofAt(t *testing.T, file []byte) int {
	t.Helper()
	at := bytes.Index(file, []byte{0xff, 0xc0, 0})
	if at < 0 {
		t.Fatal("the JPEG has no baseline frame")
	}
	return at
}

// withoutTables blanks the identifiers of a JPEG's quantization tables.
func withoutTables(file []byte) []byte {
	return bytes.ReplaceAll(file, []byte{0xff, 0xdb}, []byte{0xff, 0xfe})
}

func pngChunkOf(id string, data []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	c = append(append(c, id...), data...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// pngOf is an 8-bit RGB file of w x h whose pixel data are as given.
func pngOf(w, h uint32, pixels []byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return slices.Concat([]byte(pngMagic), pngChunkOf("IHDR", append(head, 8, 2, 0, 0, 0)), pngChunkOf("IDAT", pixels), pngChunkOf("IEND", nil))
}

func riffChunk(id string, data []byte) []byte {
	c := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data)))
	c = append(c, data...)
	return append(c, make([]byte, len(data)%2)...)
}

func webpOf(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), slices.Concat(chunks...)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func put24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }

func webpCanvasOf(w, h int) []byte {
	return webpOf(riffChunk("VP8X", slices.Concat([]byte{0x02, 0, 0, 0}, put24(w-1), put24(h-1))), riffChunk("ANMF", slices.Concat(put24(0), put24(0), put24(w-1), put24(h-1), make([]byte, 20))))
}

func webpAnimationOf(w, h, frameW, frameH int) []byte {
	return webpOf(riffChunk("VP8X", slices.Concat([]byte{0x02, 0, 0, 0}, put24(w-1), put24(h-1))), riffChunk("ANMF", slices.Concat(put24(0), put24(0), put24(frameW-1), put24(frameH-1), make([]byte, 20))))
}

func TestRead(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.MaxBytes = 100
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		said, really int
		kind         fault.Kind
		ok           bool
	}{
		"as it said":      {80, 80, 0, true},
		"nothing":         {0, 0, 0, true},
		"grown":           {10, 100, 0, true},
		"too large":       {101, 0, fault.KindTooLarge, false},
		"grown too large": {10, 101, fault.KindTooLarge, false},
	} {
		file, err := d.Read(bytes.NewReader(make([]byte, tc.really)), int64(tc.said), nil)
		if tc.ok && (err != nil || len(file) != tc.really) || !tc.ok && fault.KindOf(err) != tc.kind {
			t.Errorf("%s: %d bytes, %v", name, len(file), err)
		}
	}
	if _, err := d.Read(iotest.ErrReader(errors.New("unplugged")), 10, nil); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("a broken disk: %v", err)
	}
}
