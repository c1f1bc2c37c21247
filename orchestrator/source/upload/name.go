package upload

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
)

// Bounds of names, in bytes.
const (
	mostPart = 255 // of one folder or file: what file systems take
	mostName = 512 // of the whole, so that it and the folder's own path fit the 1024 of a path in Milvus
)

// Hidden reports names that are passed over as hidden files of folders are, and what macOS and Windows put into folders.
func Hidden(name string) bool {
	for part := range strings.SplitSeq(strings.ReplaceAll(name, `\`, "/"), "/") {
		if part == "__MACOSX" || strings.EqualFold(part, "Thumbs.db") || strings.EqualFold(part, "desktop.ini") ||
			strings.HasPrefix(part, ".") && part != "." && part != ".." {
			return true
		}
	}
	return false
}

// clean is a file's name as it was sent, perhaps with folders before it, as a slash-separated path that leads nowhere
// else. Windows' separators count as slashes. Faults: Invalid, TooLarge.
func clean(name string) (string, error) {
	switch {
	case !utf8.ValidString(name):
		return "", fault.Invalid("its name is not UTF-8; send it under another")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", fault.Invalid("its name holds control characters; send it under another")
	case len(name) > mostName:
		return "", fault.TooLarge("its name has %d bytes; at most %d are taken", len(name), mostName)
	}
	slashed := strings.ReplaceAll(name, `\`, "/")
	if strings.HasPrefix(slashed, "/") || len(slashed) > 1 && slashed[1] == ':' {
		return "", fault.Invalid("its name is absolute; send it under a relative one")
	}
	for part := range strings.SplitSeq(slashed, "/") {
		if part == ".." {
			return "", fault.Invalid("its name leads out of the upload; send it under one without ..")
		}
		if len(part) > mostPart {
			return "", fault.TooLarge("a part of its name has %d bytes; at most %d are taken", len(part), mostPart)
		}
	}
	cleaned := path.Clean(slashed)
	local, err := filepath.Localize(cleaned) // refuses what the system keeps for itself
	if err != nil || strings.HasSuffix(slashed, "/") || cleaned == "." || !filepath.IsLocal(local) {
		return "", fault.Invalid("its name is none that a file can have; send it under another").Because(err)
	}
	return cleaned, nil
}

// shown is a name in messages.
func shown(name string) string {
	if len(name) > mostName {
		name = strings.ToValidUTF8(name[:mostName], "") + "…"
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return strconv.Quote(name)
	}
	return name
}
