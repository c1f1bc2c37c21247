package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// headBytes is how much of a file is looked at to tell what it is: enough for the first block of a packed tar.
const headBytes = 1 << 20

// Batch is what one request sends. It is for one goroutine.
type Batch struct {
	store   *Store
	dir     string
	entries []entry
	files   int // that are kept
	seen    map[string]bool
	head    []byte
	closed  bool
}

// Kept is an upload that is on the disk.
type Kept struct {
	List  string // names it as a job's source
	Title string // says what it is, for people
	Files int
}

// Add reads a file to its end and writes it beside its place. What is wrong with the file alone is remembered as the
// item's failure. Faults, which end the request: those of reading r as they are, TooLarge for too many files, Unavailable,
// Forbidden.
func (b *Batch) Add(ctx context.Context, name string, r io.Reader) error {
	if Hidden(name) {
		return nil
	}
	if len(b.entries) >= b.store.cfg.MaxFiles {
		return fault.TooLarge("more than the %d files of one request that upload.max_files allows; send several, or an archive", b.store.cfg.MaxFiles)
	}
	e := entry{Name: shown(name)}
	cleaned, err := clean(name)
	if err == nil {
		e.Name = cleaned
		err = b.write(ctx, &e, r)
	}
	if wrong, ok := errors.AsType[*itemError](err); ok {
		err = wrong.error
	} else if err != nil && e.temporary != "" {
		return err // of the request
	}
	if err != nil {
		e.Kind, e.Reason = fault.KindOf(err), fault.Public(err)
		b.entries = append(b.entries, e)
		return nil
	}
	b.files++
	b.entries = append(b.entries, e)
	return nil
}

// itemError is of one file.
type itemError struct{ error }

// write takes a file in.
func (b *Batch) write(ctx context.Context, e *entry, r io.Reader) (err error) {
	ending := filepath.Ext(e.Name) // by which archives are told where their content does not
	if len(ending) > 8 {
		ending = ""
	}
	e.temporary = filepath.Join(b.dir, strconv.Itoa(len(b.entries))+ending)
	file, err := os.OpenFile(e.temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return b.store.unwritable(err)
	}
	defer func() {
		if closeErr := file.Close(); err == nil && closeErr != nil {
			err = b.store.unwritable(closeErr)
		}
		if err != nil {
			_ = os.Remove(e.temporary) // Close removes what is left
		}
	}()
	sum := sha256.New()
	to := &disk{store: b.store, w: io.MultiWriter(file, sum)}
	ended, err := b.start(ctx, e, r, to)
	if err != nil {
		return err
	}
	if !ended {
		most := int64(1) << 62
		if !e.Archive {
			most = b.store.cfg.MaxItemBytes
		}
		// The buffer hides the ReadFrom and WriteTo of both ends, which would bring buffers of their own.
		n, err := io.CopyBuffer(struct{ io.Writer }{to}, io.LimitReader(r, most+1-to.written), b.head)
		if err != nil {
			return err
		}
		if n > 0 && to.written > most {
			return &itemError{fault.TooLarge("it has more than the %d bytes that image.max_bytes allows", most)}
		}
	}
	if e.Archive {
		if _, err := b.store.check(ctx, e.temporary, true); err != nil {
			return &itemError{b.told(err, e)}
		}
	}
	if err := file.Sync(); err != nil {
		return b.store.unwritable(err)
	}
	e.Bytes = to.written
	hash := hex.EncodeToString(sum.Sum(nil))[:32]
	e.Path = filepath.ToSlash(filepath.Join(hash[:2], hash[2:], filepath.FromSlash(e.Name)))
	if b.seen[e.Path] {
		return &itemError{fault.Invalid("it was sent twice in this upload; it counts once")}
	}
	b.seen[e.Path] = true
	return nil
}

// start writes the beginning of a file and tells what it is.
func (b *Batch) start(ctx context.Context, e *entry, r io.Reader, to io.Writer) (ended bool, err error) {
	if b.head == nil {
		b.head = make([]byte, headBytes)
	}
	n := 0
	for n < len(b.head) && err == nil {
		var more int
		more, err = r.Read(b.head[n:])
		n += more
	}
	ended = err == io.EOF //nolint:errorlint // a wrapped one is a stream that broke off
	if err != nil && !ended {
		return false, err
	}
	head := b.head[:n]
	if n == 0 {
		return ended, &itemError{fault.Invalid("it is empty (0 bytes)")}
	}
	if _, err := to.Write(head); err != nil {
		return ended, err
	}
	if e.Archive, err = b.store.check(ctx, e.temporary, ended); err != nil {
		return ended, &itemError{b.told(err, e)}
	}
	if !e.Archive && !source.IsPictureName(e.Name) && !strings.HasPrefix(http.DetectContentType(head), "image/") {
		return ended, &itemError{fault.Invalid("it is no picture and no archive, by its name and content")}
	}
	return ended, nil
}

