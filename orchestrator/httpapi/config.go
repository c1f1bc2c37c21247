package httpapi

import (
	"errors"
	"net"
	"time"

	"clipseek/orchestrator/fault"
)

// Config says where the service listens and what a request may cost.
type Config struct {
	Listen    string        `koanf:"listen"`                // host:port; port 0 takes a free one
	APIKey    string        `koanf:"api_key" secret:"true"` // asked of every request but health; empty asks for none
	AllowOpen bool          `koanf:"allow_open"`            // listen beyond this machine without an API key
	MaxUpload int           `koanf:"max_upload"`            // largest request body, bytes
	Timeout   time.Duration `koanf:"timeout"`               // for one request, but uploads to be ingested

	MaxBulkUpload int64         `koanf:"max_bulk_upload"` // largest upload to be ingested, bytes
	UploadIdle    time.Duration `koanf:"upload_idle"`     // in which at least 64 KiB of one must come

	Hosts []string `koanf:"hosts"` // names, beside the address, by which browsers reach a service without an API key
}

// Default listens on this machine alone.
func Default() Config {
	return Config{Listen: "127.0.0.1:9099", MaxUpload: 32 << 20, Timeout: 30 * time.Second, MaxBulkUpload: 4 << 30, UploadIdle: time.Minute}
}

// Validate reports every fault.
func (c Config) Validate() error {
	var all []error
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		all = append(all, fault.Invalid("listen = %q must be host:port, for example 127.0.0.1:9099", c.Listen).Because(err))
	case !isLoopback(host) && c.APIKey == "" && !c.AllowOpen:
		all = append(all, fault.Invalid("listen = %q can be reached from other machines: set api_key, or allow_open: true if everyone may search and ingest", c.Listen))
	}
	if c.APIKey != "" && len(c.APIKey) < 16 {
		all = append(all, fault.Invalid("api_key must have at least 16 characters"))
	}
	all = append(all, fault.Between("max_upload", c.MaxUpload, 1024, 1<<30, Default().MaxUpload))
	if c.Timeout < time.Second || c.Timeout > time.Hour {
		all = append(all, fault.Invalid("timeout = %s must be 1s to 1h, for example 30s", c.Timeout))
	}
	all = append(all, fault.Between("max_bulk_upload", c.MaxBulkUpload, 1024, 1<<50, Default().MaxBulkUpload))
	all = append(all, fault.Within("upload_idle", c.UploadIdle, 100*time.Millisecond, 30*time.Minute, "1m"))
	return errors.Join(all...)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
