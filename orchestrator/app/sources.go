package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/archive"
	"clipseek/orchestrator/source/object"
	"clipseek/orchestrator/source/upload"
	"clipseek/orchestrator/source/web"
)

// Sources is what a command line or request names, as one source.
type Sources struct {
	*source.Several
	archives *archive.Files
	client   *web.Client
	objects  []io.Closer
}

// OpenSource makes a source of what a job names: folders, picture files, lists of URLs and tables (told by their endings),
// archives (told by their content), what is in object stores (s3://, gs://, azblob://) and patterns. A pattern is what has the characters of
// one and is no file's name; archives among its matches are read, too. note, if not nil, is told what is left out of tables. Close is owed.
// Faults: Invalid, NotFound (also for a pattern that nothing matches), Forbidden, and those of a store; each names the argument.
func OpenSource(ctx context.Context, cfg Config, spec jobs.Spec, note func(string)) (_ *Sources, err error) {
	if len(spec.Sources) == 0 {
		return nil, fault.Invalid("no folder, picture, archive or pattern is named")
	}
	if note == nil {
		note = func(string) {}
	}
	b := sourceBuilder{cfg: cfg, spec: spec, note: note, archives: archive.NewFiles(cfg.archives()), stores: bucket.NewClient(cfg.Objects)}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(b.objects))
		}
	}()
	if b.client, err = cfg.webClient(Version()); err != nil {
		return nil, err
	}
	for _, arg := range spec.Sources {
		if err := b.add(ctx, arg); err != nil {
			return nil, err
		}
	}
	if err := b.endFolders(); err != nil {
		return nil, err
	}
	return &Sources{source.Join(b.parts...), b.archives, b.client, b.objects}, nil
}

// Close lets go of what is open of archives, and of connections.
func (s *Sources) Close() error {
	return errors.Join(s.archives.Close(), s.client.Close(), closeAll(s.objects))
}

func closeAll(all []io.Closer) error {
	var failed []error
	for _, one := range all {
		failed = append(failed, one.Close())
	}
	return errors.Join(failed...)
}

type sourceBuilder struct {
	cfg      Config
	spec     jobs.Spec
	note     func(string)
	client   *web.Client
	archives *archive.Files
	stores   *bucket.Client
	objects  []io.Closer
	parts    []source.Source
	folders  []string // and files: one part, which leaves out what is named twice
}

func (b *sourceBuilder) add(ctx context.Context, arg string) error {
	if source.IsObject(arg) {
		return b.addObjects(ctx, arg)
	}
	if upload.IsList(arg, b.cfg.uploads()) {
		return b.addUpload(arg)
	}
	if isListed(arg) {
		return b.addListed(ctx, arg)
	}
	info, err := os.Stat(arg)
	if source.IsURL(arg) {
		return fault.Invalid("%s is a URL; put URLs into a file that ends in .txt, one a line, or pipe them in and name - in its place; what is in an object store is named s3://BUCKET/PREFIX, gs:// or azblob://", arg)
	}
	if scheme, _, ok := strings.Cut(arg, "://"); err != nil && ok && isScheme(scheme) {
		return fault.Invalid("%s:// is no source of pictures; object stores are named s3://BUCKET/PREFIX (also other servers that speak S3, by objects.endpoint), gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX, and web pictures in a list (.txt)", scheme)
	}
	if err != nil && source.IsPattern(arg) {
		return b.addPattern(ctx, arg)
	}
	if err == nil && info.Mode().IsRegular() {
		found, err := archive.Is(arg)
		if err != nil {
			return err
		}
		if found {
			return b.addNamed(arg)
		}
	}
	b.folders = append(b.folders, arg) // which also says what is wrong
	return nil
}

