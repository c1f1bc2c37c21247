package bucket

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"google.golang.org/api/storage/v1"

	"clipseek/orchestrator/bucket/azure"
	"clipseek/orchestrator/bucket/google"
	"clipseek/orchestrator/fault"
)

// mostKey is the most bytes of a key that S3 and Google take; Azure takes as many letters.
const mostKey = 1024

// idleConnections to one store are as many as workers may be configured and still sensible.
const idleConnections = 64

// The schemes of addresses.
const (
	S3     = "s3"
	Google = "gs"
	Azure  = "azblob"
)

// forms says how stores are named, for messages.
const forms = "write s3://BUCKET/PREFIX, gs://BUCKET/PREFIX (Google) or azblob://CONTAINER/PREFIX (Azure)"

// Client opens buckets that share connections and credentials. It is safe for concurrent use.
type Client struct {
	cfg Config

	mu     sync.Mutex
	s3     *s3.Client
	google *storage.Service
	azure  *azure.Client
}

// NewClient makes a client of a valid configuration; nothing is asked for yet.
func NewClient(cfg Config) *Client { return &Client{cfg: cfg} }

// Open opens a bucket: s3://NAME, gs://NAME, azblob://NAME, or file:///FOLDER, which is made if need be. A path behind NAME
// is a prefix of all keys. Where they differ from the configuration, ?endpoint= may stand behind, for S3 also region= and
// path_style=, for Azure storage_account=. No store is asked: the first call connects. Faults: Invalid, and for folders Forbidden
// and Unavailable.
func Open(ctx context.Context, address string, cfg Config) (*Bucket, error) {
	return NewClient(cfg).Open(ctx, address)
}

// Open is the package's Open.
func (c *Client) Open(ctx context.Context, address string) (*Bucket, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.User != nil || parsed.Fragment != "" {
		return nil, fault.Invalid("the address of a bucket is written s3://NAME/PREFIX, gs://NAME/PREFIX, azblob://NAME/PREFIX or file:///FOLDER, without user and password")
	}
	if parsed.Scheme == "file" {
		return c.folder(parsed)
	}
	own, err := c.with(parsed.Scheme, parsed.Query())
	if err != nil {
		return nil, fault.At(parsed.Scheme+"://"+parsed.Host, err)
	}
	return own.Named(ctx, parsed.Scheme+"://"+parsed.Host, strings.Trim(parsed.Path, "/"))
}

// with is the client with what a bucket's address says otherwise.
func (c *Client) with(scheme string, query url.Values) (*Client, error) {
	if len(query) == 0 {
		return c, nil
	}
	cfg := c.cfg
	for key, values := range query {
		var err error
		switch value := values[0]; scheme + " " + key {
		case S3 + " region":
			cfg.Region = value
		case S3 + " endpoint":
			cfg.Endpoint = value
		case S3 + " path_style":
			if cfg.PathStyle, err = strconv.ParseBool(value); err != nil {
				return nil, fault.Invalid("path_style=%s must be true or false", value)
			}
		case Google + " endpoint":
			cfg.Google.Endpoint = value
		case Azure + " endpoint":
			cfg.Azure.Endpoint = value
		case Azure + " storage_account":
			cfg.Azure.Account = value
		default:
			return nil, fault.Invalid("%q is not known; the address may say endpoint, for S3 also region and path_style, for Azure storage_account", key)
		}
	}
	return NewClient(cfg), cfg.Validate()
}

// Named opens a bucket by its name as it is in addresses of objects, s3://NAME. prefix is that of all keys, without a slash
// behind. Fault: Invalid.
func (c *Client) Named(ctx context.Context, address, prefix string) (*Bucket, error) {
	scheme, name, _ := strings.Cut(address, "://")
	if err := CheckName(name); err != nil {
		return nil, err
	}
	store, err := c.store(ctx, scheme, name)
	if err != nil {
		return nil, fault.At(address, err)
	}
	b := &Bucket{store: store, name: address, stall: c.cfg.Stall}
	if prefix != "" {
		b.name, b.prefix = b.name+"/"+prefix, prefix+"/"
	}
	return b, nil
}

