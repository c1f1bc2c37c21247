package imageprep

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// inflater unpacks a zlib stream (RFC 1950, 1951) into rows. It is made for pixels: it looks codes up in wide tables,
// takes eight bytes of its source at a time and writes literals and copies straight into the window they are read from.
// Its memory, which does not depend on the picture, is kept from picture to picture.
//
// The checksum at the end of the stream is not looked at: those of PNG's chunks cover the same bytes.
type inflater struct {
	source pieces
	in     []byte // the rest of the current piece

	ahead uint64 // bits taken from in and not yet used, the next one lowest; what lies above the count is not cleared
	count int    // of bits ahead

	out         []byte // at least the last 32 KiB of what was unpacked, and room for more
	read, write int    // offsets in out: up to where it was read and written

	state  inflateState
	last   bool // the current block is the last
	stored int  // bytes left in a block that is not packed

	lengths   [maxLiterals + maxDistances]uint8
	literals  [literalTable]uint32
	distances [distanceTable]uint32
}

// pieces gives a stream piece by piece; an empty one is its end.
type pieces interface{ next() []byte }

type inflateState int

const (
	betweenBlocks inflateState = iota
	inStored
	inCodes
	atEnd
)

const (
	maxLiterals, maxDistances = 288, 32
	literalBits, distanceBits = 11, 8 // looked up at once; longer codes go on in a second table
	// Most entries that codes of up to 15 bits can need behind tables of these widths, as zlib's tool "enough" counts.
	literalTable, distanceTable = 2342, 402

	windowBytes = 32 << 10  // how far back a copy reaches
	outBytes    = 160 << 10 // of them, and of what is unpacked at a time
	longestCode = 15
	longestCopy = 258
	copySlack   = 8 // a copy may write that much behind its end
)

// An entry of a table holds the bits of the code in its lowest byte and what the code means above: a literal, or a base
// value and how many bits of the stream are added to it.
const (
	entryLiteral  = 1 << 31
	entrySecond   = 1 << 15 // the value is where the second table begins; its width stands in place of the added bits
	entryBlockEnd = 1 << 14
	entryInvalid  = 1 << 13
	entryValue    = 16
	entryAdded    = 8
)

var errInflate = errors.New("the packed data do not follow their format")

// literalEntries and distanceEntries are what the codes mean, without their lengths.
var literalEntries, distanceEntries = codeMeanings()

func codeMeanings() (literals [maxLiterals]uint32, distances [maxDistances]uint32) {
	for i := range 256 {
		literals[i] = entryLiteral | uint32(i)<<entryValue
	}
	literals[256] = entryBlockEnd
	base := 3
	for i := 257; i < 285; i++ {
		added := max(0, (i-257)/4-1)
		literals[i] = uint32(base)<<entryValue | uint32(added)<<entryAdded
		base += 1 << added
	}
	literals[285] = longestCopy << entryValue
	literals[286], literals[287] = entryInvalid, entryInvalid
	base = 1
	for i := range 30 {
		added := max(0, i/2-1)
		distances[i] = uint32(base)<<entryValue | uint32(added)<<entryAdded
		base += 1 << added
	}
	distances[30], distances[31] = entryInvalid, entryInvalid
	return literals, distances
}

// reset begins a stream, and fails where its first bytes are not those of one.
func (f *inflater) reset(source pieces) error {
	if f.out == nil {
		f.out = make([]byte, outBytes+longestCopy+copySlack)
	}
	f.source, f.in = source, nil
	f.ahead, f.count, f.read, f.write = 0, 0, 0, 0
	f.state, f.last = betweenBlocks, false
	head, err := f.take(16)
	if err != nil {
		return err
	}
	method, flags := head&0xff, head>>8
	if method&0x0f != 8 || method>>4 > 7 || (method<<8|flags)%31 != 0 || flags&0x20 != 0 { // 0x20: a dictionary, which PNG has not
		return errInflate
	}
	return nil
}

