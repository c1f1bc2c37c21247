package imageprep

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"clipseek/orchestrator/fault"
)

// Photometric interpretations: what the samples mean.
const (
	photometricWhiteIsZero = 0
	photometricBlackIsZero = 1
	photometricRGB         = 2
	photometricPalette     = 3
	photometricCMYK        = 5
	photometricYCbCr       = 6
	photometricCFA         = 32803 // of the sensor, in camera RAW files
	photometricLinearRaw   = 34892
)

// photometricNames are those that cannot be read.
var photometricNames = map[int]string{4: "a transparency mask", photometricYCbCr: "YCbCr that is not JPEG", 8: "CIELAB",
	9: "ICCLAB", 10: "ITULAB", 32844: "LogL", 32845: "LogLuv"}

// Sample formats.
const (
	samplesUnsigned = 1
	samplesSigned   = 2
	samplesFloat    = 3
)

// tiffSamples is how a pixel is stored and what it becomes.
type tiffSamples struct {
	mode          mode
	photometric   int
	bits          int // of a sample
	format        int
	channels      int  // samples of a pixel, those that are left out included
	inverted      bool // 0 is white
	premultiplied bool
}

// maxChannels is how many samples a pixel may have. Pillow takes 6.
const maxChannels = 8

// readSamples finds the mode of the picture, as Pillow does.
func (t *tiffImage) readSamples() error {
	s := &t.tiffSamples
	s.photometric = t.value(tagPhotometric, photometricWhiteIsZero)
	s.channels = t.value(tagSamplesPerPixel, 1)
	all, formats := t.values(tagBitsPerSample, maxChannels), t.values(tagSampleFormat, maxChannels)
	s.bits, s.format = 1, samplesUnsigned
	if len(all) > 0 {
		s.bits = all[0]
	}
	if len(formats) > 0 {
		s.format = formats[0]
	}
	if s.channels < 1 || s.channels > maxChannels {
		return fault.Invalid("the TIFF file has %d samples per pixel; at most %d can be read", s.channels, maxChannels)
	}
	if len(all) > 1 && len(all) < s.channels || !uniform(all[:min(len(all), s.channels)]) || !uniform(formats) {
		return fault.Invalid("the TIFF file's channels differ in their bits (%v) or kinds (%v), which cannot be read; convert it first", all, formats)
	}
	if !s.choose(t.values(tagExtraSamples, maxChannels), t.compression == compressionJPEG) {
		if name, ok := photometricNames[s.photometric]; ok {
			return fault.Invalid("the TIFF file stores its colours as %s, which cannot be read; convert it to RGB first", name)
		}
		return fault.Invalid("the TIFF file has %d samples of %d bits per pixel (kind %d, photometric interpretation %d), which cannot be read; convert it to 8-bit RGB first", s.channels, s.bits, s.format, s.photometric)
	}
	if s.mode == modePalette && len(t.fields[tagColorMap].data) == 0 {
		return damaged("TIFF", "its palette is missing")
	}
	return nil
}

// What an extra sample is.
const (
	extraUnknown       = 0
	extraPremultiplied = 1 // alpha that the colours are multiplied by
	extraAlpha         = 2
	extraCorelAlpha    = 999 // as Corel Draw 10 marks it
)

// choose finds the mode for the samples, or none. extra says what those behind the colours are.
func (s *tiffSamples) choose(extra []int, jpeg bool) bool {
	first := -1
	if len(extra) > 0 {
		first = extra[0]
	}
	integer := s.format == samplesUnsigned
	s.inverted = s.photometric == photometricWhiteIsZero
	switch {
	case s.photometric <= photometricBlackIsZero && s.channels == 1:
		return s.chooseGray()
	case s.photometric == photometricBlackIsZero && s.bits == 8 && integer && s.channels == 2 && len(extra) == 1:
		return s.chooseAlpha(first, modeGray, modeGrayAlpha)
	case s.photometric == photometricRGB && (s.bits == 8 || s.bits == 16) && integer && s.channels == 4 && first < 0:
		s.mode = modeRGBA
		return true
	case s.photometric == photometricRGB && (s.bits == 8 || s.bits == 16) && integer && s.channels == 3+len(extra):
		return s.chooseAlpha(first, modeRGB, modeRGBA)
	case s.photometric == photometricPalette && s.bits <= 8 && integer && (s.channels == 1 || s.bits == 8 && first == extraUnknown):
		s.mode = modePalette
		return s.bits == 8 || s.bits == 4 || s.bits == 2 || s.bits == 1
	case s.photometric == photometricCMYK && (s.bits == 8 || s.bits == 16) && integer && s.channels == 4+len(extra):
		s.mode = modeCMYK
		return first <= extraUnknown
	case s.photometric == photometricYCbCr && jpeg && s.bits == 8 && s.channels == 3:
		s.mode = modeRGB
		return true
	}
	return false
}