func (c *Client) store(ctx context.Context, scheme, name string) (*blob.Bucket, error) {
	switch scheme {
	case S3:
		return c.openS3(ctx, name)
	case Google:
		return c.openGoogle(ctx, name)
	case Azure:
		return c.openAzure(name)
	}
	return nil, fault.Invalid("%s:// is no store that clipseek knows; "+forms, scheme)
}

func (c *Client) openGoogle(ctx context.Context, name string) (*blob.Bucket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.google == nil {
		made, err := google.NewClient(ctx, google.Config{Endpoint: c.cfg.Google.Endpoint, Anonymous: c.cfg.Anonymous, Transport: c.cfg.transport(), Retries: c.cfg.Retries})
		if err != nil {
			return nil, fault.Invalid("Google's client cannot be made; is STORAGE_EMULATOR_HOST in the environment a URL?").Because(err)
		}
		c.google = made
	}
	return blob.NewBucket(google.New(c.google, name)), nil
}

func (c *Client) openAzure(name string) (*blob.Bucket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.azure == nil {
		made, err := azure.NewClient(azure.Config{
			Account: c.cfg.Azure.Account, Endpoint: c.cfg.Azure.Endpoint, Anonymous: c.cfg.Anonymous, Transport: c.cfg.transport(), Retries: c.cfg.Retries,
		})
		if err != nil {
			return nil, err
		}
		c.azure = made
	}
	driver, err := azure.New(c.azure, name)
	if err != nil {
		return nil, fault.Invalid("the container cannot be named at this endpoint").Because(err)
	}
	return blob.NewBucket(driver), nil
}

// transport has the patience that is configured; reading may take as long as bytes come.
func (c Config) transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: c.Connect}).DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: c.Connect, ResponseHeaderTimeout: c.FirstByte, MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: 90 * time.Second,
	}
}

func (c *Client) folder(parsed *url.URL) (*Bucket, error) {
	if parsed.Host != "" && parsed.Host != "localhost" || parsed.RawQuery != "" || !filepath.IsAbs(parsed.Path) {
		return nil, fault.Invalid("a folder is written file:///FOLDER, with its absolute path")
	}
	store, err := fileblob.OpenBucket(parsed.Path, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fault.Unwritable(parsed.Path, err, parsed.Path+" cannot be made: the disk is full")
	}
	name := "file://" + strings.TrimSuffix(parsed.Path, "/")
	return &Bucket{store: store, folder: true, name: name, stall: c.cfg.Stall}, nil
}

// CheckName refuses what is no bucket's name; old buckets have names that new ones may not. Fault: Invalid.
func CheckName(name string) error {
	odd := func(r rune) bool {
		return r >= utf8.RuneSelf || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_", r)
	}
	if len(name) < 3 || len(name) > 255 || strings.ContainsFunc(name, odd) {
		return fault.Invalid("%q is no name of a bucket: it has 3 to 63 lower-case letters, digits, points and dashes", name[:min(len(name), 255)])
	}
	return nil
}

func (b *Bucket) checkKey(key string) error {
	switch {
	case key == "":
		return fault.Invalid("%s: no object is named", b.name)
	case !utf8.ValidString(key):
		return fault.Invalid("%s/%q is no object's name: it is not UTF-8", b.name, key[:min(len(key), mostKey)])
	case len(b.prefix)+len(key) > mostKey:
		return fault.Invalid("%s: the name of an object has at most %d bytes, not %d", b.name, mostKey, len(b.prefix)+len(key))
	}
	return nil
}

// checkWritten is checkKey for what is written or deleted. Others may write any key, and it is read as it is.
func (b *Bucket) checkWritten(key string) error {
	if !b.folder && isEscaped(key) {
		return fault.Invalid("%s/%q is no name to write to: it has control characters, ../ or __0x", b.name, key)
	}
	return b.checkKey(key)
}