func isScheme(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// addObjects adds what is in an object store; lists, tables and archives are read only from files.
func (b *sourceBuilder) addObjects(ctx context.Context, address string) error {
	if isListed(address) || archive.LooksLike(address) {
		return fault.Invalid("%s is a list, table or archive; they are not read from object stores: copy it to this machine, or name the pictures' prefix", address)
	}
	objects, err := object.New(ctx, b.stores, address)
	if err != nil {
		return err
	}
	b.parts, b.objects = append(b.parts, objects), append(b.objects, objects)
	return nil
}

func (b *sourceBuilder) addArchive(path string) error {
	a, err := b.archives.Archive(path)
	if err == nil {
		b.parts = append(b.parts, a)
	}
	return err
}

// addNamed is addArchive for one that somebody named: what is wrong with it is told at once.
func (b *sourceBuilder) addNamed(path string) error {
	a, err := archive.Open(path, b.cfg.archives())
	if err != nil {
		return err
	}
	return errors.Join(a.Close(), b.addArchive(path))
}

func (b *sourceBuilder) addPattern(ctx context.Context, pattern string) error {
	glob, err := source.NewGlob(pattern)
	if err != nil {
		return err
	}
	before := len(b.parts)
	if archive.MayMatch(pattern) {
		for item, err := range glob.Others(ctx, archive.LooksLike) {
			if err != nil && item.Path == "" {
				return err
			}
			if err != nil {
				continue // the listing of pictures tells of it
			}
			if err := b.addArchive(item.Path); err != nil {
				return err
			}
		}
	}
	for item, err := range glob.Items(ctx, "") {
		if err != nil && item.Path == "" {
			return err
		}
		b.parts = append(b.parts, glob)
		break
	}
	if len(b.parts) == before {
		return fault.NotFound("no picture or archive matches %s", pattern)
	}
	return nil
}

// endFolders makes the first part of the folders.
func (b *sourceBuilder) endFolders() error {
	if len(b.folders) == 0 {
		return nil
	}
	folders, err := source.NewFolders(b.folders...)
	if err != nil {
		return err
	}
	b.parts = append([]source.Source{folders}, b.parts...)
	return nil
}

// archives is the section with the limit that it has from another.
func (c Config) archives() archive.Config {
	a := c.Archive
	a.MaxItemBytes = c.Image.MaxBytes
	return a
}

// webClient is the client of the configuration; version is that of the program.
func (c Config) webClient(version string) (*web.Client, error) {
	return web.New(c.Web, c.Image.MaxBytes, version)
}

// viewing bounds the fetch of a picture that somebody waits to see.
const viewing = 15 * time.Second

// viewClient is webClient for pictures that somebody waits to see: one try, and not for long, because few thumbnails are
// made at once and those of other pictures wait behind it.
func (c Config) viewClient(version string) (*web.Client, error) {
	c.Web.Retries = 0
	c.Web.Connect, c.Web.FirstByte = min(c.Web.Connect, viewing/3), min(c.Web.FirstByte, viewing)
	c.Web.Whole = min(c.Web.Whole, viewing)
	return c.webClient(version)
}

// viewObjects is the section of object stores for pictures that somebody waits to see.
func (c Config) viewObjects() bucket.Config {
	o := c.Objects
	o.Retries = 0
	o.Connect, o.FirstByte, o.Stall = min(o.Connect, viewing/3), min(o.FirstByte, viewing), min(o.Stall, viewing)
	return o
}

// files opens the pictures of records, in archives, in object stores and on the web too.
type files struct {
	archives *archive.Files
	client   *web.Client
	stores   *bucket.Client
}

// Open opens a URL, an object, a file or, where there is none of the name, an archive's entry.
func (f files) Open(ctx context.Context, path string) (io.ReadCloser, int64, error) {
	if source.IsURL(path) {
		content, err := f.client.Get(ctx, path)
		return io.NopCloser(bytes.NewReader(content)), int64(len(content)), err
	}
	if source.IsObject(path) {
		return object.Read(ctx, f.stores, path)
	}
	file, size, err := source.OpenFile(path)
	if err == nil {
		return file, size, nil
	}
	if fault.KindOf(err) == fault.KindNotFound && strings.Contains(path, archive.Separator) {
		return f.archives.Open(ctx, path)
	}
	return nil, 0, err
}
