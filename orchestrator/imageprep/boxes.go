package imageprep

import (
	"encoding/binary"
	"iter"
	"slices"
)

// AVIF and HEIC are the same container, ISO/IEC 23008-12: boxes, each a size, four letters and a content that may be
// boxes again. The libraries read them; here is what has to be known before a library is asked.

// heicBrands are the kinds of files whose pictures are coded as HEVC.
var heicBrands = []string{"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"}

// isAVIF and isHEIC go by the brands of a file: first by the one it calls itself, then by those it is compatible with,
// because one of mif1 or msf1 may hold either.
func isAVIF(file []byte) bool { return codecOf(file) == "avif" }
func isHEIC(file []byte) bool { return codecOf(file) == "heic" }

// codecOf is "avif", "heic", or "" for a file that is neither.
func codecOf(file []byte) string {
	kind, content, _, ok := nextBox(file)
	if !ok || kind != "ftyp" || len(content) < 8 {
		return ""
	}
	brands := []string{string(content[:4])}
	for rest := content[8:]; len(rest) >= 4; rest = rest[4:] {
		brands = append(brands, string(rest[:4]))
	}
	generic := false
	for _, brand := range brands {
		switch {
		case brand == "avif" || brand == "avis":
			return "avif"
		case slices.Contains(heicBrands, brand):
			return "heic"
		case brand == "mif1" || brand == "msf1":
			generic = true
		}
	}
	if generic {
		return "heic"
	}
	return ""
}

// nextBox splits off a box. It is not ok where data end before the box does.
func nextBox(data []byte) (kind string, content, rest []byte, ok bool) {
	if len(data) < 8 {
		return "", nil, nil, false
	}
	size, head := uint64(binary.BigEndian.Uint32(data)), 8
	switch size {
	case 0: // the last box of a file
		size = uint64(len(data))
	case 1:
		if len(data) < 16 {
			return "", nil, nil, false
		}
		size, head = binary.BigEndian.Uint64(data[8:]), 16
	}
	if size < uint64(head) || size > uint64(len(data)) {
		return "", nil, nil, false
	}
	return string(data[4:8]), data[head:size], data[size:], true
}

// boxes goes through boxes, with kind and content, up to the first that is not whole.
func boxes(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(kind string, content []byte) bool) {
		for {
			kind, content, rest, ok := nextBox(data)
			if !ok || !yield(kind, content) {
				return
			}
			data = rest
		}
	}
}

// boxIn is the content of the first box of a kind among boxes.
func boxIn(data []byte, kind string) ([]byte, bool) {
	for k, content := range boxes(data) {
		if k == kind {
			return content, true
		}
	}
	return nil, false
}

// checkItems judges where a file says that its items lie: within it, and together in not much more bytes than it has,
// because a library copies an item as often as it is named.
func checkItems(file []byte, format string) error {
	meta, ok := boxIn(file, "meta")
	if !ok || len(meta) < 4 {
		return nil // a sequence, or a file that ends early; the library says which
	}
	locations, ok := boxIn(meta[4:], "iloc")
	if !ok {
		return nil
	}
	total, end, ok := extents(locations)
	switch {
	case !ok:
		return damaged(format, "its list of items ends early")
	case end > uint64(len(file)):
		return endsEarly(format)
	case total > 4*uint64(len(file)):
		return damaged(format, "its items overlap")
	}
	return nil
}

// extents goes through an iloc box. total is the bytes of all items together, end is behind the last byte of the file
// that one of them takes.
func extents(box []byte) (total, end uint64, ok bool) {
	r := boxReader{data: box}
	version := r.number(1)
	r.number(3)
	sizes := r.number(2) // four bits each: of offsets, lengths, base offsets and indices
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	idSize, countSize := 2, 2
	if version == 2 {
		idSize, countSize = 4, 4
	}
	if version == 0 {
		indexSize = 0
	}
	for items := r.number(countSize); items > 0 && !r.short; items-- {
		r.number(idSize)
		method := uint64(0)
		if version > 0 {
			method = r.number(2) & 15
		}
		r.number(2)
		base := r.number(baseSize)
		for n := r.number(2); n > 0 && !r.short; n-- {
			r.number(indexSize)
			offset, length := r.number(offsetSize), r.number(lengthSize)
			const most = 1 << 40 // far beyond a file, and no sum of them overflows
			total = min(total+min(length, most), most)
			if method == 0 {
				end = max(end, min(base, most)+min(offset, most)+min(length, most))
			}
		}
	}
	return total, end, !r.short
}

// boxReader reads numbers, big endian; short is set where the data end.
type boxReader struct {
	data  []byte
	short bool
}

// number reads one of up to eight bytes.
func (r *boxReader) number(bytes int) uint64 {
	if bytes > min(len(r.data), 8) {
		r.short = true
		return 0
	}
	var v uint64
	for _, b := range r.data[:bytes] {
		v = v<<8 | uint64(b)
	}
	r.data = r.data[bytes:]
	return v
}
