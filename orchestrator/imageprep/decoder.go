package imageprep

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// Decoder decodes picture files within the limits of its Config. It is safe for concurrent use; each Decode runs in
// the caller's goroutine.
type Decoder struct {
	cfg      Config
	pool     sync.Pool           // of *Picture, so that a steady flow of pictures allocates nothing
	inFlight *semaphore.Weighted // bytes
	kernel   int                 // which of kernels is used
}

// New returns a Decoder, or Invalid for a bad configuration.
func New(cfg Config) (*Decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Decoder{cfg: cfg, inFlight: semaphore.NewWeighted(cfg.MaxInFlight)}, nil
}

// Info describes a picture.
type Info struct {
	Width, Height int       // pixels, upright: as shown
	Format        string    // "jpeg", "png", "webp", "gif", "bmp", "tiff", "avif", "heic" or "raw" (a camera's, by its preview)
	TakenAt       time.Time // EXIF DateTimeOriginal, in its recorded offset or else as UTC; zero if there is none
}

// Picture is a picture file whose header has been read. Its pixels are decoded anew by each call that wants some, and no
// more of them than it wants. It is not safe for concurrent use. Release gives its memory back for the next picture;
// after that it must not be used.
type Picture struct {
	owner *Decoder
	file  []byte
	format
	header
	info Info
	turn orientation // how the stored pixels are to be shown

	pixels  plane  // not upright; valid behind decode
	decoded mode   // of pixels: the file's mode, or what the conversion to sRGB made of it
	spare   []byte // the other of two buffers for pixels that are converted
	palette [256][4]byte
	png     pngReader
	message jpegMessage
	work    resampler
	aside   resampler  // of a thumbnail, beside the work on the picture itself
	wanted  *thumbnail // beside the picture itself; nil for none
	stopwatch
}

// keepBytes is the largest pixel buffer that waits in the pool for another picture: 50 megapixels of RGB. Larger ones
// are rare and are left to the garbage collector.
const keepBytes = 150 << 20

// header is what a format's header reader finds out without decoding: enough to judge a file before memory is taken.
type header struct {
	width, height int // as stored, before turning
	mode          mode
	whole         bool // more than the pixels is in memory at once: all coefficients of a JPEG, the planes of AVIF and HEIC
	premultiplied bool // a HEIC picture's colours are scaled by alpha
	meta          metadata
	jpeg          []byte // the JPEG inside the file that holds its pixels, decoded in place of the file; nil for the file itself
}

// format reads one kind of file. read parses the header in time that does not depend on the number of pixels; where it
// reports an error, the header holds what was known before, so that a size over the limit is reported first. decode
// fills p.pixels, which has the size of the file in eighths, and p.palette; 8 is the whole size, and the only one for a
// format that does not shrink. Both report a bad file as Invalid.
type format struct {
	name    string
	shrinks bool
	read    func(file []byte) (header, error)
	decode  func(p *Picture, eighths int) error
}

var jpegFormat = format{"jpeg", true, readJPEG, decodeJPEG}

// formatOf recognizes a file by its first bytes.
func formatOf(file []byte) (format, bool) {
	switch {
	case isJPEG(file):
		return jpegFormat, true
	case isPNG(file):
		return format{"png", false, readPNG, decodePNG}, true
	case isWebP(file):
		return format{"webp", true, readWebP, decodeWebP}, true
	case isBMP(file):
		return format{"bmp", false, readBMP, decodeBMP}, true
	case isGIF(file):
		return format{"gif", false, readGIF, decodeGIF}, true
	case isAVIF(file):
		return format{"avif", false, readAVIF, decodeAVIF}, true
	case isHEIC(file):
		return format{"heic", false, readHEIC, decodeHEIC}, true
	case isRAW(file): // before TIFF, of which most are a kind
		return format{"raw", true, readRAW, decodeJPEG}, true
	case isTIFF(file):
		return format{"tiff", false, readTIFF, decodeTIFF}, true
	}
	return format{}, false
}

// Decode reads a picture file's header and judges it by the limits of the Config. The picture keeps file, which must not
// change, until Release, which the caller owes.
//
// Errors, here and where pixels are decoded, say what is wrong with the file and leave it to the caller to say which
// file (fault.At): Invalid for what is no picture, is damaged, ends early or uses what this package cannot read;
// TooLarge for what is over a limit; Unavailable where memory is lacking.
func (d *Decoder) Decode(file []byte) (*Picture, error) {
	if err := d.cfg.checkBytes(int64(len(file))); err != nil {
		return nil, err
	}
	f, ok := formatOf(file)
	if !ok {
		return nil, notAPicture(file)
	}
	h, err := f.read(file)
	if tooLarge := d.cfg.checkSize(h.width, h.height); tooLarge != nil {
		return nil, tooLarge
	}
	if err != nil {
		return nil, err
	}
	p := d.take()
	p.file, p.format, p.header = file, f, h
	if h.jpeg != nil {
		p.file, p.format = h.jpeg, jpegFormat
	}
	p.turn = upright
	if d.cfg.Upright {
		p.turn = h.meta.orientation
	}
	width, height := p.uprightSize()
	p.info = Info{Width: width, Height: height, Format: f.name, TakenAt: h.meta.takenAt}
	return p, nil
}

