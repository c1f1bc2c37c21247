package azure

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"clipseek/orchestrator/bucket/credential"
	"clipseek/orchestrator/fault"
)

// Config says how Azure Blob Storage is reached.
type Config struct {
	Account   string            // empty is what AZURE_STORAGE_ACCOUNT or the connection string says
	Endpoint  string            // URL of the account; empty is https://ACCOUNT.blob.core.windows.net
	Anonymous bool              // send no credentials
	Transport http.RoundTripper // with its patience
	Retries   int               // further tries of a request that had no answer, or 408, 429 or 5xx
}

// Client opens containers with the credentials that it found. It is safe for concurrent use.
type Client struct {
	service string // URL of the account, with a slash behind
	secret  string // its query, where a signature is the credential
	options *container.ClientOptions
	key     *container.SharedKeyCredential
	token   azcore.TokenCredential
}

// NewClient reads the variables that Azure's tools read: AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or
// AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_CONNECTION_STRING; without them requests have a token of
// azidentity.DefaultAzureCredential. Nothing is asked yet. Fault: Invalid.
func NewClient(cfg Config) (*Client, error) {
	said := parseConnection(os.Getenv("AZURE_STORAGE_CONNECTION_STRING"))
	account := first(cfg.Account, os.Getenv("AZURE_STORAGE_ACCOUNT"), said["accountname"])
	key, sas := os.Getenv("AZURE_STORAGE_KEY"), os.Getenv("AZURE_STORAGE_SAS_TOKEN")
	if key == "" && sas == "" && account == first(said["accountname"], account) { // never another account's
		key, sas = said["accountkey"], said["sharedaccesssignature"]
	}
	c := &Client{options: &container.ClientOptions{ClientOptions: policy.ClientOptions{Transport: sender{&http.Client{Transport: cfg.Transport}}, Retry: retries(cfg.Retries)}}}
	var err error
	if c.service, err = serviceURL(cfg.Endpoint, account, said); err != nil {
		return nil, err
	}
	switch {
	case cfg.Anonymous:
	case key != "" && account == "":
		return nil, errNoAccount()
	case key != "":
		if c.key, err = container.NewSharedKeyCredential(account, key); err != nil {
			return nil, fault.Invalid("AZURE_STORAGE_KEY is no key of an account: it is not base64") // the cause may repeat it
		}
	case sas != "":
		c.secret = "?" + strings.TrimPrefix(sas, "?")
	default:
		c.token = newTokens(c.options.ClientOptions)
	}
	return c, nil
}

func retries(n int) policy.RetryOptions {
	if n == 0 {
		n = -1 // the SDK takes 0 for its default
	}
	return policy.RetryOptions{MaxRetries: int32(n), MaxRetryDelay: 5 * time.Second}
}

// serviceURL is where the account is.
func serviceURL(endpoint, account string, said map[string]string) (string, error) {
	endpoint = first(endpoint, said["blobendpoint"])
	if endpoint == "" {
		if account == "" {
			return "", errNoAccount()
		}
		if strings.ContainsFunc(account, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			return "", fault.Invalid("the name of a storage account has lower-case letters and digits only")
		}
		endpoint = "https://" + account + ".blob." + first(said["endpointsuffix"], "core.windows.net")
	}
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", fault.Invalid("the endpoint of a storage account is a URL such as https://ACCOUNT.blob.core.windows.net; see objects.azure.endpoint and AZURE_STORAGE_CONNECTION_STRING")
	}
	return strings.TrimSuffix(endpoint, "/") + "/", nil
}

func errNoAccount() error {
	return fault.Invalid("no storage account is named; set objects.azure.account or AZURE_STORAGE_ACCOUNT")
}

// parseConnection reads KEY=VALUE;KEY=VALUE, with keys in lower case.
func parseConnection(s string) map[string]string {
	said := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			said[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return said
}

func first(all ...string) string {
	for _, one := range all {
		if one != "" {
			return one
		}
	}
	return ""
}

func (c *Client) container(name string) (*container.Client, error) {
	address := c.service + url.PathEscape(name) + c.secret
	switch {
	case c.key != nil:
		return container.NewClientWithSharedKeyCredential(address, c.key, c.options)
	case c.token != nil:
		return container.NewClient(address, c.token, c.options)
	}
	return container.NewClientWithNoCredential(address, c.options)
}

// sender keeps the address of a request, which may hold a signature, out of errors.
type sender struct{ client *http.Client }

// Do implements policy.Transporter.
func (s sender) Do(request *http.Request) (*http.Response, error) {
	answer, err := s.client.Do(request)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return answer, err
}

// tokens are those of the default credentials, which are looked for with the first request.
type tokens struct {
	from  azcore.TokenCredential
	err   error
	watch credential.Watch
}

func newTokens(options policy.ClientOptions) *tokens {
	t := &tokens{watch: credential.Watch{
		Store:  "Azure",
		Advice: "set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING or AZURE_CLIENT_ID with its secret, or run `az login`",
	}}
	found, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
	if t.err = err; err == nil {
		t.from = found
	}
	return t
}

// GetToken implements azcore.TokenCredential. Its error is a *credential.Error.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if t.err != nil {
		return azcore.AccessToken{}, t.watch.Check(t.err)
	}
	token, err := t.from.GetToken(ctx, options)
	if ctx.Err() != nil {
		return azcore.AccessToken{}, ctx.Err()
	}
	return token, t.watch.Check(err)
}
