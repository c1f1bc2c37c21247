package imageprep

import (
	"bytes"
	"encoding/binary"
)

// riffHeader is "RIFF", the size of what follows, "WEBP".
const riffHeader = 12

func isWebP(file []byte) bool {
	return len(file) >= riffHeader && bytes.HasPrefix(file, []byte("RIFF")) && string(file[8:12]) == "WEBP"
}

// webpFrame is the coded picture inside a file: the whole file for a still, one frame for an animation.
type webpFrame struct {
	data          []byte
	x, y          int // offset of the frame on the canvas; 0 for a still
	width, height int
}

// readWebP reads the size of the canvas, whether it has alpha, and the metadata chunks.
func readWebP(file []byte) (header, error) {
	canvas, frame, meta, err := walkWebP(file)
	h := header{width: canvas.width, height: canvas.height, mode: modeRGB, meta: meta.read()}
	if err != nil {
		return h, err
	}
	features, err := webpFeatures(frame.data)
	if err != nil {
		return h, err
	}
	if features.width != frame.width || features.height != frame.height {
		return h, damaged("WebP", "the size in its header is not that of its pixels")
	}
	if canvas.animated && canvas.alpha || !canvas.animated && features.alpha {
		h.mode = modeRGBA
	}
	return h, nil
}

type webpCanvas struct {
	width, height   int
	extended        bool // has a VP8X chunk
	animated, alpha bool // as the VP8X chunk says
}

// walkWebP goes through the chunks of a file once. The container's layout is that of the WebP Container Specification.
func walkWebP(file []byte) (webpCanvas, webpFrame, metadataSource, error) {
	var (
		canvas webpCanvas
		frame  webpFrame
		meta   metadataSource
	)
	size := int64(binary.LittleEndian.Uint32(file[4:])) + 8
	if size > int64(len(file)) {
		return canvas, frame, meta, endsEarly("WebP")
	}
	rest := file[riffHeader:max(size, riffHeader)]
	for len(rest) >= 8 {
		id, chunk, next, ok := nextChunk(rest)
		if !ok {
			return canvas, frame, meta, endsEarly("WebP")
		}
		rest = next
		var err error
		switch {
		case id == "VP8X" && !canvas.extended:
			err = canvas.read(chunk)
		case id == "ANMF" && canvas.animated && frame.data == nil:
			err = frame.read(chunk, canvas)
		case (id == "VP8 " || id == "VP8L") && frame.data == nil && !canvas.animated:
			err = frame.readStill(file, &canvas)
		case id == "ICCP":
			meta.icc.data = chunk
		case id == "EXIF":
			meta.addTIFF(chunk)
		case id == "XMP ":
			meta.addXMP(chunk)
		}
		if err != nil {
			return canvas, frame, meta, err
		}
	}
	if frame.data == nil {
		return canvas, frame, meta, damaged("WebP", "it holds no picture")
	}
	return canvas, frame, meta, nil
}

// nextChunk splits off a RIFF chunk: four letters, a size, the content, a byte of padding after an odd size.
func nextChunk(data []byte) (id string, chunk, rest []byte, ok bool) {
	n := int64(binary.LittleEndian.Uint32(data[4:]))
	if n > int64(len(data)-8) {
		return "", nil, nil, false
	}
	end := 8 + n
	return string(data[:4]), data[8:end], data[min(end+n&1, int64(len(data))):], true
}

func (c *webpCanvas) read(chunk []byte) error {
	if len(chunk) < 10 {
		return damaged("WebP", "its header is too short")
	}
	c.extended = true
	c.animated = chunk[0]&0x02 != 0
	c.alpha = chunk[0]&0x10 != 0
	c.width = uint24(chunk[4:]) + 1
	c.height = uint24(chunk[7:]) + 1
	return nil
}

// readStill takes the whole file as the frame, which the decoder wants for a still because alpha and colour are in
// chunks of their own. Without a VP8X chunk the coded picture itself gives the size.
func (f *webpFrame) readStill(file []byte, canvas *webpCanvas) error {
	f.data = file
	if !canvas.extended {
		features, err := webpFeatures(file)
		if err != nil {
			return err
		}
		canvas.width, canvas.height = features.width, features.height
	}
	f.width, f.height = canvas.width, canvas.height
	return nil
}

// read takes a frame of an animation: 16 bytes of header, then chunks of alpha and colour that the decoder reads as is.
func (f *webpFrame) read(chunk []byte, canvas webpCanvas) error {
	if len(chunk) < 16+8 {
		return damaged("WebP", "its first frame is too short")
	}
	f.x, f.y = 2*uint24(chunk), 2*uint24(chunk[3:])
	f.width, f.height = uint24(chunk[6:])+1, uint24(chunk[9:])+1
	f.data = chunk[16:]
	if f.x+f.width > canvas.width || f.y+f.height > canvas.height {
		return damaged("WebP", "its first frame is larger than the picture")
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// decodeWebP decodes a still, or the first frame of an animation onto an empty canvas.
func decodeWebP(p *Picture, eighths int) error {
	_, frame, _, err := walkWebP(p.file)
	if err != nil {
		return err
	}
	out := p.pixels
	x, y := frame.x*eighths/8, frame.y*eighths/8
	w, h := min(scaled(frame.width, eighths), out.w-x), min(scaled(frame.height, eighths), out.h-y)
	if w < out.w || h < out.h {
		clear(out.pix)
	}
	part := plane{pix: out.pix[(y*out.w+x)*out.n:], w: w, h: h, n: out.n}
	switch webpDecode(frame.data, part, out.w*out.n, eighths < 8) {
	case webpOK:
		return nil
	case webpTruncated:
		return endsEarly("WebP")
	case webpNoMemory:
		return noMemory()
	default:
		return damaged("WebP", "its pixels cannot be decoded")
	}
}