// fill reads all of row. Where source ends too early, the error is io.ErrUnexpectedEOF.
func (f *inflater) fill(row []byte) error {
	for {
		n := copy(row, f.out[f.read:f.write])
		f.read += n
		if row = row[n:]; len(row) == 0 {
			return nil
		}
		if f.state == atEnd { // before the last row
			return errInflate
		}
		if err := f.unpack(); err != nil {
			return err
		}
	}
}

// unpack writes more into out, all of which has been read.
func (f *inflater) unpack() error {
	if f.write > outBytes-windowBytes {
		f.write = copy(f.out, f.out[f.write-min(f.write, windowBytes):f.write])
		f.read = f.write
	}
	switch f.state {
	case betweenBlocks:
		if f.last {
			f.state = atEnd
			return nil
		}
		return f.openBlock()
	case inStored:
		return f.copyStored()
	default:
		return f.unpackCodes()
	}
}

// more makes at least n bits lie ahead, at most 48, and tells whether there are so many.
func (f *inflater) more(n int) bool {
	for f.count < n {
		if len(f.in) == 0 {
			if f.in = f.source.next(); len(f.in) == 0 {
				return false
			}
		}
		f.ahead = f.ahead&(1<<f.count-1) | uint64(f.in[0])<<f.count
		f.in = f.in[1:]
		f.count += 8
	}
	return true
}

func (f *inflater) take(n int) (uint32, error) {
	if !f.more(n) {
		return 0, io.ErrUnexpectedEOF
	}
	v := uint32(f.ahead & (1<<n - 1))
	f.ahead >>= n
	f.count -= n
	return v, nil
}

func (f *inflater) openBlock() error {
	head, err := f.take(3)
	if err != nil {
		return err
	}
	f.last = head&1 != 0
	switch head >> 1 {
	case 0:
		return f.openStored()
	case 1:
		return f.openFixed()
	case 2:
		return f.openDynamic()
	}
	return errInflate
}

func (f *inflater) openStored() error {
	if _, err := f.take(f.count & 7); err != nil { // to the next whole byte
		return err
	}
	size, err := f.take(32)
	if err != nil {
		return err
	}
	if size&0xffff != ^size>>16 {
		return errInflate
	}
	f.state, f.stored = inStored, int(size&0xffff)
	return nil
}

func (f *inflater) copyStored() error {
	for ; f.stored > 0 && f.count > 0 && f.write < outBytes; f.stored-- {
		f.out[f.write] = byte(f.ahead)
		f.ahead >>= 8
		f.count -= 8
		f.write++
	}
	for f.stored > 0 && f.write < outBytes {
		if len(f.in) == 0 {
			if f.in = f.source.next(); len(f.in) == 0 {
				return io.ErrUnexpectedEOF
			}
		}
		n := copy(f.out[f.write:outBytes], f.in[:min(len(f.in), f.stored)])
		f.in = f.in[n:]
		f.write += n
		f.stored -= n
	}
	if f.stored == 0 {
		f.state = betweenBlocks
	}
	return nil
}

