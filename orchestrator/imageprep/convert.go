package imageprep

// mulDiv255 is a*b/255 rounded to nearest, as Pillow computes it.
func mulDiv255(a, b uint32) uint32 {
	t := a*b + 128
	return (t>>8 + t) >> 8
}

// premultiply copies src, whose last channel is alpha, with the other channels scaled by it.
func premultiply(src plane, buf *[]byte) plane {
	out := src
	*buf = grow(*buf, len(src.pix))
	out.pix = *buf
	last := src.n - 1
	for i := 0; i+last < len(src.pix); i += src.n {
		alpha := uint32(src.pix[i+last])
		for c := range last {
			out.pix[i+c] = byte(mulDiv255(uint32(src.pix[i+c]), alpha))
		}
		out.pix[i+last] = byte(alpha)
	}
	return out
}

// unpremultiply undoes premultiply in place, in Pillow's way: what has no alpha keeps its value.
func unpremultiply(p plane) {
	last := p.n - 1
	for i := 0; i+last < len(p.pix); i += p.n {
		alpha := uint32(p.pix[i+last])
		if alpha == 0 || alpha == 255 {
			continue
		}
		for c := range last {
			p.pix[i+c] = byte(min(255*uint32(p.pix[i+c])/alpha, 255))
		}
	}
}

// inkToRGB is the colour of CMYK ink as Pillow computes it.
func inkToRGB(c, m, y, k byte) (r, g, b byte) {
	light := 255 - uint32(k)
	return byte(light - mulDiv255(uint32(c), light)), byte(light - mulDiv255(uint32(m), light)), byte(light - mulDiv255(uint32(y), light))
}

// toRGB expands src, of mode m, to RGB in buf; RGB is returned as it is.
func toRGB(m mode, src plane, palette *[256][4]byte, buf *[]byte) plane {
	if m == modeRGB {
		return src
	}
	out := plane{w: src.w, h: src.h, n: 3}
	*buf = grow(*buf, src.w*src.h*3)
	out.pix = *buf
	at := 0
	for i := 0; i+2 < len(out.pix); i += 3 {
		to := out.pix[i : i+3 : i+3]
		px := src.pix[at : at+src.n]
		at += src.n
		switch m {
		case modePalette:
			copy(to, palette[px[0]][:3])
		case modeRGBA:
			copy(to, px[:3])
		case modeCMYK:
			to[0], to[1], to[2] = inkToRGB(px[0], px[1], px[2], px[3])
		default:
			to[0], to[1], to[2] = px[0], px[0], px[0]
		}
	}
	return out
}
