// Package pull fetches a model of the catalogue and makes a model directory of it.
//
//	report, err := pull.New(cfg, deps).Pull(ctx, m, pull.Request{Watch: &watch})
//
// Everything gathers in a hidden folder beside the model's directory, .NAME.partial: files on their way, which a later
// pull goes on with, and the directory to be. That gets its name, by one rename, when every file has the SHA-256 that it
// should have and the model has been opened and run. So a pull that ends in any way leaves a whole model or none.
//
// The package is not for what there is to pull (model/catalogue) nor for how weights become ONNX files (triton_models/export).
package pull

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clipseek/orchestrator/disk"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
)

// Deps are what pulls need of others.
type Deps struct {
	Models   string // the folder of all models
	Exporter Exporter
	// Prove opens and runs the model in a directory, and compares it with its reference values if it has some.
	Prove func(ctx context.Context, dir string) error
}

// Puller pulls models. It is safe for concurrent use.
type Puller struct {
	cfg     Config
	deps    Deps
	mirrors []mirror
	client  *http.Client
}

// New makes a Puller. Fault: Invalid, where cfg is.
func New(cfg Config, deps Deps) (*Puller, error) {
	if err := errors.Join(cfg.Validate(), cfg.Retry.Validate()); err != nil {
		return nil, err
	}
	mirrors, err := cfg.mirrors()
	if err != nil {
		return nil, err
	}
	return &Puller{cfg: cfg, deps: deps, mirrors: mirrors, client: newClient(cfg)}, nil
}

// Request says how a model is pulled.
type Request struct {
	Kind       string // of the origin: catalogue.ONNX or catalogue.Weights; empty is the model's first
	Precision  string // of an export: FP32, FP16 or INT8; empty leaves it to the exporter
	Force      bool   // replace a model that is here
	Unverified bool   // take files that nobody says the SHA-256 of
	Watch      *Watch // shows progress; may be nil
}

// Pull has a model in the folder of models. What an earlier pull of it has left there is used. Faults: Invalid (a wrong
// request), Conflict (wrong bytes, a model that does not work, another pull at work, a damaged model there), NotFound,
// Forbidden (the hub, the disk, a file that nobody vouches for), Unavailable and Overloaded (no network, no room, no
// Python, a hub that does not answer). A cancelled pull returns the context's error.
func (p *Puller) Pull(ctx context.Context, m catalogue.Model, r Request) (Report, error) {
	began := time.Now()
	if r.Watch == nil {
		r.Watch = &Watch{}
	}
	origin, err := choose(m, r)
	if err != nil {
		return Report{}, err
	}
	report := Report{Model: catalogue.Directory(m.Name), Kind: origin.Kind, From: origin.From, Licence: m.Licence, Files: []Fetched{}}
	if r.Precision != "" && r.Precision != FP32 {
		report.Model += "-" + r.Precision
	}
	report.Directory = filepath.Join(p.deps.Models, report.Model)
	if here, err := p.here(report.Directory, r); here || err != nil {
		return report.alreadyHere(), err
	}
	at, err := openPlace(p.deps.Models, report.Model)
	if err != nil {
		return Report{}, err
	}
	defer at.close()
	if here, err := p.here(report.Directory, r); here || err != nil { // another pull was quicker
		return report.alreadyHere(), errors.Join(err, at.remove())
	}
	run := &run{puller: p, model: m, origin: origin, request: r, place: at, report: &report}
	if err := run.do(ctx); err != nil {
		return Report{}, err
	}
	report.State, report.Seconds = Pulled, time.Since(began).Seconds()
	return report, nil
}

// here reports whether the model need not be pulled.
func (p *Puller) here(dir string, r Request) (bool, error) {
	if r.Force || !isThere(dir) {
		return false, nil
	}
	r.Watch.step("checking what is here")
	if _, err := model.Open(dir); err != nil {
		return false, fault.Conflict("the model that is here is damaged (%s); --force pulls it anew", fault.Public(err)).Because(err)
	}
	return true, nil
}

