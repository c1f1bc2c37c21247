package google

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"

	"clipseek/orchestrator/bucket/credential"
)

// Config says how Google Cloud Storage is reached.
type Config struct {
	Endpoint  string            // URL of a server; empty is Google, or what STORAGE_EMULATOR_HOST says, which is sent no credentials
	Anonymous bool              // send no credentials
	Transport http.RoundTripper // with its patience
	Retries   int               // further tries of a request that had no answer, or 408, 429 or 5xx
}

// NewClient makes a client; credentials are looked for with the first request, where Google's libraries look for them.
func NewClient(ctx context.Context, cfg Config) (*storage.Service, error) {
	if emulator := os.Getenv("STORAGE_EMULATOR_HOST"); emulator != "" && cfg.Endpoint == "" {
		if !hasScheme(emulator) { // its other form is host:port
			emulator = "http://" + emulator
		}
		cfg.Endpoint, cfg.Anonymous = emulator, true
	}
	transport := http.RoundTripper(asStored{cfg.Transport})
	if !cfg.Anonymous {
		transport = &authorized{to: transport, tokens: &http.Client{Transport: cfg.Transport}, watch: &credential.Watch{
			Store: "Google Cloud Storage", Advice: "set GOOGLE_APPLICATION_CREDENTIALS or run `gcloud auth application-default login`",
		}}
	}
	options := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: &retrying{transport, cfg.Retries}})}
	if cfg.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(cfg.Endpoint, "/")+"/storage/v1/"))
	}
	return storage.NewService(ctx, options...)
}

// authorized adds a token of the default credentials to requests.
type authorized struct {
	to     http.RoundTripper
	tokens *http.Client // asks for them
	watch  *credential.Watch

	mu    sync.Mutex
	found *auth.Credentials
}

// RoundTrip implements http.RoundTripper. Its error may be a *credential.Error.
func (a *authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	signed, err := a.sign(request)
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // as the interface asks
		}
		return nil, err
	}
	return a.to.RoundTrip(signed)
}

func (a *authorized) sign(request *http.Request) (*http.Request, error) {
	ctx := request.Context()
	found, err := a.detect()
	if err != nil {
		return nil, a.watch.Check(err)
	}
	token, err := found.Token(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := a.watch.Check(err); err != nil {
		return nil, err
	}
	signed := request.Clone(ctx)
	signed.Header.Set("Authorization", token.Type+" "+token.Value)
	if project, err := found.QuotaProjectID(ctx); err == nil && project != "" {
		signed.Header.Set("X-Goog-User-Project", project)
	}
	return signed, nil
}

// detect looks for the credentials until there are some; the library keeps their tokens.
func (a *authorized) detect() (*auth.Credentials, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found != nil {
		return a.found, nil
	}
	found, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{storage.DevstorageReadWriteScope}, Client: a.tokens})
	if err == nil {
		a.found = found
	}
	return found, err
}
