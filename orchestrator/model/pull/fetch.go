package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"clipseek/orchestrator/clock"
	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/catalogue"
)

// fetcher fetches files whole.
type fetcher struct {
	cfg     Config
	mirrors []mirror
	client  *http.Client
	watch   *Watch
}

// download is one file on its way.
type download struct {
	file    catalogue.File
	whole   string // where it will lie
	part    string // where its bytes gather
	note    string // what is known of it, beside the part
	known   record
	expect  string // the SHA-256 that decides; empty if nobody has one
	by      string // who said so: Catalogue, Hub or Nobody
	fetched int64  // bytes that came over the network
	pieces  int    // answers that the part is made of
	again   bool   // it has been begun anew because the pieces did not fit
	resumed bool   // the part was begun by an earlier pull
}

// record is kept beside a part, so that a later pull can go on with it, and beside a whole file, so that it need not be
// fetched again.
type record struct {
	URL    string `json:"url"`
	ETag   string `json:"etag,omitempty"` // a part is only added to while the server sends this
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"`
	By     string `json:"by,omitempty"` // who said which SHA-256 a whole file must have
}

// load reads what an earlier pull left, and forgets it if it was of another address.
func (d *download) load() {
	text, err := os.ReadFile(d.note)
	if err != nil || json.Unmarshal(text, &d.known) != nil || d.known.URL != d.file.URL {
		d.known = record{URL: d.file.URL}
		_ = os.Remove(d.part) // what cannot be removed is written over
	}
}

func (d *download) save() error {
	text, err := json.Marshal(d.known)
	if err != nil {
		return fault.Internal("write %s", d.note).Because(err)
	}
	return writeFile(d.note, text)
}

// have is how many bytes an earlier try left that can be added to.
func (d *download) have() int64 {
	info, err := os.Stat(d.part)
	if err != nil || (d.known.ETag == "" && d.expect == "") {
		return 0
	}
	return info.Size()
}

// size is what the file should have; 0 is not known.
func (d *download) size() int64 {
	if d.file.Bytes > 0 {
		return d.file.Bytes
	}
	return d.known.Size
}

// probe asks what a hub says of the file, where the catalogue does not say all. Hubs that do not answer such a question
// say it with the bytes.
func (f *fetcher) probe(ctx context.Context, d *download) error {
	if d.file.SHA256 != "" {
		d.expect, d.by = d.file.SHA256, Catalogue
	}
	if d.expect != "" && d.file.Bytes > 0 {
		return nil
	}
	var said offer
	err := f.repeat(ctx, d, func() error {
		resp, answer, err := f.ask(ctx, http.MethodHead, d.file.URL, nil)
		said = answer // a redirect may have said it before the answer was an error
		if err != nil {
			return err
		}
		if said.size == 0 && resp.ContentLength > 0 {
			said.size = resp.ContentLength
		}
		return resp.Body.Close()
	})
	if code, ok := errors.AsType[statusError](err); ok && code != http.StatusNotFound && code != http.StatusUnauthorized && code < 500 && code != http.StatusTooManyRequests {
		err = nil
	}
	if err != nil {
		return err
	}
	return d.learn(said)
}

// learn takes what a hub said, and refuses what contradicts the catalogue.
func (d *download) learn(said offer) error {
	if d.file.SHA256 != "" && said.sha256 != "" && said.sha256 != d.file.SHA256 {
		return fault.Conflict("%s: the hub has another file than the catalogue (SHA-256 %s..., the catalogue says %s...); a newer clipseek may know it", d.file.Name, said.sha256[:12], d.file.SHA256[:12])
	}
	if d.expect == "" && said.sha256 != "" {
		d.expect, d.by = said.sha256, Hub
	}
	if d.file.Bytes > 0 && said.size > 0 && said.size != d.file.Bytes {
		return fault.Conflict("%s: the hub announces %d bytes, and the file has %d", d.file.Name, said.size, d.file.Bytes)
	}
	if said.size > 0 && d.known.Size != said.size {
		d.known.Size = said.size
	}
	return nil
}