// choose picks the origin that is asked for.
func choose(m catalogue.Model, r Request) (catalogue.Origin, error) {
	if len(m.Origins) == 0 {
		return catalogue.Origin{}, fault.Invalid("%s cannot be pulled: %s", m.Name, m.NotPulled)
	}
	if !slices.Contains([]string{"", FP32, FP16, INT8}, r.Precision) {
		return catalogue.Origin{}, fault.Invalid("precision = %q must be %s, %s or %s", r.Precision, FP32, FP16, INT8)
	}
	kind := r.Kind
	if kind == "" && r.Precision != "" {
		kind = catalogue.Weights // only an export has a choice
	}
	if kind == "" {
		return m.Origins[0], nil
	}
	if kind == catalogue.ONNX && r.Precision != "" {
		return catalogue.Origin{}, fault.Invalid("a precision can be chosen for an export only; leave out the precision, or pull the %s", catalogue.Weights)
	}
	var kinds []string
	for _, o := range m.Origins {
		if o.Kind == kind {
			return o, nil
		}
		kinds = append(kinds, o.Kind)
	}
	return catalogue.Origin{}, fault.Invalid("%s does not come as %q; the catalogue has %s", m.Name, kind, strings.Join(kinds, " and "))
}

// run is one pull under way.
type run struct {
	puller  *Puller
	model   catalogue.Model
	origin  catalogue.Origin
	request Request
	place   *place
	report  *Report
}

func (r *run) do(ctx context.Context) error {
	if err := r.fetch(ctx); err != nil {
		return err
	}
	made := r.card
	if r.origin.Kind == catalogue.Weights {
		made = r.export
	}
	if err := made(ctx); err != nil {
		return err
	}
	r.request.Watch.step("proving " + r.report.Model)
	if err := r.puller.deps.Prove(ctx, r.place.path(modelFolder)); err != nil {
		return r.unproven(err)
	}
	if err := r.place.install(r.report.Model); err != nil {
		return err
	}
	return r.place.remove()
}

// unproven keeps a model that does not run out of the way. Files that are whole are kept for a clipseek that knows better.
func (r *run) unproven(err error) error {
	if errors.Is(err, context.Canceled) || fault.IsPassing(err) {
		return err
	}
	gone := r.place.path(modelFolder, model.CardFile)
	if r.origin.Kind == catalogue.Weights {
		gone = r.place.path(modelFolder)
	}
	_ = os.RemoveAll(gone) // what cannot be removed lies in a hidden folder
	message := strings.ReplaceAll(fault.Public(err), r.place.path(modelFolder), r.report.Model)
	return fault.Conflict("%s was fetched and is not kept, because it does not work: %s", r.model.Name, message).Because(err)
}

// fetch has every file of the origin whole.
func (r *run) fetch(ctx context.Context) error {
	f := &fetcher{cfg: r.puller.cfg, mirrors: r.puller.mirrors, client: r.puller.client, watch: r.request.Watch}
	var all, missing []*download
	for _, file := range r.origin.Files {
		d := r.download(file)
		all = append(all, d)
		whole, err := d.isWhole(ctx, f.watch)
		if err != nil {
			return err
		}
		if !whole {
			missing = append(missing, d)
		}
	}
	if len(missing) > 0 && r.puller.cfg.Offline {
		return fault.Unavailable("hub.offline is set, and %s of %s is not here; pull %s on a machine with a network and copy the folder to %s",
			missing[0].file.Name, r.model.Name, r.model.Name, r.report.Directory)
	}
	for _, d := range missing {
		f.watch.step("asking for " + d.file.Name)
		if err := f.probe(ctx, d); err != nil {
			return err
		}
	}
	if err := r.fits(missing); err != nil {
		return err
	}
	r.measure(all, missing)
	for _, d := range missing {
		if err := f.get(ctx, d, r.request.Unverified); err != nil {
			return err
		}
		r.report.Downloaded += d.fetched
	}
	for _, d := range all {
		r.report.Files = append(r.report.Files, Fetched{Name: d.file.Name, Bytes: d.known.Size, SHA256: d.known.SHA256, VerifiedBy: d.by})
	}
	return nil
}

// download says where a file gathers and where it will lie.
func (r *run) download(file catalogue.File) *download {
	folder := modelFolder
	if r.origin.Kind == catalogue.Weights {
		folder = weightsFolder
	}
	d := &download{
		file:  file,
		whole: r.place.path(folder, file.Name),
		part:  r.place.path(partsFolder, file.Name),
		note:  r.place.path(partsFolder, file.Name+".json"),
		by:    Nobody,
	}
	d.load()
	if file.SHA256 != "" {
		d.expect, d.by = file.SHA256, Catalogue
	}
	d.resumed = d.have() > 0
	return d
}

