package imageprep

import (
	"errors"
	"io"
)

// faxReader decodes the two-tone rows of ITU-T T.4 (Group 3, in one or two dimensions), T.6 (Group 4) and of TIFF's own
// kind without marks between rows (RLE). A row is decoded into the columns where the colour changes, and read as bits,
// 1 for black.
type faxReader struct {
	bits          faxBits
	width         int
	compression   int
	twoDimensions bool  // Group 3 whose rows may refer to the row above
	above, line   []int // where the colour changes, first to black; ends with the width, thrice
}

var errFax = errors.New("no code of a fax")

func newFaxReader(data []byte, width, compression, options int) *faxReader {
	f := &faxReader{bits: faxBits{data: data}, width: width, compression: compression}
	f.twoDimensions = compression == compressionGroup3 && options&1 != 0
	f.above = []int{width, width, width}
	return f
}

// Read fills row with the next row, whose length it must have.
func (f *faxReader) Read(row []byte) (int, error) {
	if err := f.decode(); err != nil {
		return 0, err
	}
	clear(row)
	for i := 0; i+1 < len(f.line); i += 2 {
		for x := f.line[i]; x < f.line[i+1]; x++ {
			if x%8 == 0 && x+8 <= f.line[i+1] {
				row[x/8] = 0xff
				x += 7
				continue
			}
			row[x/8] |= 0x80 >> (x % 8)
		}
	}
	f.above, f.line = f.line, f.above
	return len(row), nil
}

// decode decodes the next row into f.line.
func (f *faxReader) decode() (err error) {
	f.line = f.line[:0]
	twoDimensions := f.compression == compressionGroup4
	switch f.compression {
	case compressionRLE:
		f.bits.align()
	case compressionGroup3:
		f.bits.skipEndOfLine()
		if f.twoDimensions {
			twoDimensions = f.bits.take(1) == 0
		}
	}
	if f.bits.at >= 8*len(f.bits.data) {
		return io.ErrUnexpectedEOF
	}
	if twoDimensions {
		err = f.decodeTwoDimensions()
	} else {
		err = f.decodeRuns()
	}
	if err == nil && f.bits.at > 8*len(f.bits.data) {
		err = io.ErrUnexpectedEOF
	}
	f.line = append(f.line, f.width, f.width, f.width)
	return err
}

// decodeRuns decodes a row of runs, white and black by turns.
func (f *faxReader) decodeRuns() error {
	black := false
	for at := 0; at < f.width; black = !black {
		n, err := f.bits.run(black)
		if err != nil {
			return err
		}
		if at += n; at > f.width {
			return errFax
		}
		if at < f.width || n > 0 {
			f.line = append(f.line, at)
		}
		if len(f.line) > 2*f.width+2 {
			return errFax
		}
	}
	return nil
}

// decodeTwoDimensions decodes a row as its differences to the row above.
func (f *faxReader) decodeTwoDimensions() error {
	black := false
	for at, first := 0, true; at < f.width; first = false {
		b1, b2 := f.changesAbove(at, first, black)
		mode, offset, err := f.bits.mode()
		if err != nil {
			return err
		}
		switch mode {
		case faxPass:
			at = b2
		case faxHorizontal:
			for range 2 {
				n, err := f.bits.run(black)
				if err != nil {
					return err
				}
				if at += n; at > f.width {
					return errFax
				}
				f.line = append(f.line, at)
				black = !black
			}
		default:
			next := b1 + offset
			if next < at || next > f.width {
				return errFax
			}
			at = next
			f.line = append(f.line, at)
			black = !black
		}
		if len(f.line) > 2*f.width+2 { // most of them empty
			return errFax
		}
	}
	return nil
}

// changesAbove finds the first change in the row above that is right of at (or at the very start of the row, on it) and
// to the colour opposite of black, and the change behind it.
func (f *faxReader) changesAbove(at int, first, black bool) (b1, b2 int) {
	i := 0
	if black {
		i = 1
	}
	// Changes never go back, so the search could go on where the last ended; rows are short enough to begin anew only
	// two changes before.
	if from := f.seen(at); from > i {
		i = from + (from-i)%2
	}
	for i+1 < len(f.above) && (f.above[i] < at || f.above[i] == at && !first) && f.above[i] < f.width {
		i += 2
	}
	if i+1 >= len(f.above) {
		return f.width, f.width
	}
	return f.above[i], f.above[i+1]
}

// seen is a number of changes above that all lie left of at.
func (f *faxReader) seen(at int) int {
	low, high := 0, len(f.above)
	for low < high {
		if middle := (low + high) / 2; f.above[middle] < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// faxBits reads codes, the most significant bit of a byte first. Behind the data are zeros.
type faxBits struct {
	data []byte
	at   int // bit
}

// peek is the next n bits, at most 16.
func (b *faxBits) peek(n int) int {
	v, from := 0, b.at/8
	for i := range 3 {
		v <<= 8
		if from+i < len(b.data) {
			v |= int(b.data[from+i])
		}
	}
	return v >> (24 - b.at%8 - n) & (1<<n - 1)
}

func (b *faxBits) take(n int) int {
	v := b.peek(n)
	b.at += n
	return v
}

func (b *faxBits) align() { b.at = (b.at + 7) &^ 7 }

// skipEndOfLine passes over the mark between rows, at least eleven zeros and a one, where there is one.
func (b *faxBits) skipEndOfLine() {
	if b.peek(11) != 0 {
		return
	}
	for end := 8 * len(b.data); b.at < end; {
		if b.take(1) == 1 {
			return
		}
	}
}

// run reads the length of a run: any number of codes for multiples of 64 and one for the rest.
func (b *faxBits) run(black bool) (int, error) {
	codes := &faxWhite
	if black {
		codes = &faxBlack
	}
	for total := 0; ; {
		code := codes[b.peek(faxCodeBits)]
		if code.bits == 0 {
			if b.at+faxCodeBits > 8*len(b.data) {
				return 0, io.ErrUnexpectedEOF
			}
			return 0, errFax
		}
		b.at += int(code.bits)
		if total += int(code.run); total > 1<<30 {
			return 0, errFax
		}
		if code.run < 64 {
			return total, nil
		}
	}
}

// The codes of a row in two dimensions.
const (
	faxPass = iota
	faxHorizontal
	faxVertical
)

// mode reads one of them, a vertical one with its offset.
func (b *faxBits) mode() (mode, offset int, err error) {
	v := b.peek(7)
	for _, m := range [...]struct{ bits, code, mode, offset int }{
		{1, 1, faxVertical, 0}, {3, 3, faxVertical, 1}, {3, 2, faxVertical, -1}, {3, 1, faxHorizontal, 0}, {4, 1, faxPass, 0},
		{6, 3, faxVertical, 2}, {6, 2, faxVertical, -2}, {7, 3, faxVertical, 3}, {7, 2, faxVertical, -3},
	} {
		if v>>(7-m.bits) == m.code {
			b.at += m.bits
			return m.mode, m.offset, nil
		}
	}
	if b.at+7 > 8*len(b.data) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return 0, 0, errFax
}
