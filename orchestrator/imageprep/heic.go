package imageprep

import "encoding/binary"

// readHEIC reads the boxes of a file. The picture is the primary one, and already upright: libheif turns it as the boxes
// say, and EXIF in such a file repeats that, so its orientation does not count.
func readHEIC(file []byte) (header, error) {
	if err := checkItems(file, "HEIC"); err != nil {
		return header{}, err
	}
	info, err := heicRead(file)
	if err != nil {
		return header{}, err
	}
	h := header{width: info.width, height: info.height, mode: modeRGB, whole: true, premultiplied: info.premultiplied}
	if info.alpha {
		h.mode = modeRGBA
	}
	if err := checkSequences(file, info.width, info.height); err != nil {
		return h, err
	}
	h.meta = metadataSource{exif: exifOf(info.exif)}.read()
	h.meta.orientation = upright
	h.meta.icc.data = info.icc
	return h, nil
}

// exifOf is the EXIF block of an item that begins with the offset of the block in what follows.
func exifOf(item []byte) []byte {
	if len(item) < 4 {
		return nil
	}
	offset := uint64(binary.BigEndian.Uint32(item))
	item = item[4:]
	if offset >= uint64(len(item)) { // a wrong one; the block begins at once in most files
		return item
	}
	return item[offset:]
}

// decodeHEIC decodes the primary picture.
func decodeHEIC(p *Picture, _ int) error {
	if err := heicDecode(p.file, p.pixels); err != nil {
		return err
	}
	if p.premultiplied {
		unpremultiply(p.pixels)
	}
	return nil
}
