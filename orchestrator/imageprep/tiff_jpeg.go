package imageprep

// #include "libjpeg.h"
import "C"

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// tiffJPEG decodes tiles that are JPEG files but for their tables, which are in a stream of their own.
type tiffJPEG struct {
	pixels  []byte
	message jpegMessage
}

// decode decodes one tile as libtiff does: the directory says what the channels mean, not the JPEG's markers.
func (j *tiffJPEG) decode(t *tiffImage, data []byte, rows int) (io.Reader, error) {
	file := data
	if tables := t.fields[tagJPEGTables].data; len(tables) > 0 {
		file = slices.Concat(tables, data)
	}
	if len(file) < 2 || !isJPEG(data) {
		return nil, damaged("TIFF", "one of its parts is no JPEG file")
	}
	h, err := readJPEG(file)
	if err != nil {
		return nil, err
	}
	channels := t.channels
	if t.planar {
		channels = 1
	}
	// A last strip may be as high as the others.
	fits := h.width == t.tileWidth && h.height >= rows && h.height <= t.tileHeight
	if !fits || h.mode.bytesPerPixel() != channels {
		return nil, damaged("TIFF", fmt.Sprintf("one of its parts is a JPEG file of %d x %d pixels and %d channels, where %d x %d and %d belong", h.width, h.height, h.mode.bytesPerPixel(), t.tileWidth, rows, channels))
	}
	c := jpegFile(h, 8)
	c.colors = C.CLIPSEEK_JPEG_STORED
	if t.photometric == photometricYCbCr && !t.planar {
		c.colors = C.CLIPSEEK_JPEG_YCBCR
	}
	j.pixels = grow(j.pixels, h.width*h.height*channels)
	if err := jpegPixels(file, &c, j.pixels, &j.message); err != nil {
		return nil, err
	}
	return bytes.NewReader(j.pixels), nil
}
