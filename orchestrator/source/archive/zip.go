package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// The directory is read entry by entry, and an entry's place in it is enough to open it: the standard library holds the
// whole directory in memory, some 300 bytes an entry, for each listing. Numbers are APPNOTE 6.3.10's.
const (
	endLen        = 22
	end64Len      = 56
	locatorLen    = 20
	recordLen     = 46
	localLen      = 30
	longestEnd    = endLen + 1<<16 // with the comment
	flagEncrypted = 1 | 1<<6 | 1<<13
	flagUTF8      = 1 << 11
)

var le = binary.LittleEndian

// directory is where the records of a zip lie in its file.
type directory struct {
	start, size int64
	entries     uint64
	base        int64 // of all offsets: the length of what stands before the zip
}

// findDirectory reads the end of a zip. Fault: Invalid.
func findDirectory(r io.ReaderAt, size int64) (d directory, err error) {
	tail := make([]byte, min(size, longestEnd))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return d, err
	}
	at := findEnd(tail)
	if at < 0 {
		return d, fault.Invalid("it has no directory at its end, so it was cut short or is no zip; copy or download it again")
	}
	end := tail[at:]
	endAt := size - int64(len(tail)) + int64(at)
	disk, entries, length, start := uint32(le.Uint16(end[4:])), uint64(le.Uint16(end[10:])), uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	if record, ok := findEnd64(r, endAt); ok {
		endAt -= locatorLen + end64Len
		disk, entries, length, start = le.Uint32(record[16:]), le.Uint64(record[32:]), le.Uint64(record[40:]), le.Uint64(record[48:])
	}
	if disk != 0 {
		return d, fault.Invalid("it is one part of a zip that was split; join the parts first")
	}
	if length > uint64(endAt) || start > uint64(endAt)-length {
		return d, fault.Invalid("its directory lies outside of it; it was cut short or is damaged")
	}
	d = directory{start: int64(start), size: int64(length), entries: entries}
	if base := endAt - d.size - d.start; base > 0 { // something stands before the zip, or nothing and there is a gap
		signature := make([]byte, 4)
		if _, err := r.ReadAt(signature, d.start); err != nil || string(signature) != "PK\x01\x02" {
			d.base, d.start = base, d.start+base
		}
	}
	return d, nil
}

// findEnd is the index of the end record, -1 for none.
func findEnd(tail []byte) int {
	for at := len(tail) - endLen; at >= 0; at-- {
		if string(tail[at:at+4]) == "PK\x05\x06" && int(le.Uint16(tail[at+20:]))+endLen <= len(tail)-at {
			return at
		}
	}
	return -1
}

// findEnd64 reads the end record of a zip64, which a locator before the end record points to.
func findEnd64(r io.ReaderAt, endAt int64) (record []byte, ok bool) {
	locator := make([]byte, locatorLen)
	if _, err := r.ReadAt(locator, endAt-locatorLen); err != nil || string(locator[:4]) != "PK\x06\x07" {
		return nil, false
	}
	record = make([]byte, end64Len)
	for _, at := range []int64{int64(le.Uint64(locator[8:])), endAt - locatorLen - end64Len} { // the other where something stands before the zip
		if at < 0 {
			continue
		}
		if _, err := r.ReadAt(record, at); err == nil && string(record[:4]) == "PK\x06\x06" {
			return record, true
		}
	}
	return nil, false
}

// zipEntry is a record of the directory.
type zipEntry struct {
	entry
	method uint16
	crc    uint32
	packed int64
	local  int64 // offset of the local header
	length int64 // of the record
}

// readRecord reads the next record of a directory. Fault: Invalid.
func readRecord(r io.Reader) (zipEntry, error) {
	var b [recordLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return zipEntry{}, err
	}
	if string(b[:4]) != "PK\x01\x02" {
		return zipEntry{}, fault.Invalid("the directory is damaged")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	rest := make([]byte, nameLen+extraLen+commentLen)
	if _, err := io.ReadFull(r, rest); err != nil {
		return zipEntry{}, err
	}
	flags := le.Uint16(b[8:])
	e := zipEntry{
		method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]), packed: int64(le.Uint32(b[20:])), local: int64(le.Uint32(b[42:])),
		length: int64(recordLen + len(rest)),
	}
	e.size = int64(le.Uint32(b[24:]))
	e.item.Modified = dosTime(le.Uint16(b[14:]), le.Uint16(b[12:]))
	name := rest[:nameLen]
	e.extra(rest[nameLen:nameLen+extraLen], &name, b[:])
	e.name = decodeName(name, flags)
	e.folder = strings.HasSuffix(e.name, "/")
	e.special = e.refusal(flags, le.Uint32(b[38:])>>16, b[5])
	if e.size < 0 || e.packed < 0 || e.local < 0 {
		return zipEntry{}, fault.Invalid("the directory is damaged: %s has a size that no file has", shown(e.name))
	}
	return e, nil
}

// refusal says why an entry cannot be read.
func (e *zipEntry) refusal(flags uint16, mode uint32, system byte) string {
	const unix, macOS, fileType, regular = 3, 19, 0o170000, 0o100000
	switch {
	case flags&flagEncrypted != 0:
		return "the entry is encrypted; unpack the archive with its password and ingest the folder"
	case (system == unix || system == macOS) && mode&fileType != 0 && mode&fileType != regular:
		return "the entry is a link or a device and no file; ingest what it stands for"
	case !readable(e.method):
		return "the entry is packed by method " + methodName(e.method) + ", which is not read; unpack the archive and ingest the folder"
	}
	return ""
}