// get fetches the file whole, in as many tries as it takes, and checks it.
func (f *fetcher) get(ctx context.Context, d *download, unverified bool) error {
	if err := os.MkdirAll(filepath.Dir(d.part), 0o755); err != nil {
		return unwritable(d.part, err)
	}
	for {
		f.watch.fetching(d.file.Name)
		if err := f.repeat(ctx, d, func() error { return f.try(ctx, d, unverified) }); err != nil {
			return err
		}
		f.watch.step("checking " + d.file.Name)
		hash, size, err := hashFile(ctx, d.part)
		if err != nil {
			return err
		}
		if d.expect == "" || hash == d.expect {
			d.known.SHA256, d.known.Size, d.known.By = hash, size, d.by
			return d.keep()
		}
		f.watch.add(-size)
		if err := os.Remove(d.part); err != nil {
			return unwritable(d.part, err)
		}
		if d.again || (d.pieces < 2 && !d.resumed) {
			return fault.Conflict("%s is not the file that it should be: what came from %s has the SHA-256 %s..., and %s says %s...; nothing of it is kept",
				d.file.Name, d.file.URL, hash[:12], d.sayer(), d.expect[:12])
		}
		f.watch.note(d.file.Name + ": its pieces do not make the file that it should be; fetching it anew")
		d.again, d.resumed, d.pieces = true, false, 0
	}
}

func (d *download) sayer() string {
	if d.by == Hub {
		return "the hub"
	}
	return "the catalogue"
}

// keep gives the checked part its name.
func (d *download) keep() error {
	if err := d.save(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.whole), 0o755); err != nil {
		return unwritable(d.whole, err)
	}
	if err := disk.Rename(d.part, d.whole); err != nil {
		return unwritable(d.whole, err)
	}
	return nil
}

// repeat calls try until it succeeds, fails for good, or has failed too often without getting any further.
func (f *fetcher) repeat(ctx context.Context, d *download, try func() error) error {
	furthest := d.have()
	for failed := 1; ; failed++ {
		err := try()
		again, ok := errors.AsType[*passing](err)
		if err == nil || !ok {
			return err
		}
		if here := d.have(); here > furthest {
			furthest, failed = here, 1
		}
		if again.away {
			failed++ // a network that is not there is not waited for as long as a server that stumbles
		}
		if failed >= f.cfg.Retry.Tries || again.after > f.cfg.Retry.Most {
			return again.fault
		}
		wait := again.after
		if wait == 0 {
			wait = rand.N(min(f.cfg.Retry.Most, f.cfg.Retry.Base<<min(failed-1, 20))) + 1
		}
		f.watch.note(fmt.Sprintf("%s: %s; trying again in %s", d.file.Name, strings.TrimSuffix(again.fault.Message, "; "+advice), wait.Round(time.Millisecond)))
		if err := clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// try asks for what is missing of the file and adds what comes.
func (f *fetcher) try(ctx context.Context, d *download, unverified bool) error {
	have := d.have()
	if size := d.size(); size > 0 && have >= size {
		if have == size {
			return nil
		}
		have = 0
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if strong(d.known.ETag) {
			header.Set("If-Range", d.known.ETag)
		}
	}
	resp, said, err := f.ask(ctx, http.MethodGet, d.file.URL, header)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // what was read of it counts
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return f.beyond(d, resp, have)
	}
	at, total, err := placed(resp, have)
	if err != nil {
		return err
	}
	if at > 0 && said.etag != "" && d.known.ETag != "" && said.etag != d.known.ETag {
		return f.anew(d, have, "the file changed on the server")
	}
	if said.size == 0 {
		said.size = total
	} else if total > 0 && total != said.size {
		return fault.Conflict("%s: %s announces %d bytes, and its hub %d", d.file.Name, site(resp.Request.URL), total, said.size)
	}
	if err := d.learn(said); err != nil {
		return err
	}
	if d.expect == "" && !unverified {
		return unproven(d.file)
	}
	if at == 0 || said.etag != "" {
		d.known.ETag = said.etag
	}
	if err := d.save(); err != nil {
		return err
	}
	if at == 0 {
		if have > 0 {
			f.watch.note(d.file.Name + ": the server begins from the start")
		}
		f.watch.add(-have)
		d.pieces, d.resumed = 0, false
	}
	d.pieces++
	return f.add(ctx, d, resp, at, cancel)
}

// unproven refuses a file that nobody vouches for.
func unproven(file catalogue.File) error {
	return fault.Forbidden("%s: neither the catalogue nor the hub says which SHA-256 %s has; --unverified takes it as it comes", file.Name, file.URL)
}

// placed says where in the file an answer's bytes belong, and how long the file is; 0 is not known.
func placed(resp *http.Response, have int64) (at, total int64, err error) {
	if resp.StatusCode == http.StatusOK {
		return 0, max(0, resp.ContentLength), nil
	}
	start, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if resp.StatusCode != http.StatusPartialContent || !ok || start != have {
		return 0, 0, fault.Unavailable("%s answers a request for bytes from %d with status %d and %q", site(resp.Request.URL), have, resp.StatusCode, resp.Header.Get("Content-Range"))
	}
	return start, total, nil
}

var rangeForm = regexp.MustCompile(`^bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)$`)

// contentRange reads a header as "bytes 100-199/200"; a total of * is 0.
func contentRange(value string) (start, total int64, ok bool) {
	match := rangeForm.FindStringSubmatch(value)
	if match == nil {
		return 0, 0, false
	}
	start, _ = strconv.ParseInt(match[1], 10, 64) // at most 18 digits
	total, _ = strconv.ParseInt(match[2], 10, 64)
	return start, total, true
}

// beyond handles the answer that the part is as long as the file, or longer.
func (f *fetcher) beyond(d *download, resp *http.Response, have int64) error {
	if total, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */"); ok && total == strconv.FormatInt(have, 10) && d.size() == 0 {
		d.known.Size = have
		return nil
	}
	return f.anew(d, have, "the part is longer than the server's file")
}

