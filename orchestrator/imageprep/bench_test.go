package imageprep

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"clipseek/orchestrator/model"
)

// processorTime reports the time of the processor beside that of the clock, which means little on a busy machine. Call
// the result when the loop is done.
func processorTime(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

var benchSizes = [...][2]int{{640, 480}, {1600, 1200}, {4000, 3000}}

// benchPicture is a JPEG of w x h: the file that testdata/compare.py made for both sides or, without it, one made here.
func benchPicture(b *testing.B, w, h int) []byte {
	b.Helper()
	if dir := os.Getenv("BENCH_PICTURES"); dir != "" {
		return readFile(b, filepath.Join(dir, fmt.Sprintf("%dx%d.jpg", w, h)))
	}
	return scene(b, w, h)
}

// benchOpened is such a picture, not yet decoded. It is released with the benchmark's end.
func benchOpened(b *testing.B, size [2]int) *Picture {
	b.Helper()
	picture, err := newDecoder(b, Default()).Decode(benchPicture(b, size[0], size[1]))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(picture.Release)
	return picture
}

// scene encodes waves of colour with a fine pattern, about as hard to decode as a photo.
func scene(t testing.TB, w, h int) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			wave := func(a, b float64) byte {
				return byte(128 + 90*math.Sin(float64(x)/a)*math.Cos(float64(y)/b) + float64((x*7+y*13)%23))
			}
			picture.SetRGBA(x, y, color.RGBA{wave(40, 70), wave(55, 31), wave(90, 45), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 88}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// BenchmarkTensor is a file to a tensor of 336.
func BenchmarkTensor(b *testing.B) { benchTensor(b, Default(), benchPicture) }

// BenchmarkPNG is a PNG to a tensor of 336.
func BenchmarkPNG(b *testing.B) { benchTensor(b, Default(), benchPNG) }

// benchPNG is as benchPicture.
func benchPNG(b *testing.B, w, h int) []byte {
	b.Helper()
	if dir := os.Getenv("BENCH_PICTURES"); dir != "" {
		return readFile(b, filepath.Join(dir, fmt.Sprintf("%dx%d.png", w, h)))
	}
	picture, err := jpeg.Decode(bytes.NewReader(scene(b, w, h)))
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

// BenchmarkFast is the same in fast mode.
func BenchmarkFast(b *testing.B) {
	cfg := Default()
	cfg.Fast = true
	benchTensor(b, cfg, benchPicture)
}

// benchTensor prepares the pictures that made gives, of each size.
func benchTensor(b *testing.B, cfg Config, made func(b *testing.B, w, h int) []byte) {
	spec := Spec{Size: 336, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	dst := make([]float32, spec.Len())
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			decoder, file := newDecoder(b, cfg), made(b, size[0], size[1])
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				fillTensor(b, decoder, file, spec, dst)
			}
		})
	}
}

// BenchmarkCores prepares pictures on as many cores as -cpu says. Two cores do twice as much as one where the processor
// time of a picture stays what it is.
func BenchmarkCores(b *testing.B) {
	spec := Spec{Size: 336, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	decoder, file := newDecoder(b, Default()), benchPicture(b, 1600, 1200)
	defer processorTime(b)()
	b.RunParallel(func(pb *testing.PB) {
		dst := make([]float32, spec.Len())
		for pb.Next() {
			picture, err := decoder.Decode(file)
			if err != nil {
				b.Error(err)
				return
			}
			if err := picture.Tensor(spec, dst); err != nil {
				b.Error(err)
			}
			picture.Release()
		}
	})
}

// BenchmarkDecode is libjpeg-turbo's decode alone, of the whole picture into memory that is used again.
func BenchmarkDecode(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			picture := benchOpened(b, size)
			c := jpegFile(picture.header, 8)
			c.by_library = 1
			pixels := make([]byte, picture.width*picture.height*picture.mode.bytesPerPixel())
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				if err := jpegPixels(picture.file, &c, pixels, &picture.message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkThumbnail makes a thumbnail of 320 from a decoded picture.
func BenchmarkThumbnail(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			picture := benchOpened(b, size)
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				if _, err := picture.Thumbnail(320, 80); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPixelsAndThumbnail is both of one decode, beside the pixels alone.
func BenchmarkPixelsAndThumbnail(b *testing.B) {
	spec := Spec{Size: 224, Resize: model.ResizeShortest, Mean: clipMean, Std: clipStd}
	dst := make([]byte, spec.Len())
	for _, size := range benchSizes {
		for _, side := range []int{0, 320, 384, 480} {
			b.Run(fmt.Sprintf("%dx%d/%d", size[0], size[1], side), func(b *testing.B) {
				picture := benchOpened(b, size)
				b.ReportAllocs()
				defer processorTime(b)()
				for b.Loop() {
					var err error
					if side == 0 {
						err = picture.Pixels(spec, dst)
					} else {
						_, _, err = picture.PixelsAndThumbnail(spec, dst, side, 80)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
