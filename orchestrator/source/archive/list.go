package archive

import (
	"hash/maphash"
	"path"
	"path/filepath"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// lister makes items of entries.
type lister struct {
	*Archive
	after   int64 // number of the entry behind which it yields
	yield   func(source.Item, error) bool
	stamp   uint64
	grouped bool   // entries are grouped
	label   string // of what lies in no folder
	last    int64  // number of the entry taken last
	name    string // its name
	stopped bool   // the caller wants no more

	seed  maphash.Seed
	seen  map[uint64]struct{} // hashes of the pictures' names: two of ten million are the same with a chance of 3 in a million
	group group
}

func newLister(a *Archive, after int64, yield func(source.Item, error) bool) *lister {
	return &lister{Archive: a, after: after, yield: yield, label: baseName(a.path), seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

// baseName is an archive's name without its ending.
func baseName(path string) string {
	name := filepath.Base(path)
	for _, ending := range []string{".gz", ".zst", ".bz2"} {
		if cut := len(name) - len(ending); cut > 0 && strings.EqualFold(name[cut:], ending) {
			name = name[:cut]
			break
		}
	}
	if bare := strings.TrimSuffix(name, filepath.Ext(name)); bare != "" {
		return bare
	}
	return name
}

// take reports false when the listing is to end.
func (l *lister) take(f file, e entry) bool {
	l.last, l.name = e.number, e.name
	if e.folder || hidden(e.name) {
		return true
	}
	side := e.read != nil && isSide(e.name)
	stem := strings.TrimSuffix(e.name, path.Ext(e.name))
	if stem != l.group.stem || len(l.group.pictures) == longestGroup {
		if !l.flush() {
			return false
		}
		l.group = group{stem: stem, pictures: l.group.pictures[:0]}
	}
	switch {
	case source.IsPictureName(e.name):
		item, err := l.item(f, e)
		l.group.pictures = append(l.group.pictures, picture{item, e.number, err})
	case side && e.special == "":
		l.group.add(e)
	}
	return true
}

// item is the picture that an entry holds.
func (l *lister) item(f file, e entry) (source.Item, error) {
	item := source.Item{Source: l.path, Label: l.label, Bytes: e.size, Modified: e.modified(f), Place: l.place(e)}
	inner, err := clean(e.name)
	if err != nil {
		item.Path = l.path + Separator + shown(e.name)
		item.Key = item.Path
		return item, err
	}
	item.Path = l.path + Separator + inner
	item.Key = item.Path
	if dir := path.Dir(inner); dir != "." {
		item.Label = path.Base(dir)
	}
	h := maphash.String(l.seed, inner)
	if _, twice := l.seen[h]; twice {
		return item, fault.Conflict("the archive holds another entry of this name before it, which counts; pack it again with one of them")
	}
	l.seen[h] = struct{}{}
	switch {
	case e.special != "":
		return item, fault.Invalid("%s", e.special)
	case e.size > l.cfg.MaxItemBytes:
		return item, fault.TooLarge("it has %d bytes, more than the %d that one picture may have (image.max_bytes)", e.size, l.cfg.MaxItemBytes)
	case f.kind == isTar && e.offset+e.size > f.info.Size():
		return item, fault.Invalid("the archive was cut short within it; copy or download it again")
	}
	return item, nil
}

func (e entry) modified(f file) time.Time {
	if m := e.item.Modified; !m.IsZero() && m.Unix() != 0 {
		return m
	}
	return f.info.ModTime()
}

func (l *lister) place(e entry) string {
	e.place.size, e.stamp = e.size, l.stamp
	return e.place.String()
}

// flush yields the group, and reports false when the listing is to end.
func (l *lister) flush() bool {
	g := &l.group
	for _, p := range g.pictures {
		if p.number <= l.after {
			continue
		}
		if p.err == nil {
			p.err = g.err
		}
		p.item.Fields = g.fields(l.grouped)
		if !l.yield(p.item, p.err) {
			l.stopped = true
			return false
		}
	}
	g.pictures = g.pictures[:0]
	return true
}

// end yields the archive itself as an item that cannot be had, behind all others.
func (l *lister) end(err error) {
	if l.last+1 <= l.after {
		return
	}
	item := source.Item{Key: l.path, Path: l.path, Source: l.path, Place: place{number: l.last + 1, stamp: l.stamp}.String()}
	if l.last > 0 {
		behind := entry{place: place{number: l.last}, name: l.name}
		err = fault.At("behind "+behind.String(), err)
	}
	l.yield(item, err)
}