func (f *inflater) openFixed() error {
	lengths := &f.lengths
	for i := range maxLiterals {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	for i := range maxDistances {
		lengths[maxLiterals+i] = 5
	}
	return f.buildTables(maxLiterals, maxDistances)
}

// lengthOrder is the order in which a block gives the lengths of the codes that its code lengths are written in.
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (f *inflater) openDynamic() error {
	head, err := f.take(14)
	if err != nil {
		return err
	}
	literals, distances, coded := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if literals > 286 || distances > 30 {
		return errInflate
	}
	var lengths [19]uint8
	for _, symbol := range lengthOrder[:coded] {
		n, err := f.take(3)
		if err != nil {
			return err
		}
		lengths[symbol] = uint8(n)
	}
	if err := f.readLengths(lengths[:], literals+distances); err != nil {
		return err
	}
	return f.buildTables(literals, distances)
}

// readLengths reads wanted code lengths, which are packed by a code of the lengths given.
func (f *inflater) readLengths(lengths []uint8, wanted int) error {
	const bits = 7
	var table [1 << bits]uint32
	var meanings [19]uint32
	for i := range meanings {
		meanings[i] = uint32(i) << entryValue
	}
	if !buildTable(table[:], lengths, meanings[:], bits) {
		return errInflate
	}
	for i := 0; i < wanted; {
		f.more(bits) // near the end there may be fewer, and still enough
		e := table[f.ahead&(1<<f.count-1)&(1<<bits-1)]
		if e&entryInvalid != 0 {
			return errInflate
		}
		if _, err := f.take(int(e & 15)); err != nil {
			return err
		}
		symbol := e >> entryValue
		if symbol < 16 {
			f.lengths[i] = uint8(symbol)
			i++
			continue
		}
		repeat := [3]struct{ bits, least int }{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
		added, err := f.take(repeat.bits)
		if err != nil {
			return err
		}
		var value uint8
		if symbol == 16 {
			if i == 0 {
				return errInflate
			}
			value = f.lengths[i-1]
		}
		n := repeat.least + int(added)
		if i+n > wanted {
			return errInflate
		}
		for range n {
			f.lengths[i] = value
			i++
		}
	}
	return nil
}

// buildTables makes both tables of the block's code lengths, which stand one behind the other.
func (f *inflater) buildTables(literals, distances int) error {
	if !buildTable(f.literals[:], f.lengths[:literals], literalEntries[:], literalBits) ||
		!buildTable(f.distances[:], f.lengths[literals:literals+distances], distanceEntries[:], distanceBits) {
		return errInflate
	}
	f.state = inCodes
	return nil
}

// sortCodes counts the codes of each length and puts the symbols that have one in the order of their codes, in room.
func sortCodes(lengths []uint8, counts *[longestCode + 1]int, room *[maxLiterals]uint16) (sorted []uint16, ok bool) {
	for _, n := range lengths {
		counts[n]++
	}
	counts[0] = 0
	var next [longestCode + 2]int
	left, used := 1, 0
	for n := 1; n <= longestCode; n++ {
		left = left<<1 - counts[n]
		if left < 0 {
			return nil, false
		}
		next[n+1] = next[n] + counts[n]
		used += counts[n]
	}
	if left > 0 && (used > 1 || used == 1 && counts[1] == 0) {
		return nil, false
	}
	for symbol, n := range lengths {
		if n > 0 {
			room[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	return room[:used], true
}

// buildTable fills a table for the canonical code that lengths describe. The first 1<<width entries are looked up by the
// next bits of the stream, and lead to second tables behind them where codes are longer. It tells whether lengths are
// those of a code: complete, or of at most one symbol.
func buildTable(table []uint32, lengths []uint8, meanings []uint32, width int) bool {
	var counts [longestCode + 1]int
	var room [maxLiterals]uint16
	sorted, ok := sortCodes(lengths, &counts, &room)
	if !ok {
		return false
	}
	for i := range table[:1<<width] {
		table[i] = entryInvalid | 1
	}
	code, previous, end := 0, 0, 1<<width
	second, secondWidth, secondOf := 0, 0, -1
	for _, symbol := range sorted {
		n := int(lengths[symbol])
		code <<= n - previous
		previous = n
		reversed := int(bits.Reverse16(uint16(code))) >> (16 - n)
		code++
		e := meanings[symbol] | uint32(n)
		if n <= width {
			for i := reversed; i < 1<<width; i += 1 << n {
				table[i] = e
			}
			counts[n]--
			continue
		}
		if first := reversed & (1<<width - 1); first != secondOf {
			secondOf, second, secondWidth = first, end, n-width
			for room := 1<<secondWidth - counts[n]; room > 0 && secondWidth+width < longestCode; {
				secondWidth++
				room = room<<1 - counts[secondWidth+width]
			}
			if end += 1 << secondWidth; end > len(table) {
				return false
			}
			table[first] = entrySecond | uint32(second)<<entryValue | uint32(secondWidth)<<entryAdded
		}
		for i := reversed >> width; i < 1<<secondWidth; i += 1 << (n - width) {
			table[second+i] = e
		}
		counts[n]--
	}
	return true
}

// unpackCodes goes on in a block of codes until it ends or out is full.
//
//nolint:funlen // one loop over local variables, which a call in it would put in memory
func (f *inflater) unpackCodes() error {
	in, ahead, count, out, write := f.in, f.ahead, f.count, f.out, f.write
	literals, distances := &f.literals, &f.distances
	var err error
	for write <= outBytes {
		// A literal or a copy takes 48 bits at most: two codes of 15, and 5 and 13 bits added.
		if len(in) >= 8 {
			ahead |= binary.LittleEndian.Uint64(in) << (uint(count) & 63)
			in = in[(63-count)>>3:]
			count |= 56
		} else {
			f.in, f.ahead, f.count = in, ahead, count
			f.more(48)
			in, ahead, count = f.in, f.ahead&(1<<f.count-1), f.count
		}
		e := literals[ahead&(1<<literalBits-1)]
		if e&entryLiteral != 0 { // up to four, of 11 bits each
			for range 3 {
				ahead >>= e & 15
				count -= int(e & 15)
				out[write] = byte(e >> entryValue)
				write++
				if e = literals[ahead&(1<<literalBits-1)]; e&entryLiteral == 0 {
					break
				}
			}
			if e&entryLiteral != 0 {
				ahead >>= e & 15
				count -= int(e & 15)
				out[write] = byte(e >> entryValue)
				write++
			}
			if count < 0 {
				err = io.ErrUnexpectedEOF
				break
			}
			continue
		}
		if e&entrySecond != 0 {
			width := e >> entryAdded & 15
			e = literals[e>>entryValue+uint32(ahead>>literalBits)&(1<<width-1)]
		}
		ahead >>= e & 15
		count -= int(e & 15)
		if e&(entryLiteral|entryBlockEnd|entryInvalid) != 0 {
			if count < 0 {
				err = io.ErrUnexpectedEOF
				break
			}
			if e&entryLiteral != 0 {
				out[write] = byte(e >> entryValue)
				write++
				continue
			}
			f.state = betweenBlocks
			if e&entryInvalid != 0 {
				err = errInflate
			}
			break
		}
		added := e >> entryAdded & 15
		length := int(e>>entryValue) + int(ahead&(1<<added-1))
		ahead >>= added
		count -= int(added)

		e = distances[ahead&(1<<distanceBits-1)]
		if e&entrySecond != 0 {
			width := e >> entryAdded & 15
			e = distances[e>>entryValue+uint32(ahead>>distanceBits)&(1<<width-1)]
		}
		ahead >>= e & 15
		added = e >> entryAdded & 15
		distance := int(e>>entryValue) + int(ahead&(1<<added-1))
		ahead >>= added
		count -= int(e&15) + int(added)
		switch {
		case count < 0:
			err = io.ErrUnexpectedEOF
		case e&entryInvalid != 0 || distance > write:
			err = errInflate
		default:
			copyBack(out, write, distance, length)
			write += length
			continue
		}
		break
	}
	f.in, f.ahead, f.count, f.write = in, ahead, count, write
	return err
}

// copyBack repeats length bytes from distance before at. Up to seven bytes behind them may be written too.
func copyBack(out []byte, at, distance, length int) {
	if distance >= 8 {
		to, from := out[at:at+length+7], out[at-distance:]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
		}
		return
	}
	to, from := out[at:at+length], out[at-distance:]
	for i := range to {
		to[i] = from[i]
	}
}
