package bucket

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
)

// Config says where S3 is and how long it is waited for. Credentials are not part of it: they come from where AWS' tools
// find them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE and ~/.aws, web identity, the machine's role).
type Config struct {
	Endpoint  string        `koanf:"endpoint"`   // URL of a server that speaks S3; empty is AWS, or what AWS_ENDPOINT_URL says
	Region    string        `koanf:"region"`     // empty is what AWS_REGION or the profile says, else us-east-1
	PathStyle bool          `koanf:"path_style"` // https://host/bucket in place of https://bucket.host; always so where the host is an address
	Anonymous bool          `koanf:"anonymous"`  // send no credentials, for public buckets
	Connect   time.Duration `koanf:"connect"`    // most for connection and TLS each
	FirstByte time.Duration `koanf:"first_byte"` // most until an answer begins
	Stall     time.Duration `koanf:"stall"`      // most without a byte while an object is read
	Retries   int           `koanf:"retries"`    // further tries of a request that had no answer, or 429 or 5xx
}

// Default is AWS, with the patience that web.Default has.
func Default() Config {
	return Config{Connect: 10 * time.Second, FirstByte: 30 * time.Second, Stall: 20 * time.Second, Retries: 3}
}

// Validate reports every fault.
func (c Config) Validate() error {
	const hour = time.Hour
	return errors.Join(
		c.checkEndpoint(),
		fault.Within("connect", c.Connect, time.Millisecond, hour, "10s"),
		fault.Within("first_byte", c.FirstByte, time.Millisecond, hour, "30s"),
		fault.Within("stall", c.Stall, time.Millisecond, hour, "20s"),
		fault.Between("retries", c.Retries, 0, 100, 3),
	)
}

func (c Config) checkEndpoint() error {
	if c.Endpoint == "" {
		return nil
	}
	parsed, err := url.Parse(c.Endpoint)
	if err == nil && parsed.User != nil {
		return fault.Invalid("endpoint must hold no user or password; credentials come from the environment (AWS_ACCESS_KEY_ID ...) or ~/.aws")
	}
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || strings.ContainsAny(c.Endpoint, "?#") {
		return fault.Invalid("endpoint must be the URL of a server, for example https://s3.example.org")
	}
	return nil
}
