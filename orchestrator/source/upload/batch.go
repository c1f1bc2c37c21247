package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
)

// headBytes is how much of a file is looked at to tell what it is: enough for the first block of a packed tar.
const headBytes = 1 << 20

// Batch is what one request sends. It is for one goroutine.
type Batch struct {
	store   *Store
	dir     string
	held    *flock.Flock // shows that this process lives; nil where the file system has no locks
	entries []entry
	files   int // that are kept
	seen    map[string]bool
	head    []byte

	committed, closed bool
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
	to := &writer{store: b.store, to: io.MultiWriter(file, sum)}
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

// writer tells faults of writing from those of reading.
type writer struct {
	store   *Store
	to      io.Writer
	written int64
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.written += int64(n)
	if err != nil {
		return n, w.store.unwritable(err)
	}
	return n, nil
}

// Close removes what has not been committed. What it cannot remove now Tidy does.
func (b *Batch) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	defer func() { <-b.store.slots }()
	defer unlock(b.held)
	if !b.committed {
		if err := b.store.takeBack(b.dir); errors.Is(err, errHeld) {
			return nil
		} else if err != nil {
			return b.store.unwritable(err)
		}
	}
	if err := removeRoom(b.dir); err != nil {
		return b.store.unwritable(err)
	}
	return nil
}
