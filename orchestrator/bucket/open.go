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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/s3blob"

	"clipseek/orchestrator/fault"
)

// defaultRegion is what requests are signed for where nothing says another: AWS' first, and what servers of others expect.
const defaultRegion = "us-east-1"

// mostKey is the most bytes of a key that S3 takes.
const mostKey = 1024

// Client opens buckets that share connections and credentials. It is safe for concurrent use.
type Client struct {
	cfg Config

	mu sync.Mutex
	s3 *s3.Client
}

// NewClient makes a client of a valid configuration; nothing is asked for yet.
func NewClient(cfg Config) *Client { return &Client{cfg: cfg} }

// Open opens a bucket: s3://NAME, with ?region=, endpoint= and path_style= where they differ from the configuration, or
// file:///FOLDER, which is made if need be. A path behind NAME is a prefix of all keys. No store is asked: the first call
// connects. Faults: Invalid, and for folders Forbidden and Unavailable.
func Open(ctx context.Context, address string, cfg Config) (*Bucket, error) {
	return NewClient(cfg).Open(ctx, address)
}

// Open is the package's Open.
func (c *Client) Open(ctx context.Context, address string) (*Bucket, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.User != nil || parsed.Fragment != "" {
		return nil, fault.Invalid("the address of a bucket is written s3://NAME/PREFIX or file:///FOLDER, without user and password")
	}
	switch parsed.Scheme {
	case "s3":
		own, err := c.with(parsed.Query())
		if err != nil {
			return nil, fault.At("s3://"+parsed.Host, err)
		}
		return own.S3(ctx, parsed.Host, strings.Trim(parsed.Path, "/"))
	case "file":
		return c.folder(parsed)
	}
	return nil, fault.Invalid("%s:// is no store that clipseek knows; write s3://NAME (Google Cloud Storage and others speak S3 too, at an endpoint of their own) or file:///FOLDER", parsed.Scheme)
}

// with is the client with what a bucket's address says otherwise.
func (c *Client) with(query url.Values) (*Client, error) {
	if len(query) == 0 {
		return c, nil
	}
	cfg := c.cfg
	for key, values := range query {
		var err error
		switch value := values[0]; key {
		case "region":
			cfg.Region = value
		case "endpoint":
			cfg.Endpoint = value
		case "path_style":
			if cfg.PathStyle, err = strconv.ParseBool(value); err != nil {
				return nil, fault.Invalid("path_style=%s must be true or false", value)
			}
		default:
			return nil, fault.Invalid("%q is not known; a bucket's address may say region, endpoint and path_style", key)
		}
	}
	return NewClient(cfg), cfg.Validate()
}

// S3 opens a bucket by its name. prefix is that of all keys, without a slash behind.
func (c *Client) S3(ctx context.Context, name, prefix string) (*Bucket, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	client, err := c.client(ctx)
	if err != nil {
		return nil, fault.At("s3://"+name, err)
	}
	store, err := s3blob.OpenBucket(ctx, client, name, &s3blob.Options{RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired})
	if err != nil {
		return nil, fault.Internal("open s3://%s", name).Because(err)
	}
	b := &Bucket{store: store, name: "s3://" + name, stall: c.cfg.Stall}
	if prefix != "" {
		b.name, b.prefix = b.name+"/"+prefix, prefix+"/"
	}
	return b, nil
}

// client reads what AWS' own files and variables say, once.
func (c *Client) client(ctx context.Context) (*s3.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s3 != nil {
		return c.s3, nil
	}
	transport := awshttp.NewBuildableClient().WithTimeout(0). // reading may take as long as bytes come
									WithDialerOptions(func(d *net.Dialer) { d.Timeout = c.cfg.Connect }).
									WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = c.cfg.Connect, c.cfg.FirstByte
			t.MaxIdleConnsPerHost = 64 // as many as workers may be configured and still sensible
		})
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(transport),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = c.cfg.Retries+1, 5*time.Second })
		}),
		// Many servers that speak S3 do not know the checksums that AWS added in 2025.
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if c.cfg.Region != "" {
		options = append(options, config.WithRegion(c.cfg.Region))
	}
	if c.cfg.Anonymous {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fault.Invalid("AWS' configuration (AWS_PROFILE, ~/.aws/config, ~/.aws/credentials) cannot be read; is the profile there?").Because(err)
	}
	if loaded.Region == "" {
		loaded.Region = defaultRegion
	}
	if !c.cfg.Anonymous {
		loaded.Credentials = &credentials{from: loaded.Credentials}
	}
	c.s3 = s3.NewFromConfig(loaded, func(o *s3.Options) {
		if c.cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.cfg.Endpoint)
		}
		o.UsePathStyle = c.cfg.PathStyle || isAddress(aws.ToString(o.BaseEndpoint))
	})
	return c.s3, nil
}

// isAddress reports whether an endpoint's host has no room for a bucket's name before it.
func isAddress(endpoint string) bool {
	parsed, err := url.Parse(endpoint)
	return err == nil && (net.ParseIP(parsed.Hostname()) != nil || parsed.Hostname() == "localhost")
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

// isEscaped reports whether the driver for S3 writes a key as another; see escapeKey there.
func isEscaped(key string) bool {
	return strings.Contains(key, "__0x") || strings.Contains(key, "../") || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' })
}

// checkWritten is checkKey for what is written or deleted. Others may write any key, and it is read as it is.
func (b *Bucket) checkWritten(key string) error {
	if !b.folder && isEscaped(key) {
		return fault.Invalid("%s/%q is no name to write to: it has control characters, ../ or __0x", b.name, key)
	}
	return b.checkKey(key)
}