// chooseGray is choose for one channel of grey. Only integers of up to 8 bits are inverted, as in Pillow.
func (s *tiffSamples) chooseGray() bool {
	inverted := s.inverted
	s.inverted = inverted && s.bits <= 8
	switch [2]int{s.format, s.bits} {
	case [2]int{samplesUnsigned, 1}:
		s.mode = modeBilevel
	case [2]int{samplesUnsigned, 2}, [2]int{samplesUnsigned, 4}, [2]int{samplesUnsigned, 8}:
		s.mode = modeGray
	case [2]int{samplesSigned, 8}:
		s.mode = modeGray
		return !inverted
	case [2]int{samplesUnsigned, 16}:
		s.mode = modeGray16
	case [2]int{samplesUnsigned, 12}:
		s.mode = modeGray16
		return !inverted
	case [2]int{samplesSigned, 16}, [2]int{samplesUnsigned, 32}, [2]int{samplesSigned, 32}:
		s.mode = modeInt32
		return !inverted
	case [2]int{samplesFloat, 32}:
		s.mode = modeFloat32
	default:
		return false
	}
	return true
}

func (s *tiffSamples) chooseAlpha(extra int, opaque, alpha mode) bool {
	switch extra {
	case -1, extraUnknown:
		s.mode = opaque
	case extraPremultiplied:
		s.mode, s.premultiplied = alpha, true
	case extraAlpha, extraCorelAlpha:
		s.mode = alpha
	default:
		return false
	}
	return true
}

// rowBytes is the length of a stored row of a tile.
func (t *tiffImage) rowBytes() int {
	n := t.tileWidth * t.bits
	if !t.planar {
		n *= t.channels
	}
	return (n + 7) / 8
}

// unpack brings the samples of a row, or of its channel c where channels are apart, to the picture's mode. Of the samples
// of a pixel the first are used; those of 16 bits keep their upper byte where the mode has 8.
func (t *tiffImage) unpack(to, samples []byte, c int) {
	switch {
	case t.mode.isWide():
		t.unpackWide(to, samples)
		return
	case t.bits < 8:
		t.unpackBits(to, samples)
		return
	}
	size, n := t.bits/8, t.mode.channels()
	upper := 0
	if size == 2 && t.order == binary.ByteOrder(binary.LittleEndian) {
		upper = 1
	}
	step := size * t.channels
	used := n
	if t.planar {
		step, used = size, 1
	}
	if size == 1 && step == n && used == n {
		copy(to, samples)
	} else {
		for x := range len(to) / n {
			for j := range used {
				to[x*n+c+j] = samples[x*step+j*size+upper]
			}
		}
	}
	if t.inverted {
		for i := range to {
			to[i] = ^to[i]
		}
	}
}

// unpackBits spreads pixels of 1, 2 or 4 bits: indices as they are, grey over the whole range.
func (t *tiffImage) unpackBits(to, samples []byte) {
	perByte, most := 8/t.bits, byte(1<<t.bits-1)
	scale := byte(1)
	if t.mode != modePalette {
		scale = 255 / most
	}
	for x := range to {
		v := samples[x/perByte] >> (8 - t.bits*(x%perByte+1)) & most
		if t.inverted {
			v = most - v
		}
		to[x] = v * scale
	}
}

// unpackWide copies numbers of more than 8 bits in little endian order.
func (t *tiffImage) unpackWide(to, samples []byte) {
	le := binary.LittleEndian
	for x := range len(to) / t.mode.bytesPerPixel() {
		switch {
		case t.bits == 12: // two in three bytes
			pair := samples[3*(x/2):]
			v := uint16(pair[0])<<4 | uint16(pair[1])>>4
			if x%2 == 1 {
				v = uint16(pair[1]&15)<<8 | uint16(pair[2])
			}
			le.PutUint16(to[2*x:], v)
		case t.mode == modeGray16:
			le.PutUint16(to[2*x:], t.order.Uint16(samples[2*x:]))
		case t.bits == 16:
			le.PutUint32(to[4*x:], uint32(int32(int16(t.order.Uint16(samples[2*x:])))))
		default:
			le.PutUint32(to[4*x:], t.order.Uint32(samples[4*x:]))
		}
	}
}

// reverseBits copies data with the bits of each byte the other way round.
func reverseBits(data []byte) []byte {
	reversed := make([]byte, len(data))
	for i, v := range data {
		reversed[i] = bits.Reverse8(v)
	}
	return reversed
}

// checkPredictor says whether the differences that rows are stored as can be added up.
func (t *tiffImage) checkPredictor() error {
	switch {
	case t.predictor == 1 || !compressionHasPredictor[t.compression]:
	case t.predictor == 2 && (t.bits == 8 || t.bits == 16 || t.bits == 32):
	case t.predictor == 3 && t.format == samplesFloat:
	default:
		return damaged("TIFF", fmt.Sprintf("it combines predictor %d with samples of %d bits", t.predictor, t.bits))
	}
	return nil
}
