// Package archive is a source of pictures in one archive file: zip, tar, and tar packed by gzip, Zstandard or bzip2.
//
// Nothing is unpacked to disk. An item's key and path are "ARCHIVE!/inner/name.jpg", with the archive's absolute path, so
// the same archive gives the same rows again. Its label is the inner folder, or the archive's name without ending where
// there is none.
//
// Names: "./" and doubled slashes go. A hidden name (a leading dot in any part, __MACOSX) is passed over in silence, like
// all that has not a picture's ending. A name that leads out of the archive, is not UTF-8 or holds control characters is
// an item's error, and so is a picture that is a link, encrypted or over a limit. Of two entries with one name the first
// counts; the second is an error.
//
// Tars are read as WebDataset shards: entries that stand together and have one name up to the last point are a group. A
// picture takes the fields of its group's side files: .txt and .caption (field "caption"), .cls (a whole number, field
// "cls") and .json (the object's strings, numbers, booleans and lists of strings). A tar without side files is pictures.
//
// The package is not for folders of archives: app joins what a command line names.
package archive

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// Archive is one archive file. It is safe for concurrent use.
type Archive struct {
	path  string // absolute
	cfg   Config
	files *Files // that it belongs to; nil for one alone
	kept  *kept  // what is open between calls
	looks atomic.Pointer[looks]
}

// looks is what the content of a file with this stamp says it is.
type looks struct {
	stamp uint64
	kind  kind
}

var _ source.Source = (*Archive)(nil)

// Open looks what kind of archive the file is. Faults: NotFound, Forbidden, Invalid for what is no archive.
func Open(path string, cfg Config) (*Archive, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Invalid("%s is not a path", path).Because(err)
	}
	a := newArchive(abs, cfg, nil)
	f, err := a.file()
	if err != nil {
		return nil, err
	}
	return a, f.Close()
}

func newArchive(path string, cfg Config, files *Files) *Archive {
	return &Archive{path: path, cfg: cfg, files: files, kept: newKept()}
}

// Name is the archive's path.
func (a *Archive) Name() string { return a.path }

// Close lets go of what is open for the next Open, now or when who uses it is done. Open works after it, too.
func (a *Archive) Close() error {
	a.kept.close()
	return nil
}

// entry is one entry of an archive, picture or not.
type entry struct {
	place
	name    string // as it stands there
	size    int64  // of its content
	item    source.Item
	special string // what keeps it from being read, such as "it is a link"; "" for a regular file
	folder  bool
	read    func(most int64) ([]byte, error) // its content, until the next entry; nil in a zip
}

// file is an archive file that is open.
type file struct {
	*os.File
	info  os.FileInfo
	stamp uint64
	kind  kind
}

// file opens the archive file. Faults: NotFound, Forbidden, Invalid for what is no archive.
func (a *Archive) file() (_ file, err error) {
	open, _, err := source.OpenFile(a.path)
	if err != nil {
		return file{}, err
	}
	f := file{File: open}
	defer func() {
		if err != nil {
			_ = f.Close() // nothing was written
		}
	}()
	if f.info, err = f.Stat(); err != nil {
		return file{}, readFault(a.path, err)
	}
	f.stamp = stampOf(f.info)
	if known := a.looks.Load(); known != nil && known.stamp == f.stamp {
		f.kind = known.kind
		return f, nil
	}
	if f.kind, err = detect(f.File); err != nil {
		return file{}, err
	}
	switch f.kind {
	case isForeign:
		return file{}, fault.Invalid("%s is an archive of a kind that is not read (zip, tar, tar.gz, tar.zst and tar.bz2 are); unpack it and ingest the folder", a.path)
	case notArchive:
		return file{}, fault.Invalid("%s is no archive (zip, tar, tar.gz, tar.zst or tar.bz2)", a.path)
	}
	a.looks.Store(&looks{f.stamp, f.kind})
	return f, nil
}

// walk yields every entry in order, until yield says false.
func (a *Archive) walk(ctx context.Context, f file, yield func(entry) bool) error {
	if f.kind == isZip {
		return walkZip(ctx, f, a.cfg, yield)
	}
	return a.walkTar(ctx, f, yield)
}

// Items lists the pictures. A place is the number of an entry, and where it stands. Every listing reads the archive from
// the beginning. An archive that breaks off is an item's error at the end, with the archive's path.
func (a *Archive) Items(ctx context.Context, after string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		from, ok := parsePlace(after)
		if !ok {
			yield(source.Item{}, noPlace(after, a.path))
			return
		}
		l := newLister(a, from.number, yield)
		f, err := a.file()
		if err != nil {
			l.end(err)
			return
		}
		defer func() { _ = f.Close() }() // nothing was written
		l.stamp, l.grouped = f.stamp, f.kind != isZip
		err = a.walk(ctx, f, func(e entry) bool { return l.take(f, e) })
		switch {
		case l.stopped:
		case ctx.Err() != nil:
			yield(source.Item{}, ctx.Err())
		case !l.flush():
		case err != nil:
			l.end(err)
		case from.number > l.last+1: // one behind is where a listing that broke off ended
			yield(source.Item{}, noPlace(after, a.path))
		}
	}
}

// Open opens an item. Of an archive that has changed since it was listed, it opens the entry of the same name.
// Faults, beside those of source.Source: Invalid for what is damaged, TooLarge for a bomb.
func (a *Archive) Open(ctx context.Context, item source.Item) (io.ReadCloser, error) {
	p, ok := parsePlace(item.Place)
	inner, of := innerName(item.Path, a.path)
	if !ok || !of {
		return nil, fault.Invalid("%s is no item of %s", item.Path, a.path)
	}
	f, err := a.file()
	if err != nil {
		return nil, err
	}
	if p.number == 0 || p.stamp != f.stamp {
		if p, err = a.find(ctx, f, inner, 0); err != nil {
			_ = f.Close() // nothing was written
			return nil, err
		}
	}
	return a.open(ctx, f, inner, p)
}

// open opens the entry at p. It takes f over.
func (a *Archive) open(ctx context.Context, f file, inner string, p place) (io.ReadCloser, error) {
	switch f.kind {
	case isZip:
		return a.openZip(f, inner, p)
	case isTar:
		return a.openPlain(f, inner, p)
	default:
		return a.kept.open(ctx, a, f, inner, p.number)
	}
}

// openPlain reads a section of an uncompressed tar.
func (a *Archive) openPlain(f file, inner string, p place) (io.ReadCloser, error) {
	if p.offset+p.size > f.info.Size() || p.offset+p.size < p.offset {
		_ = f.Close() // nothing was written
		return nil, fault.Invalid("%s was cut short within %s; copy or download it again", a.path, inner)
	}
	return section{io.NewSectionReader(f, p.offset, p.size), f.File}, nil
}

type section struct {
	io.Reader
	io.Closer
}

// innerName is the name in the archive of an item's path.
func innerName(path, archive string) (string, bool) {
	n := len(archive)
	if len(path) <= n+len(Separator) || path[:n] != archive || path[n:n+len(Separator)] != Separator {
		return "", false
	}
	return path[n+len(Separator):], true
}

func gone(archive, inner string) error {
	return fault.NotFound("%s is not in %s any more; ingest the archive again", inner, archive)
}

func (e entry) String() string { return fmt.Sprintf("entry %d, %s", e.number, shown(e.name)) }

// Traces are the records of its entries. An entry that it does not list any more has gone.
func (a *Archive) Traces() []source.Traces {
	return []source.Traces{{Name: a.path, Prefix: a.path + Separator, Root: a.path, Lists: true}}
}
