package imageprep

import "bytes"

// sequence is what a HEVC sequence parameter set (ITU-T H.265, 7.3.2.2) says of the pictures that follow it.
type sequence struct {
	width, height     uint64 // coded, before cropping
	minBlock, ctb, tb uint64 // log2 of the smallest coding block, the largest, and the largest transform block
}

// fits tells whether a decoder can be asked for such pictures where one of width x height is to come out: it takes memory
// for what is coded before it knows better.
func (s sequence) fits(width, height int) bool {
	side := uint64(2*max(width, height) + 256)
	pixels := 4*uint64(width)*uint64(height) + 1<<20
	return s.width > 0 && s.height > 0 && s.width <= side && s.height <= side && s.width*s.height <= pixels &&
		s.minBlock >= 3 && s.ctb >= 4 && s.ctb <= 6 && s.minBlock <= s.ctb && s.tb <= min(s.ctb, 5) &&
		s.width%(1<<s.minBlock) == 0 && s.height%(1<<s.minBlock) == 0
}

// checkSequences judges the parameter sets in the hvcC boxes of a file whose picture has a size. libde265 would find out
// by itself only after it has taken the memory.
func checkSequences(file []byte, width, height int) error {
	meta, _ := boxIn(file, "meta")
	properties, _ := boxIn(meta[min(4, len(meta)):], "iprp")
	container, _ := boxIn(properties, "ipco")
	for kind, content := range boxes(container) {
		if kind != "hvcC" {
			continue
		}
		for _, unit := range sequencesOf(content) {
			if s, ok := readSequence(unit); !ok || !s.fits(width, height) {
				return damaged("HEIC", "its pixels are coded for another size or in blocks that HEVC does not have")
			}
		}
	}
	return nil
}

// sequencesOf finds the parameter sets in the content of a hvcC box.
func sequencesOf(content []byte) (units [][]byte) {
	const head, kindOfSequence = 22, 33
	r := boxReader{data: content[min(head, len(content)):]}
	for arrays := r.number(1); arrays > 0 && !r.short; arrays-- {
		kind := r.number(1) & 63
		for n := r.number(2); n > 0 && !r.short; n-- {
			length := r.number(2)
			if length > uint64(len(r.data)) {
				return units
			}
			if kind == kindOfSequence {
				units = append(units, r.data[:length])
			}
			r.data = r.data[length:]
		}
	}
	return units
}

// readSequence reads a parameter set; it is not ok where its bits end early.
func readSequence(unit []byte) (sequence, bool) {
	unit = bytes.ReplaceAll(unit, []byte{0, 0, 3}, []byte{0, 0}) // the 3 keeps start codes out of a stream
	b := bitReader{data: unit}
	b.skip(16 + 4) // header of the unit, video parameter set
	layers := b.bits(3)
	b.skip(1)
	b.profile(layers)
	b.golomb()           // number of the set
	if b.golomb() == 3 { // 4:4:4
		b.skip(1)
	}
	var s sequence
	s.width, s.height = b.golomb(), b.golomb()
	if b.bits(1) == 1 { // cropping
		b.golombs(4)
	}
	b.golombs(3) // bits of luma, of chroma, of the picture order
	sets := uint64(1)
	if b.bits(1) == 1 {
		sets += layers
	}
	b.golombs(3 * int(sets)) // buffers
	s.minBlock = b.golomb() + 3
	s.ctb = s.minBlock + b.golomb()
	s.tb = b.golomb() + 2
	s.tb += b.golomb()
	return s, !b.short
}

// bitReader reads bits, the highest of a byte first; short is set where the data end.
type bitReader struct {
	data  []byte
	at    int // bit
	short bool
}

func (b *bitReader) skip(n int) { b.at += n }

func (b *bitReader) bits(n int) (v uint64) {
	for range n {
		if b.at >= 8*len(b.data) {
			b.short = true
			return 0
		}
		v = v<<1 | uint64(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

// golomb reads an Exp-Golomb number of at most 32 bits.
func (b *bitReader) golomb() uint64 {
	zeros := 0
	for b.bits(1) == 0 {
		if zeros++; zeros > 32 || b.short {
			b.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.bits(zeros)
}

func (b *bitReader) golombs(n int) {
	for range n {
		b.golomb()
	}
}

// profile passes over the profile, tier and level of a picture and of its further layers.
func (b *bitReader) profile(layers uint64) {
	const profile, level = 88, 8
	b.skip(profile + level)
	flags := b.bits(2 * int(layers))
	if layers > 0 {
		b.skip(2 * (8 - int(layers)))
	}
	for i := range layers {
		pair := flags >> (2 * (layers - 1 - i))
		if pair&2 != 0 {
			b.skip(profile)
		}
		if pair&1 != 0 {
			b.skip(level)
		}
	}
}