// anew throws the part away, so that the next try begins from the start.
func (f *fetcher) anew(d *download, have int64, why string) error {
	f.watch.add(-have)
	d.known = record{URL: d.file.URL}
	if err := os.Remove(d.part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(d.part, err)
	}
	return &passing{fault: fault.Unavailable("%s", why)}
}

// strong reports whether an ETag promises the same bytes.
func strong(etag string) bool { return etag != "" && !strings.HasPrefix(etag, "W/") }

// add appends an answer's bytes to the part, from at on.
func (f *fetcher) add(ctx context.Context, d *download, resp *http.Response, at int64, cancel context.CancelCauseFunc) error {
	out, err := os.OpenFile(d.part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return unwritable(d.part, err)
	}
	err = out.Truncate(at)
	if err == nil {
		_, err = out.Seek(at, io.SeekStart)
	}
	if err == nil {
		err = f.copy(ctx, d, out, resp, at, cancel)
	}
	return errors.Join(written(d.part, out.Close()), written(d.part, err))
}

// written translates what went wrong while a part was written, or what its bytes came with.
func written(at string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*passing](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return unwritable(at, err)
}

// copy writes what comes until it ends, breaks off or stands still.
func (f *fetcher) copy(ctx context.Context, d *download, out io.Writer, resp *http.Response, at int64, cancel context.CancelCauseFunc) error {
	stall := time.AfterFunc(f.cfg.Stall, func() { cancel(errStalled) })
	defer stall.Stop()
	buffer := make([]byte, 1<<18)
	for {
		n, readErr := resp.Body.Read(buffer)
		stall.Reset(f.cfg.Stall)
		if n > 0 {
			if size := d.size(); size > 0 && at+int64(n) > size {
				return fault.Conflict("%s: %s sends more than the %d bytes of the file", d.file.Name, site(resp.Request.URL), size)
			}
			if _, err := out.Write(buffer[:n]); err != nil {
				return err
			}
			at += int64(n)
			d.fetched += int64(n)
			f.watch.add(int64(n))
		}
		switch {
		case readErr == nil:
		case !errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF):
			return f.unreached(ctx, resp.Request.URL, readErr)
		case d.size() > 0 && at < d.size():
			return f.unreached(ctx, resp.Request.URL, io.ErrUnexpectedEOF)
		default:
			return nil
		}
	}
}