// extra reads the fields that follow the name: long sizes, the time in UTC and the name in UTF-8.
func (e *zipEntry) extra(b []byte, name *[]byte, record []byte) {
	for len(b) >= 4 {
		id, n := le.Uint16(b), int(le.Uint16(b[2:]))
		if b = b[4:]; n > len(b) {
			return
		}
		field := b[:n]
		b = b[n:]
		switch {
		case id == 0x0001:
			for _, long := range []struct {
				to    *int64
				short uint32
			}{{&e.size, le.Uint32(record[24:])}, {&e.packed, le.Uint32(record[20:])}, {&e.local, le.Uint32(record[42:])}} {
				if long.short == 0xffffffff && len(field) >= 8 {
					*long.to, field = int64(le.Uint64(field)), field[8:]
				}
			}
		case id == 0x5455 && n >= 5 && field[0]&1 != 0:
			e.item.Modified = time.Unix(int64(int32(le.Uint32(field[1:]))), 0).UTC()
		case id == 0x7075 && n > 5 && field[0] == 1 && le.Uint32(field[1:]) == crc32.ChecksumIEEE(*name) && utf8.Valid(field[5:]):
			*name = field[5:]
		}
	}
}

// decodeName is a name as text. What is not marked as UTF-8 and still is counts as UTF-8, because most tools of today
// write it without the mark; the rest is of the IBM PC's code page 437, as the format says. DOS' Separators become slashes.
func decodeName(name []byte, flags uint16) string {
	text := string(name)
	if flags&flagUTF8 == 0 && !utf8.ValidString(text) {
		if decoded, err := charmap.CodePage437.NewDecoder().String(text); err == nil {
			text = decoded
		}
	}
	return strings.ReplaceAll(text, `\`, "/")
}

// dosTime reads a date and time without a zone, as of UTC. A date that is none gives the zero time.
func dosTime(date, clock uint16) time.Time {
	year, month, day := int(date>>9)+1980, time.Month(date>>5&15), int(date&31)
	if month < 1 || month > 12 || day < 1 {
		return time.Time{}
	}
	return time.Date(year, month, day, int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}

// walkZip goes through the directory.
func walkZip(ctx context.Context, f file, cfg Config, yield func(entry) bool) error {
	d, err := findDirectory(f, f.info.Size())
	if err != nil {
		return readFault(f.Name(), err)
	}
	if d.entries > uint64(cfg.MaxEntries) {
		return tooMany(cfg)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, d.start, d.size), 256<<10)
	var total int64
	at := d.start
	for number := int64(1); ; number++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if at == d.start+d.size { // the count in the end record may have overflowed
			return nil
		}
		e, err := readRecord(in)
		if err != nil {
			return readFault(f.Name(), err)
		}
		if number > cfg.MaxEntries {
			return tooMany(cfg)
		}
		e.number, e.offset = number, at
		at += e.length
		if e.special == "" && e.size <= cfg.MaxItemBytes && source.IsPictureName(e.name) { // nothing else is unpacked
			total += e.size
		}
		switch {
		case total > cfg.MaxTotalBytes:
			return fault.TooLarge("its pictures unpack to more than %d bytes (archive.max_total_bytes)", cfg.MaxTotalBytes)
		case total > grace && total/cfg.MaxRatio > f.info.Size():
			return fault.TooLarge("it is a decompression bomb: its pictures unpack to %d bytes, more than %d to 1 (archive.max_ratio)", total, cfg.MaxRatio)
		}
		if !yield(e.entry) {
			return nil
		}
	}
}

func tooMany(cfg Config) error {
	return fault.TooLarge("it has more than %d entries (archive.max_entries)", cfg.MaxEntries)
}

// openZip opens the entry whose record is at p. It takes f over.
func (a *Archive) openZip(f file, inner string, p place) (_ io.ReadCloser, err error) {
	defer func() {
		if err != nil {
			_ = f.Close() // nothing was written
		}
	}()
	d, err := findDirectory(f, f.info.Size())
	if err != nil {
		return nil, readFault(a.path, err)
	}
	if p.offset < d.start || p.offset >= d.start+d.size {
		return nil, gone(a.path, inner)
	}
	e, err := readRecord(bufio.NewReader(io.NewSectionReader(f, p.offset, d.start+d.size-p.offset)))
	if err != nil {
		return nil, readFault(a.path, err)
	}
	if name, err := clean(e.name); err != nil || name != inner {
		return nil, gone(a.path, inner)
	}
	what := a.path + Separator + inner
	if e.special != "" {
		return nil, fault.Invalid("%s: %s", what, e.special)
	}
	start, err := e.content(f, d)
	if err != nil {
		return nil, readFault(what, err)
	}
	return a.unpack(f, e, start, what)
}

// content is the offset of the packed content.
func (e *zipEntry) content(f file, d directory) (int64, error) {
	var b [localLen]byte
	at := d.base + e.local
	if at < 0 || at > f.info.Size()-localLen {
		return 0, fault.Invalid("it lies outside of the archive, which was cut short or is damaged")
	}
	if _, err := f.ReadAt(b[:], at); err != nil {
		return 0, err
	}
	if !bytes.Equal(b[:4], []byte("PK\x03\x04")) {
		return 0, fault.Invalid("the archive is damaged where it lies")
	}
	at += localLen + int64(le.Uint16(b[26:])) + int64(le.Uint16(b[28:]))
	if e.packed > f.info.Size()-at {
		return 0, fault.Invalid("it lies outside of the archive, which was cut short or is damaged")
	}
	return at, nil
}
