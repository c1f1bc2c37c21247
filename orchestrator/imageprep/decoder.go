package imageprep

import (
	"sync"
	"time"

	"clipseek/orchestrator/fault"
)

// Decoder decodes picture files within the limits of its Config. It is safe for concurrent use; each Decode runs in
// the caller's goroutine.
type Decoder struct {
	cfg  Config
	pool sync.Pool // of *Picture, so that a steady flow of pictures allocates little
}

// New returns a Decoder, or Invalid for a bad configuration.
func New(cfg Config) (*Decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Decoder{cfg: cfg}, nil
}

// Info describes a picture.
type Info struct {
	Width, Height int       // pixels, upright: as shown
	Format        string    // "jpeg", "png" or "webp"
	TakenAt       time.Time // EXIF DateTimeOriginal, in its recorded offset or else as UTC; zero if there is none
}

// Picture is a decoded picture. It is not safe for concurrent use. Release gives its memory back for the next picture;
// after that it must not be used.
type Picture struct {
	owner   *Decoder
	info    Info
	mode    mode
	turn    orientation // how the stored pixels are to be shown
	pixels  plane       // as stored in the file, not yet upright
	palette [256][4]byte

	png  pngReader
	work resampler
}

// keepBytes is the largest pixel buffer that waits in the pool for another picture: 50 megapixels of RGB. Larger ones
// are rare and are left to the garbage collector.
const keepBytes = 150 << 20

// header is what a format's header reader finds out without decoding: enough to judge a file before memory is taken.
type header struct {
	width, height int // as stored, before turning
	mode          mode
	meta          metadata
}

// format reads one kind of file. read parses the header in time that does not depend on the number of pixels; where it
// reports an error, the header holds what was known before, so that a size over the limit is reported first. decode
// fills p.pixels (already sized) and p.palette. Both report a bad file as Invalid.
type format struct {
	name   string
	read   func(file []byte) (header, error)
	decode func(file []byte, h header, p *Picture) error
}

// formatOf recognizes a file by its first bytes.
func formatOf(file []byte) (format, bool) {
	switch {
	case isJPEG(file):
		return format{"jpeg", readJPEG, decodeJPEG}, true
	case isPNG(file):
		return format{"png", readPNG, decodePNG}, true
	case isWebP(file):
		return format{"webp", readWebP, decodeWebP}, true
	}
	return format{}, false
}

// Decode decodes a picture file. The limits of the Config are checked by the file's header before memory for pixels is
// taken. The picture keeps no reference to file. The caller owes Release.
//
// Errors say what is wrong with the file and leave it to the caller to say which file (fault.At): Invalid for what is
// no picture, is damaged, ends early or uses what this package cannot read; TooLarge for what is over a limit.
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
	p.mode = h.mode
	p.resizePixels(h.width, h.height, h.mode.bytesPerPixel())
	if err := f.decode(file, h, p); err != nil {
		p.Release()
		return nil, err
	}
	p.turn = upright
	if d.cfg.Upright {
		p.turn = h.meta.orientation
	}
	if p.mode == modeGray16 {
		p.turnGray16()
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
	if p, ok := d.pool.Get().(*Picture); ok {
		p.owner = d
		return p
	}
	return &Picture{owner: d}
}

// resizePixels makes room for w x h pixels of n bytes. The content is whatever was there before.
func (p *Picture) resizePixels(w, h, n int) {
	p.pixels = plane{pix: grow(p.pixels.pix, w*h*n), w: w, h: h, n: n}
}

// grow returns a slice of n bytes, in buf's memory where that is large enough.
func grow(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
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
	p.owner = nil
	if cap(p.pixels.pix) > keepBytes {
		p.pixels.pix = nil
	}
	p.work.shed(keepBytes)
	d.pool.Put(p)
}

func (p *Picture) uprightSize() (w, h int) {
	if p.turn.swapsSides() {
		return p.pixels.h, p.pixels.w
	}
	return p.pixels.w, p.pixels.h
}
