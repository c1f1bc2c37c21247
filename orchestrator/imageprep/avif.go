package imageprep

// readAVIF reads the boxes of a file: a still picture, or a sequence, of which the first picture counts.
func readAVIF(file []byte) (header, error) {
	if err := checkItems(file, "AVIF"); err != nil {
		return header{}, err
	}
	info, err := avifRead(file)
	if err != nil {
		return header{}, err
	}
	h := header{width: info.width, height: info.height, mode: modeRGB, whole: true, meta: info.metadata()}
	switch {
	case info.alpha:
		h.mode = modeRGBA
	case info.grey:
		h.mode = modeGray
	}
	return h, nil
}

// metadata interprets the blocks. As in Pillow the orientation is that of the boxes wherever EXIF says another; XMP is
// asked where both have none.
func (info avifInfo) metadata() metadata {
	m := metadataSource{exif: info.exif}.read()
	if m.orientation == info.turned {
		m = metadataSource{exif: info.exif, xmp: info.xmp}.read()
	} else {
		m.orientation = info.turned
	}
	m.icc.data = info.icc
	return m
}

// turnedBy is the orientation that an irot box of some quarter turns against the clock gives, with an imir box behind it:
// 1 exchanges left and right, 0 top and bottom; -1 stands for no such box.
func turnedBy(quarters, mirror int) orientation {
	switch mirror {
	case 1:
		return [4]orientation{2, 7, 4, 5}[quarters&3]
	case 0:
		return [4]orientation{4, 5, 2, 7}[quarters&3]
	}
	return [4]orientation{upright, 8, 3, 6}[quarters&3]
}

// decodeAVIF decodes the first picture.
func decodeAVIF(p *Picture, _ int) error { return avifDecode(p.file, p.pixels) }
