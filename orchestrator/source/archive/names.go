package archive

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Separator stands between an archive's path and a name in it. No tool writes it into names.
const Separator = source.ArchiveSeparator

// hidden reports names that are passed over as hidden files of folders are, and the side files that macOS adds to zips.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "__MACOSX" || strings.HasPrefix(part, ".") && part != "." && part != ".." {
			return true
		}
	}
	return false
}

// clean is the name of an entry without "./" and doubled slashes. Nothing is ever unpacked to where a name says; still
// one that would lead out of the folder is refused, and so is one that cannot be shown or stored. Fault: Invalid.
func clean(name string) (string, error) {
	switch {
	case !utf8.ValidString(name):
		return "", fault.Invalid("the name %s is not UTF-8; pack it again with another name", strconv.Quote(name))
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", fault.Invalid("the name %s holds control characters; pack it again with another name", strconv.Quote(name))
	case strings.HasPrefix(name, "/"), len(name) > 2 && name[1:3] == ":/":
		return "", fault.Invalid("the name %s is absolute; pack it again with a name inside the archive", strconv.Quote(name))
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fault.Invalid("the name %s leads out of the archive; pack it again with a name inside", strconv.Quote(name))
		}
	}
	return path.Clean(name), nil
}

// shown is a name as part of a path in messages.
func shown(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return strconv.Quote(name)
	}
	return name
}
