package triton

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/tlsclient"
)

// Config says where Triton is and how it is used.
type Config struct {
	// Endpoints are servers that hold the same models: host:port, or dns:///host:port, which stands for every address
	// that the name has, followed as it changes (a headless Service of Kubernetes).
	Endpoints  []string `koanf:"endpoints"`
	ImageModel string   `koanf:"image_model"`
	TextModel  string   `koanf:"text_model"`
	Version    string   `koanf:"version"` // of both models; empty leaves it to the server's policy
	Load       bool     `koanf:"load"`    // load a model that is not; the server must run with --model-control-mode=explicit

	// A request carries at most this many rows, and never more than the server's max_batch_size. Small requests, several
	// at once, let the server's batcher mix the work of many callers.
	ImageBatch int `koanf:"image_batch"`
	TextBatch  int `koanf:"text_batch"`
	InFlight   int `koanf:"in_flight"` // requests under way at once on one endpoint: so many searches, and as many of bulk work

	// A request may be computed for this long. Where the server bounds the wait in its queue, that time comes on top, so
	// that the server gives up before its client does; one that lets requests shorten it (allow_timeout_override) is asked
	// to have none wait longer than this either.
	Timeout      time.Duration `koanf:"timeout"`
	BulkTimeout  time.Duration `koanf:"bulk_timeout"`
	Priority     int           `koanf:"priority"` // of searches in the server's queue: 1 is the highest, 0 the server's default
	BulkPriority int           `koanf:"bulk_priority"`
	Retry        Retry         `koanf:"retry"`

	TLS          TLS    `koanf:"tls"`
	Headers      string `koanf:"headers" secret:"true"` // sent with every call: name=value, separated by commas
	SharedMemory string `koanf:"shared_memory"`         // for pictures, with servers of this machine: auto, on or off
}

// Retry bounds how a request is repeated that met no server, or a model that was being loaded. Load shedding is not
// repeated.
type Retry struct {
	Search  int           `koanf:"search"`  // further tries of a search; people wait for it
	Bulk    int           `koanf:"bulk"`    // further tries of bulk work
	Base    time.Duration `koanf:"base"`    // the first wait is a random part of this, each further one of twice the last
	Most    time.Duration `koanf:"most"`    // no wait is longer
	Elapsed time.Duration `koanf:"elapsed"` // no try begins later than this after the first
}

// TLS says how servers are known, and how we are known to them.
type TLS = tlsclient.Config

// What shared_memory may be.
const (
	sharedAuto = "auto"
	sharedOn   = "on"
	sharedOff  = "off"
)

// Default is a Triton on this machine with the models that `clipseek model install --triton` renders.
func Default() Config {
	return Config{
		Endpoints: []string{"127.0.0.1:8001"}, ImageModel: "clip_image", TextModel: "clip_text",
		ImageBatch: 8, TextBatch: 32, InFlight: 4,
		Timeout: 10 * time.Second, BulkTimeout: 2 * time.Minute, Priority: 1, BulkPriority: 2,
		Retry:        Retry{Search: 2, Bulk: 7, Base: 100 * time.Millisecond, Most: 5 * time.Second, Elapsed: 30 * time.Second},
		SharedMemory: sharedAuto,
	}
}

// Validate reports every fault.
func (c Config) Validate() error {
	all := []error{
		fault.Between("image_batch", c.ImageBatch, 1, 1024, 8),
		fault.Between("text_batch", c.TextBatch, 1, 4096, 32),
		fault.Between("in_flight", c.InFlight, 1, 256, 4),
		fault.Between("priority", c.Priority, 0, 1<<20, 1),
		fault.Between("bulk_priority", c.BulkPriority, 0, 1<<20, 2),
		fault.Between("retry.search", c.Retry.Search, 0, 1000, 2),
		fault.Between("retry.bulk", c.Retry.Bulk, 0, 1000, 7),
		fault.Within("timeout", c.Timeout, 10*time.Millisecond, time.Hour, "10s"),
		fault.Within("bulk_timeout", c.BulkTimeout, 10*time.Millisecond, 24*time.Hour, "2m"),
		fault.Within("retry.base", c.Retry.Base, time.Millisecond, time.Minute, "100ms"),
		fault.Within("retry.most", c.Retry.Most, c.Retry.Base, time.Hour, "5s"),
		fault.Within("retry.elapsed", c.Retry.Elapsed, 0, 24*time.Hour, "30s"),
		c.TLS.Check(),
	}
	wrong := func(format string, args ...any) { all = append(all, fault.Invalid(format, args...)) }
	if len(c.Endpoints) == 0 {
		wrong("endpoints must name at least one server, for example 127.0.0.1:8001")
	}
	for i, text := range c.Endpoints {
		if _, err := parseEndpoint(text); err != nil {
			all = append(all, err)
		}
		if slices.Contains(c.Endpoints[:i], text) {
			wrong("endpoints names %s twice", text)
		}
	}
	if c.ImageModel == "" || c.TextModel == "" || c.ImageModel == c.TextModel {
		wrong("image_model = %q and text_model = %q must be two names, for example clip_image and clip_text", c.ImageModel, c.TextModel)
	}
	if v, err := strconv.ParseUint(c.Version, 10, 63); c.Version != "" && (err != nil || v == 0) {
		wrong("version = %q must be a number from 1, or empty for the server's policy", c.Version)
	}
	if !slices.Contains([]string{sharedAuto, sharedOn, sharedOff}, c.SharedMemory) {
		wrong("shared_memory = %q must be auto, on or off", c.SharedMemory)
	}
	if _, err := parseHeaders(c.Headers); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// address is one entry of Config.Endpoints.
type address struct {
	host, port string
	every      bool // every address of the name is an endpoint
}

func (a address) String() string { return net.JoinHostPort(a.host, a.port) }

const everyAddress = "dns:///"

func parseEndpoint(text string) (address, error) {
	rest, every := strings.CutPrefix(text, everyAddress)
	host, port, err := net.SplitHostPort(rest)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || numErr != nil || n == 0 || strings.ContainsAny(host, "/ ") {
		return address{}, fault.Invalid("endpoints has %q; each must be host:port or %shost:port, for example 127.0.0.1:8001", text, everyAddress)
	}
	return address{host: host, port: port, every: every}, nil
}

// parseHeaders splits name=value,name=value into a list of names and values by turns, as gRPC's metadata takes it.
func parseHeaders(text string) ([]string, error) {
	var pairs []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		name, value, ok := strings.Cut(one, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || name != url.PathEscape(name) || strings.HasPrefix(name, "grpc-") || strings.HasSuffix(name, "-bin") {
			return nil, fault.Invalid("headers must be name=value pairs separated by commas, for example triton-grpc-protocol-key=value") // the value is a secret
		}
		pairs = append(pairs, name, strings.TrimSpace(value))
	}
	return pairs, nil
}
