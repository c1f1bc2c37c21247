package source

import (
	"strings"
)

// ArchiveSeparator stands between an archive's path and a name in it. No tool writes it into names.
const ArchiveSeparator = "!/"

// Traces says which records of an index come from a source, and how one is known to have lost its picture.
type Traces struct {
	Name   string // for people
	Prefix string // what the paths of the records begin with; "" where Source tells
	Source string // what the records have as their source; "" where Prefix tells
	Root   string // a local path without which nothing can be said; "" for none
	// Lists is whether a record whose key the source does not list any more has lost its picture. Otherwise the file alone
	// decides.
	Lists bool
	// File is the local file without which a record of this path and source has lost its picture, "" for none; own is
	// false for a record that is not of this source after all. nil is no file, and all are its own.
	File func(path, source string) (file string, own bool)
}

// Tracer is the ability of a source to say which records come from it.
type Tracer interface{ Traces() []Traces }

// inArchive reports whether a record of this path and source is an archive's entry.
func inArchive(path, source string) bool {
	return source != "" && strings.HasPrefix(path, source+ArchiveSeparator)
}

// Traces are all records of files below the folders, whatever named them, but for entries of archives.
func (f *Folders) Traces() []Traces {
	var all []Traces
	for i, root := range f.roots {
		nested := false
		for j, other := range f.roots {
			nested = nested || i != j && Within(root, other) && (root != other || j < i)
		}
		if nested {
			continue
		}
		all = append(all, Traces{
			Name: root, Prefix: Below(root), Root: root,
			File: func(path, source string) (string, bool) { return path, !inArchive(path, source) },
		})
	}
	return all
}

// Traces are all records of files that match, whatever named them, and the entries of archives that match.
func (g *Glob) Traces() []Traces {
	return []Traces{{
		Name: g.name, Prefix: Below(g.base), Root: g.base,
		File: func(path, source string) (string, bool) {
			if inArchive(path, source) {
				return source, g.matches(source)
			}
			return path, g.matches(path)
		},
	}}
}

// Parts are the sources that it was made of. The slice must not be changed.
func (s *Several) Parts() []Source { return s.parts }
