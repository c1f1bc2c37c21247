package azure_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket/azure"
	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/bucket/credential"
	"clipseek/orchestrator/fault"
)

// nobody clears all variables that name credentials.
func nobody(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
	} {
		t.Setenv(name, "") // which restores it, too
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
}

func open(t *testing.T, cfg azure.Config) *blob.Bucket {
	t.Helper()
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	client, err := azure.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := azure.New(client, "photos")
	if err != nil {
		t.Fatal(err)
	}
	b := blob.NewBucket(driver)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestCredentials reaches a real server by each of the variables.
func TestCredentials(t *testing.T) {
	server := serverstest.Azure(t)
	if err := server.MakeBucket(t.Context(), "photos"); err != nil {
		t.Fatal(err)
	}
	account, key := os.Getenv("AZURE_STORAGE_ACCOUNT"), os.Getenv("AZURE_STORAGE_KEY")
	if err := open(t, azure.Config{Endpoint: server.Endpoint}).WriteAll(t.Context(), "a.jpg", []byte("a"), nil); err != nil {
		t.Fatal(err)
	}
	signed := signature(t, account, key)
	for name, variables := range map[string]map[string]string{
		"key":                         {"AZURE_STORAGE_ACCOUNT": account, "AZURE_STORAGE_KEY": key},
		"signature":                   {"AZURE_STORAGE_SAS_TOKEN": signed},
		"signature with a mark":       {"AZURE_STORAGE_SAS_TOKEN": "?" + signed},
		"connection with a key":       {"AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=" + account + ";AccountKey=" + key + ";BlobEndpoint=" + server.Endpoint + ";"},
		"connection with a signature": {"AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=" + server.Endpoint + "/;SharedAccessSignature=" + signed},
	} {
		t.Run(name, func(t *testing.T) {
			nobody(t)
			cfg := azure.Config{Endpoint: server.Endpoint}
			for name, value := range variables {
				t.Setenv(name, value)
				if name == "AZURE_STORAGE_CONNECTION_STRING" {
					cfg.Endpoint = ""
				}
			}
			if content, err := open(t, cfg).ReadAll(t.Context(), "a.jpg"); string(content) != "a" || err != nil {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
}

// signature allows to read and list for an hour.
func signature(t *testing.T, account, key string) string {
	t.Helper()
	shared, err := container.NewSharedKeyCredential(account, key)
	if err != nil {
		t.Fatal(err)
	}
	query, err := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPSandHTTP, ExpiryTime: time.Now().Add(time.Hour), ContainerName: "photos", Permissions: (&sas.ContainerPermissions{Read: true, List: true}).String(),
	}.SignWithSharedKey(shared)
	if err != nil {
		t.Fatal(err)
	}
	return query.Encode()
}

// TestSignatureIsKept looks for a signature in errors of a server that is not there.
func TestSignatureIsKept(t *testing.T) {
	nobody(t)
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2025-01-01&sig=secret")
	b := open(t, azure.Config{Endpoint: "http://127.0.0.1:1/clipseek", Retries: 0})
	_, read := b.ReadAll(t.Context(), "a.jpg")
	_, listed := b.List(nil).Next(t.Context())
	for name, err := range map[string]error{"read": read, "listed": listed} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "secret") {
			t.Errorf("%s: %+v", name, err)
		}
	}
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	if _, err := open(t, azure.Config{Endpoint: refusing.URL}).ReadAll(t.Context(), "a.jpg"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("refused: %v", err)
	}
}

// TestManagedIdentity has a token come from where Azure's machines have it.
func TestManagedIdentity(t *testing.T) {
	nobody(t)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
	var refuse atomic.Bool
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"the-token","expires_on":"%d","resource":"https://storage.azure.com/","token_type":"Bearer"}`, time.Now().Add(time.Hour).Unix())
	}))
	defer machine.Close()
	t.Setenv("IDENTITY_ENDPOINT", machine.URL)
	t.Setenv("IDENTITY_HEADER", "header")
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", "Tue, 15 Nov 1994 08:12:31 GMT")
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer store.Close()
	cfg := azure.Config{Endpoint: store.URL, Transport: store.Client().Transport, Retries: 0}
	if content, err := open(t, cfg).ReadAll(t.Context(), "a.jpg"); string(content) != "Bearer the-token" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	refuse.Store(true)
	t.Setenv("IDENTITY_HEADER", "another") // tokens are kept by what they were asked with
	t.Setenv("AZURE_CLIENT_ID", "another")
	_, err := open(t, cfg).ReadAll(t.Context(), "a.jpg")
	if none, ok := errors.AsType[*credential.Error](err); !ok || none.Again {
		t.Errorf("refused: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		variables map[string]string
		cfg       azure.Config
		message   string
	}{
		"no account":              {nil, azure.Config{}, "no storage account is named"},
		"no account for the key":  {map[string]string{"AZURE_STORAGE_KEY": "c2VjcmV0"}, azure.Config{Endpoint: "https://host"}, "no storage account is named"},
		"an account of a URL":     {nil, azure.Config{Account: "example.org/x"}, "lower-case letters"},
		"no key":                  {map[string]string{"AZURE_STORAGE_ACCOUNT": "a", "AZURE_STORAGE_KEY": "se!cret"}, azure.Config{}, "is no key"},
		"a signature in endpoint": {map[string]string{"AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://host/?sig=secret"}, azure.Config{}, "is a URL such as"},
	} {
		t.Run(name, func(t *testing.T) {
			nobody(t)
			for name, value := range tc.variables {
				t.Setenv(name, value)
			}
			if _, err := azure.NewClient(tc.cfg); fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.message) || strings.Contains(err.Error(), "cret") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestDriver asks for what the driver does not do, and for what it tells of errors.
func TestDriver(t *testing.T) {
	nobody(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	b := open(t, azure.Config{Endpoint: server.URL, Anonymous: true})
	buckettest.Refuses(t, b)
	_, err := b.ReadAll(t.Context(), "a.jpg")
	var answer *azcore.ResponseError
	if gcerrors.Code(err) != gcerrors.NotFound || !b.ErrorAs(err, &answer) || answer.StatusCode != http.StatusNotFound {
		t.Errorf("not there: %v", err)
	}
}
