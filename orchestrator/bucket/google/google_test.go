package google_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/bucket/credential"
	"clipseek/orchestrator/bucket/google"
)

// serve starts a server that ends with the test.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func open(t *testing.T, cfg google.Config) *blob.Bucket {
	t.Helper()
	cfg.Transport = http.DefaultTransport
	client, err := google.NewClient(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := blob.NewBucket(google.New(client, "photos"))
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// account writes the file of a service account whose tokens come from a server.
func account(t *testing.T, tokens string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "a@example.org", "private_key_id": "1", "token_uri": tokens, "quota_project_id": "billed",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestServiceAccount has a token fetched for a service account, sent with requests and, once it has run out, refused.
func TestServiceAccount(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	var refuse atomic.Bool
	var asked atomic.Int32
	tokens := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"the-token","token_type":"Bearer","expires_in":1}`)
	})
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account(t, tokens))
	var sent atomic.Pointer[http.Request]
	store := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r)
		_, _ = io.WriteString(w, "content")
	})
	b := open(t, google.Config{Endpoint: store})
	content, err := b.ReadAll(t.Context(), "a b#?.jpg")
	if string(content) != "content" || err != nil {
		t.Fatalf("%q, %v", content, err)
	}
	r := sent.Load()
	if r.Header.Get("Authorization") != "Bearer the-token" || r.Header.Get("X-Goog-User-Project") != "billed" || r.Header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("sent %v", r.Header)
	}
	if r.URL.Path != "/storage/v1/b/photos/o/a b#?.jpg" {
		t.Errorf("asked for %s", r.URL)
	}
	refuse.Store(true)
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); { // a token is used until its end, of a second
		_, err = b.ReadAll(t.Context(), "a.jpg")
	}
	if none, ok := errors.AsType[*credential.Error](err); !ok || !none.Again || asked.Load() < 2 {
		t.Errorf("with a token that has run out, asked for %d times: %v", asked.Load(), err)
	}
}

// TestNobody looks for credentials where there are none, twice.
func TestNobody(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	b := open(t, google.Config{Endpoint: "http://127.0.0.1:1", Retries: 3})
	for range 2 {
		_, err := b.ReadAll(t.Context(), "a.jpg")
		if none, ok := errors.AsType[*credential.Error](err); !ok || none.Again {
			t.Errorf("without credentials: %v", err)
		}
	}
}

// TestEmulator names a server as Google's tools do, with and without a scheme.
func TestEmulator(t *testing.T) {
	store := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+"content")
	})
	for _, address := range []string{store, store + "/", strings.TrimPrefix(store, "http://"), "localhost" + store[strings.LastIndexByte(store, ':'):]} {
		t.Setenv("STORAGE_EMULATOR_HOST", address)
		if content, err := open(t, google.Config{}).ReadAll(t.Context(), "a.jpg"); string(content) != "content" || err != nil {
			t.Errorf("%s: %q, %v", address, content, err)
		}
	}
}

// TestDriver asks for what the driver does not do, and for what it tells of errors.
func TestDriver(t *testing.T) {
	store := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/o/odd") {
			_, _ = io.WriteString(w, `{"name":"odd","updated":"yesterday"}`)
			return
		}
		http.NotFound(w, r)
	})
	b := open(t, google.Config{Endpoint: store, Anonymous: true})
	buckettest.Refuses(t, b)
	_, err := b.ReadAll(t.Context(), "a.jpg")
	var answer *googleapi.Error
	if gcerrors.Code(err) != gcerrors.NotFound || !b.ErrorAs(err, &answer) || answer.Code != http.StatusNotFound {
		t.Errorf("not there: %v", err)
	}
	if _, err := b.Attributes(t.Context(), "odd"); err == nil {
		t.Error("an object without a time is taken")
	}
}
