package bucket

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"clipseek/orchestrator/bucket/credential"
	"clipseek/orchestrator/fault"
)

// defaultRegion is what requests are signed for where nothing says another: AWS' first, and what servers of others expect.
const defaultRegion = "us-east-1"

func (c *Client) openS3(ctx context.Context, name string) (*blob.Bucket, error) {
	client, err := c.clientOfS3(ctx)
	if err != nil {
		return nil, err
	}
	store, err := s3blob.OpenBucket(ctx, client, name, &s3blob.Options{RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired})
	if err != nil {
		return nil, fault.Internal("open the bucket").Because(err)
	}
	return store, nil
}

// clientOfS3 reads what AWS' own files and variables say, once.
func (c *Client) clientOfS3(ctx context.Context) (*s3.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s3 != nil {
		return c.s3, nil
	}
	transport := awshttp.NewBuildableClient().WithTimeout(0). // reading may take as long as bytes come
									WithDialerOptions(func(d *net.Dialer) { d.Timeout = c.cfg.Connect }).
									WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = c.cfg.Connect, c.cfg.FirstByte
			t.MaxIdleConnsPerHost = idleConnections
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
		loaded.Credentials = newCredentials(loaded.Credentials)
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

// credentials tells apart that none are found from what a store says of them.
type credentials struct {
	from  aws.CredentialsProvider
	watch credential.Watch
}

func newCredentials(from aws.CredentialsProvider) *credentials {
	return &credentials{from, credential.Watch{Store: "S3", Advice: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE"}}
}

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.from.Retrieve(ctx)
	return found, c.watch.Check(err)
}

// isEscaped reports whether the driver for S3 writes a key as another; see escapeKey there.
func isEscaped(key string) bool {
	return strings.Contains(key, "__0x") || strings.Contains(key, "../") || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' })
}