// isWhole reports whether an earlier pull has the file whole, and removes one that is not as it was left.
func (d *download) isWhole(ctx context.Context, watch *Watch) (bool, error) {
	if _, err := os.Stat(d.whole); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	watch.step("checking " + d.file.Name)
	hash, _, err := hashFile(ctx, d.whole)
	if err != nil {
		return false, err
	}
	if hash == d.known.SHA256 && (d.expect == "" || hash == d.expect) {
		if d.by == Nobody && d.known.By == Hub {
			d.by = Hub
		}
		return true, nil
	}
	if err := os.Remove(d.whole); err != nil {
		return false, unwritable(d.whole, err)
	}
	d.known = record{URL: d.file.URL}
	return false, nil
}

// spare is left free beyond what is known to be needed: cards, programs, the file system's own.
const spare = 64 << 20

// fits refuses a pull that the disk has no room for, as far as sizes are known.
func (r *run) fits(missing []*download) error {
	need := int64(0)
	for _, d := range missing {
		if size := d.size(); size > 0 {
			need += max(0, size-d.have())
		}
	}
	if r.origin.Kind == catalogue.Weights {
		need += r.model.ExportBytes()
	}
	free, err := disk.Room(r.place.dir)
	if err != nil {
		return unwritable(r.place.dir, err)
	}
	if need > 0 && need+spare > free {
		return fault.Unavailable("there is no room for %s: it needs %s more on the disk of %s, which has %s free",
			r.model.Name, Size(need+spare), r.place.models, Size(free))
	}
	return nil
}

// measure tells the watch how much there is to fetch.
func (r *run) measure(all, missing []*download) {
	total := int64(0)
	for _, d := range all {
		if size := d.size(); size > 0 && total >= 0 {
			total += size
		} else {
			total = -1 // nobody knows
		}
		if !slices.Contains(missing, d) {
			r.request.Watch.add(d.known.Size)
		}
	}
	for _, d := range missing {
		have := d.have()
		r.request.Watch.add(have)
		if have > 0 {
			r.request.Watch.note(fmt.Sprintf("%s: going on at %s", d.file.Name, Size(have)))
		}
	}
	r.request.Watch.total(max(0, total))
}

// card writes the card of files that are a model but for it.
func (r *run) card(context.Context) error {
	hashes := map[string]string{}
	for _, file := range r.report.Files {
		hashes[file.Name] = file.SHA256
	}
	text, err := r.model.CardText(r.origin, hashes)
	if err != nil {
		return err
	}
	return writeFile(r.place.path(modelFolder, model.CardFile), text)
}

// export makes the model's directory of its weights.
func (r *run) export(ctx context.Context) error {
	e := &exporting{Exporter: r.puller.deps.Exporter, python: r.puller.cfg.Python, place: r.place, watch: r.request.Watch}
	if err := e.write(); err != nil {
		return unwritable(r.place.path(programsFolder), err)
	}
	again := "clipseek model pull " + quoted(r.model.Name)
	if r.request.Kind != "" {
		again += " --from " + r.request.Kind
	}
	if r.request.Precision != "" {
		again += " --precision " + r.request.Precision
	}
	if err := e.ready(ctx, again); err != nil {
		return err
	}
	if err := e.run(ctx, r.model, r.origin, r.request.Precision); err != nil {
		return err
	}
	return r.named()
}

// named checks that an export is the model that it should be, and has its card say so in the catalogue's words.
func (r *run) named() error {
	at := r.place.path(modelFolder, model.CardFile)
	text, err := os.ReadFile(at)
	if err != nil {
		return fault.Internal("read the card of an export").Because(err)
	}
	card, err := model.ReadCard(text)
	if err == nil && (card.Width != r.model.Width || card.Image.Size != r.model.Pixels) {
		err = fault.Conflict("it is %d wide and takes %d pixels, and the catalogue says %d and %d", card.Width, card.Image.Size, r.model.Width, r.model.Pixels)
	}
	if err == nil {
		text, err = r.model.Rename(text, r.report.Model)
	}
	if err != nil {
		return r.unproven(err)
	}
	return writeFile(at, text)
}