func (c Config) checkBytes(n int64) error {
	if n > c.MaxBytes {
		return fault.TooLarge("the file has %s, more than the %s allowed; make it smaller or raise max_bytes", megabytes(n), megabytes(c.MaxBytes))
	}
	return nil
}

func (c Config) checkSize(width, height int) error {
	if width > c.MaxSide || height > c.MaxSide {
		return fault.TooLarge("the picture has %d x %d pixels, more than the %d allowed on a side; shrink it or raise max_side", width, height, c.MaxSide)
	}
	if pixels := int64(width) * int64(height); pixels > c.MaxPixels {
		return fault.TooLarge("the picture has %d x %d = %d pixels, more than the %d allowed; shrink it or raise max_pixels", width, height, pixels, c.MaxPixels)
	}
	return nil
}

func (d *Decoder) take() *Picture {
	p, ok := d.pool.Get().(*Picture)
	if !ok {
		p = &Picture{work: resampler{resizer: newResizer(d.kernel)}, aside: resampler{resizer: newResizer(d.kernel)}}
		runtime.AddCleanup(p, freeResizer, p.work.c)
		runtime.AddCleanup(p, freeResizer, p.aside.c)
	}
	p.owner = d
	return p
}

// hold waits until the pixels of a call fit in what may be decoded at once and returns what to give back to release.
func (d *Decoder) hold(bytes int64) int64 {
	bytes = min(bytes, d.cfg.MaxInFlight)               // a picture larger than that is decoded alone
	_ = d.inFlight.Acquire(context.Background(), bytes) // whoever holds some is at work and will end
	return bytes
}

// decode decodes the whole picture to eighths of its size.
func (p *Picture) decode(eighths int) error {
	w, h, n := scaled(p.width, eighths), scaled(p.height, eighths), p.mode.bytesPerPixel()
	p.pixels = plane{pix: grow(p.pixels.pix, w*h*n), w: w, h: h, n: n}
	p.decoded = p.mode
	if err := p.format.decode(p, eighths); err != nil {
		return err
	}
	if p.converts() {
		p.toSRGB()
	}
	return nil
}

// filtersRows tells whether the picture's rows are filtered as they are decoded, without the whole in memory. CMYK that
// becomes RGB before it is filtered is not, nor is what becomes sRGB.
func (p *Picture) filtersRows(rule model.ResizeRule) bool {
	return p.name == "jpeg" && !p.converts() && (p.mode != modeCMYK || rule != model.ResizeShortestRGB)
}

// weight is about how many bytes of pixels are in memory while the picture is brought to x and y.
func (p *Picture) weight(rule model.ResizeRule, x, y axis) int64 {
	if p.filtersRows(rule) && !p.whole {
		window := 4*max(x.in/x.out, y.in/y.out, 1) + 4
		return int64(window) * int64(max(p.width, p.height)) * int64(p.mode.bytesPerPixel())
	}
	return p.wholeWeight()
}

// wholeWeight is about how many bytes the whole picture takes: its pixels, and as much again for a copy in another mode
// or twice as much for a JPEG's coefficients of 16 bits or the planes that a picture is made of.
func (p *Picture) wholeWeight() int64 {
	bytes := int64(p.width) * int64(p.height) * int64(p.mode.bytesPerPixel())
	if p.whole {
		return 3 * bytes
	}
	if p.converts() {
		return 2*bytes + 4*int64(p.width)*int64(p.height)
	}
	return 2 * bytes
}

// scaled is a side decoded to eighths of its size.
func scaled(side, eighths int) int { return (side*eighths + 7) / 8 }

// enough is the fewest eighths of the picture that leave twice the size that x and y are brought to. libjpeg-turbo is
// fast at 1, 2, 4 and 8.
func (p *Picture) enough(x, y axis) int {
	if !p.shrinks {
		return 8
	}
	eighths := 1
	for eighths < 8 && (scaled(x.in, eighths) < 2*x.out || scaled(y.in, eighths) < 2*y.out) {
		eighths *= 2
	}
	return eighths
}

// grow returns a slice of n bytes, with slack behind them, in buf's memory where that is large enough.
func grow(buf []byte, n int) []byte {
	if cap(buf) < n+slack {
		return make([]byte, n, n+slack)
	}
	return buf[:n]
}

// Info describes the picture.
func (p *Picture) Info() Info { return p.info }

// Release gives the picture's memory to the next Decode. Releasing twice does nothing.
func (p *Picture) Release() {
	d := p.owner
	if d == nil {
		return
	}
	p.owner, p.file = nil, nil
	if cap(p.pixels.pix) > keepBytes {
		p.pixels.pix = nil
	}
	if cap(p.spare) > keepBytes {
		p.spare = nil
	}
	p.work.shed(keepBytes)
	p.aside.shed(keepBytes)
	d.pool.Put(p)
}

func (p *Picture) uprightSize() (w, h int) {
	if p.turn.swapsSides() {
		return p.height, p.width
	}
	return p.width, p.height
}
