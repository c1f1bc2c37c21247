package imageprep

// #cgo LDFLAGS: -llcms2
// #include "lcms.h"
// #cgo noescape clipseek_lcms_to_srgb
// #cgo nocallback clipseek_lcms_to_srgb
import "C"

import "bytes"

// iccProfile is a colour profile as a file holds it.
type iccProfile struct {
	data   []byte
	packed bool // by zlib, as in PNG
	parts  int  // of a JPEG's segments, how many have been joined
}

var iccMarker = []byte("ICC_PROFILE\x00")

// addAPP2 takes a JPEG segment: a profile, or one part of it with its number. Parts that are not in order are left out,
// and the profile with them.
func (p *iccProfile) addAPP2(segment []byte) {
	content, ok := bytes.CutPrefix(segment, iccMarker)
	if !ok || len(content) < 2 || int(content[0]) != p.parts+1 {
		return
	}
	if p.parts++; p.parts == 1 {
		p.data = content[2:len(content):len(content)] // so that the next append copies
		return
	}
	p.data = append(p.data, content[2:]...)
}

// addPNG takes the content of an iCCP chunk: a name, the method of packing, the profile.
func (p *iccProfile) addPNG(chunk []byte) {
	_, rest, ok := bytes.Cut(chunk, []byte{0})
	if ok && len(rest) > 0 && rest[0] == 0 {
		p.data, p.packed = rest[1:], true
	}
}

// maxProfile bounds an unpacked profile: the largest in use, of printing presses, have a few MiB.
const maxProfile = 16 << 20

// bytes is the profile unpacked, or nil if it cannot be.
func (p iccProfile) bytes() []byte {
	if !p.packed {
		return p.data
	}
	data, ok := unpacked(p.data, maxProfile)
	if !ok {
		return nil
	}
	return data
}

// converts tells whether the picture's colours are to be brought to sRGB.
func (p *Picture) converts() bool {
	return p.mode != modeBilevel && !p.mode.isWide() && p.owner.cfg.SRGB && len(p.meta.icc.data) > 0
}

// toSRGB converts the decoded picture by its profile. A profile that is damaged or of other colours than the picture's is
// taken for none, as browsers do. CMYK and grey become RGB; of a palette the colours are converted.
func (p *Picture) toSRGB() {
	profile := p.meta.icc.bytes()
	if len(profile) == 0 {
		return
	}
	if p.mode == modePalette {
		colors := bytesOf(p.palette[0][:])
		C.clipseek_lcms_to_srgb(bytesOf(profile), C.size_t(len(profile)), 4, 0, colors, colors, C.size_t(len(p.palette)))
		return
	}
	src, m, n := p.pixels, modeRGB, 3
	if p.mode == modeGrayAlpha || p.mode == modeRGBA {
		m, n = modeRGBA, 4
	}
	p.spare = grow(p.spare, src.w*src.h*n)
	status := C.clipseek_lcms_to_srgb(bytesOf(profile), C.size_t(len(profile)), C.int(src.n), flag(p.mode == modeCMYK),
		bytesOf(src.pix), bytesOf(p.spare), C.size_t(src.w*src.h))
	if status == C.CLIPSEEK_LCMS_OK {
		p.spare, p.pixels, p.decoded = src.pix, plane{pix: p.spare, w: src.w, h: src.h, n: n}, m
	}
}
