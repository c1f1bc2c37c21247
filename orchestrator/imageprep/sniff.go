package imageprep

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

const readable = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC and the previews of camera RAW files can be read"

// signatures are the first bytes of files that are often found among pictures.
var signatures = []struct {
	offset int
	magic  string
	what   string
}{
	{0, "8BPS", "a Photoshop document"},
	{0, "\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"},
	{0, "\xff\x4f\xff\x51", "a JPEG 2000 picture"},
	{0, "\xff\x0a", "a JPEG XL picture"},
	{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL picture"},
	{0, "\x00\x00\x01\x00", "an icon file"},
	{6, "HEAPCCDR", "a camera RAW picture of an old kind (CRW)"},
	{0, "\x00MRM", "a camera RAW picture of an old kind (MRW)"},
	{0, "FOVb", "a camera RAW picture of an old kind (X3F)"},
	{4, "ftyp", "a video"},
	{0, "\x1a\x45\xdf\xa3", "a video"},
	{8, "AVI ", "a video"},
	{8, "WAVE", "a sound file"},
	{0, "%PDF", "a PDF document"},
	{0, "PK\x03\x04", "a ZIP archive or office document"},
	{0, "\x1f\x8b", "a gzip archive"},
	{0, "\x7fELF", "a program"},
	{0, "version https://git-lfs", "a Git LFS pointer, whose picture has not been fetched"},
}

// sniffBytes is how much of a file is looked at to say what it seems to be.
const sniffBytes = 512

// notAPicture says what a file seems to be that is none of the formats read.
func notAPicture(file []byte) error {
	if len(file) == 0 {
		return fault.Invalid("the file is empty (0 bytes); copy it again from where it came")
	}
	start := file[:min(len(file), sniffBytes)]
	for _, s := range signatures {
		if len(start) >= s.offset && bytes.HasPrefix(start[s.offset:], []byte(s.magic)) {
			return fault.Invalid("this is %s; %s, so convert it first", s.what, readable)
		}
	}
	if what := textKind(start); what != "" {
		return fault.Invalid("this is %s, not a picture, whatever its name says; %s", what, readable)
	}
	if len(bytes.Trim(start, "\x00")) == 0 {
		return fault.Invalid("the file holds only zeros, as after an interrupted copy; copy it again from where it came")
	}
	return fault.Invalid("this is not a picture that can be read (it begins with the bytes % x); %s", start[:min(len(start), 8)], readable)
}

// textKind names the kind of text that start is the beginning of, or returns "" for binary data.
func textKind(start []byte) string {
	text := bytes.TrimPrefix(start, []byte("\ufeff"))
	for i := 0; i < utf8.UTFMax && len(text) > 0 && !utf8.Valid(text); i++ {
		text = text[:len(text)-1] // the cut may have split a character
	}
	if len(text) == 0 || !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\t\n\f\r\x1b", r)
	}) {
		return ""
	}
	lower := strings.ToLower(string(bytes.TrimSpace(text)))
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"):
		return "a web page (HTML)"
	case strings.Contains(lower, "<svg"):
		return "an SVG drawing"
	case strings.HasPrefix(lower, "<"):
		return "an XML document"
	case strings.HasPrefix(lower, "{"), strings.HasPrefix(lower, "["):
		return "a JSON text"
	}
	return "a text file"
}

// megabytes writes a number of bytes for people.
func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// endsEarly and damaged are the two messages that every format needs.
func endsEarly(format string) *fault.Error {
	return fault.Invalid("the %s file ends early, as after an interrupted copy; copy it again from where it came", format)
}

func damaged(format, detail string) *fault.Error {
	return fault.Invalid("the %s file is damaged (%s); copy it again from where it came", format, detail)
}