// told has an archive's fault name it as it was sent.
func (b *Batch) told(err error, e *entry) error {
	if fault.KindOf(err) == fault.KindInternal {
		return fault.Invalid("it cannot be read as an archive").Because(err)
	}
	told := strings.TrimPrefix(fault.Public(err), e.temporary+": ") // the item's name comes before it
	return &fault.Error{Kind: fault.KindOf(err), Message: strings.ReplaceAll(told, e.temporary, e.Name)}
}

// disk tells faults of writing from those of reading.
type disk struct {
	store   *Store
	w       io.Writer
	written int64
}

func (d *disk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.written += int64(n)
	if err != nil {
		return n, d.store.unwritable(err)
	}
	return n, nil
}

// Commit moves the files to their places and writes the list; both are on the disk when it returns. Files that fail are
// in the list with their reasons. Faults: Invalid where there is no file that can be taken; Unavailable, Forbidden.
func (b *Batch) Commit() (Kept, error) {
	if b.files == 0 {
		return Kept{}, b.nothing()
	}
	folders := map[string]bool{}
	for i := range b.entries {
		e := &b.entries[i]
		if e.Reason != "" {
			continue
		}
		if err := b.place(*e, folders); err != nil {
			if fault.KindOf(err) != fault.KindInvalid {
				return Kept{}, err
			}
			e.Kind, e.Reason = fault.KindConflict, "the same file is there already under a name that this one would be a folder of, or the other way round; send it under another name"
			if b.files--; b.files == 0 {
				return Kept{}, b.nothing()
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := syncFolder(folder); err != nil {
			return Kept{}, b.store.unwritable(err)
		}
	}
	return b.list()
}

func (b *Batch) nothing() error {
	if len(b.entries) == 0 {
		return fault.Invalid("the upload holds no file; with curl: -F file=@a.jpg -F file=@b.jpg")
	}
	e := b.entries[0]
	first := fault.At(e.Name, &fault.Error{Kind: e.Kind, Message: e.Reason})
	if len(b.entries) == 1 {
		return first
	}
	return fault.Invalid("none of the %d files can be taken; the first: %s", len(b.entries), fault.Public(first))
}

// place moves a file to its place, unless it is there, and adds the folders that are to be synced.
func (b *Batch) place(e entry, folders map[string]bool) error {
	at := filepath.Join(b.store.dir, filepath.FromSlash(e.Path))
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return b.store.unwritable(err)
	}
	for dir := filepath.Dir(at); ; dir = filepath.Dir(dir) {
		folders[dir] = true
		if dir == b.store.dir {
			break
		}
	}
	folders[filepath.Dir(b.store.dir)] = true // where the store's own folder is new
	info, err := os.Lstat(at)
	if err == nil && info.Mode().IsRegular() && info.Size() == e.Bytes {
		return nil // the same bytes, by their hash; its time stays, so that its record is unchanged at a glance
	}
	if err := os.Rename(e.temporary, at); err != nil {
		return b.store.unwritable(err)
	}
	return nil
}

// list writes the list of a request under the hash of its content, so that the same request is the same source.
func (b *Batch) list() (Kept, error) {
	var text strings.Builder
	lines := json.NewEncoder(&text)
	for _, e := range b.entries {
		if err := lines.Encode(e); err != nil {
			return Kept{}, fault.Internal("write the list of an upload").Because(err)
		}
	}
	sum := sha256.Sum256([]byte(text.String()))
	dir := filepath.Join(b.store.dir, requestsFolder)
	list := filepath.Join(dir, hex.EncodeToString(sum[:16])+listEnding)
	temporary := filepath.Join(b.dir, "list")
	if err := errors.Join(os.MkdirAll(dir, 0o700), writeSynced(temporary, text.String())); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	if err := os.Rename(temporary, list); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	if err := errors.Join(syncFolder(dir), syncFolder(b.store.dir)); err != nil {
		return Kept{}, b.store.unwritable(err)
	}
	return Kept{List: list, Title: b.title(), Files: b.files}, nil
}

func (b *Batch) title() string {
	first := b.entries[slices.IndexFunc(b.entries, func(e entry) bool { return e.Reason == "" })].Name
	if len(b.entries) == 1 {
		return "upload of " + first
	}
	return fmt.Sprintf("upload of %d files (%s ...)", len(b.entries), first)
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Close removes what has not been committed.
func (b *Batch) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	defer func() { <-b.store.slots }()
	if err := os.RemoveAll(b.dir); err != nil {
		return b.store.unwritable(err)
	}
	return nil
}
