package bucket

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
)

// Config says where stores are and how long they are waited for. Credentials are not part of it: they come from where each
// store's own tools find them: for AWS AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE and ~/.aws, web identity, the
// machine's role; for Google GOOGLE_APPLICATION_CREDENTIALS, gcloud's default login, the machine's account; for Azure
// AZURE_STORAGE_KEY, _SAS_TOKEN or _CONNECTION_STRING, AZURE_CLIENT_ID ..., workload and managed identity, az's login.
type Config struct {
	Endpoint  string        `koanf:"endpoint"`   // URL of a server that speaks S3; empty is AWS, or what AWS_ENDPOINT_URL says
	Region    string        `koanf:"region"`     // empty is what AWS_REGION or the profile says, else us-east-1
	PathStyle bool          `koanf:"path_style"` // https://host/bucket in place of https://bucket.host; always so where the host is an address
	Google    GoogleConfig  `koanf:"google"`
	Azure     AzureConfig   `koanf:"azure"`
	Anonymous bool          `koanf:"anonymous"`  // send no credentials, for public buckets
	Connect   time.Duration `koanf:"connect"`    // most for connection and TLS each
	FirstByte time.Duration `koanf:"first_byte"` // most until an answer begins
	Stall     time.Duration `koanf:"stall"`      // most without a byte while an object is read
	Retries   int           `koanf:"retries"`    // further tries of a request that had no answer, or 429 or 5xx
}

// GoogleConfig says where gs:// is.
type GoogleConfig struct {
	Endpoint string `koanf:"endpoint"` // URL of a server that speaks Google's JSON interface; empty is Google, or what STORAGE_EMULATOR_HOST says
}

// AzureConfig says where azblob:// is.
type AzureConfig struct {
	Account  string `koanf:"account"`  // storage account; empty is what AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING says
	Endpoint string `koanf:"endpoint"` // URL of the account; empty is https://ACCOUNT.blob.core.windows.net, or the connection string's
}

// Default is the clouds' own servers, with the patience that web.Default has.
func Default() Config {
	return Config{Connect: 10 * time.Second, FirstByte: 30 * time.Second, Stall: 20 * time.Second, Retries: 3}
}

// Validate reports every fault.
func (c Config) Validate() error {
	const hour = time.Hour
	return errors.Join(
		checkEndpoint("endpoint", c.Endpoint, "https://s3.example.org"),
		checkEndpoint("google.endpoint", c.Google.Endpoint, "https://storage.example.org"),
		checkEndpoint("azure.endpoint", c.Azure.Endpoint, "https://account.blob.example.org"),
		fault.Within("connect", c.Connect, time.Millisecond, hour, "10s"),
		fault.Within("first_byte", c.FirstByte, time.Millisecond, hour, "30s"),
		fault.Within("stall", c.Stall, time.Millisecond, hour, "20s"),
		fault.Between("retries", c.Retries, 0, 100, 3),
	)
}

func checkEndpoint(key, endpoint, example string) error {
	if endpoint == "" {
		return nil
	}
	parsed, err := url.Parse(endpoint)
	if err == nil && parsed.User != nil {
		return fault.Invalid("%s must hold no user or password; credentials come from the environment (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_KEY ...)", key)
	}
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || strings.ContainsAny(endpoint, "?#") {
		return fault.Invalid("%s must be the URL of a server, for example %s", key, example)
	}
	return nil
}
