package bucket_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/bucket/buckettest"
	"clipseek/orchestrator/fault"
)

func keys(t *testing.T, b *bucket.Bucket, prefix, after string) (all []string) {
	t.Helper()
	for object, err := range b.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object.Key)
	}
	return all
}

// oddNames are such as stores take and programs misread; two of them look alike.
var oddNames = []string{
	" lead.jpg", "#hash.jpg", "%41.jpg", "%zz.jpg", "+plus+.jpg", "a&b;c.jpg", "a+b c.jpg", "a-b/c.jpg", "a/b.jpg", "a0.jpg", "what?.jpg",
	"x=1&y=2.jpg", "y_0x2f_.jpg", "~tilde.jpg", "e\u0301.jpg", "\u00e9.jpg", "日本語/写真 1.jpg", "🍎.jpg",
}

func TestStores(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		t.Run("whole", func(t *testing.T) { store(t, s.Open(t, "photos")) })
		t.Run("prefix", func(t *testing.T) { store(t, s.Open(t, "photos/some/where")) })
	})
	t.Run("folder", func(t *testing.T) { store(t, buckettest.Open(t, "file://"+t.TempDir()+"/new", bucket.Default())) })
}

// TestAddressSays has an address say what else the configuration does.
func TestAddressSays(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		said := map[string]string{
			bucket.S3:     "photos/some/where?region=us-east-1&path_style=true&endpoint=" + s.Config.Endpoint,
			bucket.Google: "photos/some/where?endpoint=" + s.Environment()["STORAGE_EMULATOR_HOST"],
			bucket.Azure:  "photos/some/where?storage_account=clipseek&endpoint=" + s.Config.Azure.Endpoint,
		}[s.Scheme]
		if err := s.Open(t, "photos").Write(t.Context(), "some/where/a.jpg", []byte("a"), ""); err != nil {
			t.Fatal(err)
		}
		cfg := bucket.Default()
		if s.Scheme == bucket.Google {
			cfg.Anonymous = true
			t.Setenv("STORAGE_EMULATOR_HOST", "")
		}
		if s.Scheme == bucket.Azure {
			t.Setenv("AZURE_STORAGE_ACCOUNT", "")
		}
		b := buckettest.Open(t, s.Address(said), cfg)
		if got := keys(t, b, "", ""); !slices.Equal(got, []string{"a.jpg"}) || b.Name() != s.Address("photos/some/where") {
			t.Errorf("%s lists %q", b.Name(), got)
		}
	})
}

func store(t *testing.T, b *bucket.Bucket) {
	ctx := t.Context()
	names := slices.Clone(oddNames)
	slices.Sort(names)
	for _, key := range names {
		if err := b.Write(ctx, key, []byte("in "+key), "image/jpeg"); err != nil {
			t.Fatal(err)
		}
	}
	listed := keys(t, b, "", "")
	listed = slices.DeleteFunc(listed, func(key string) bool { return strings.HasPrefix(key, "some/where/") })
	if !slices.Equal(listed, names) {
		t.Errorf("listed %q, want %q", listed, names)
	}
	for i, key := range names {
		if got := keys(t, b, "", key); len(got) < len(names)-i-1 || slices.Contains(got, key) {
			t.Errorf("after %q: %q", key, got)
		}
		content, err := b.Read(ctx, key)
		if err != nil || !strings.HasPrefix(string(content), "in ") {
			t.Errorf("%q holds %q, %v", key, content, err)
		}
		if object, err := b.Stat(ctx, key); err != nil || object.Bytes != int64(len(content)) || time.Since(object.Modified) > time.Hour {
			t.Errorf("%q: %+v, %v", key, object, err)
		}
	}
	if got := keys(t, b, "a", ""); !slices.Equal(got, []string{"a&b;c.jpg", "a+b c.jpg", "a-b/c.jpg", "a/b.jpg", "a0.jpg"}) {
		t.Errorf("below a: %q", got)
	}
	if err := b.Write(ctx, "a/b.jpg", []byte("other"), ""); err != nil {
		t.Fatal(err)
	}
	if content, err := b.Read(ctx, "a/b.jpg"); string(content) != "other" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if err := b.Delete(ctx, "a/b.jpg"); err != nil {
		t.Error(err)
	}
	if there, err := b.Exists(ctx, "a/b.jpg"); there || err != nil {
		t.Errorf("deleted: %t, %v", there, err)
	}
	for what, err := range map[string]error{
		"read": errorOf(b.Read(ctx, "a/b.jpg")), "stat": errorOf(b.Stat(ctx, "a/b.jpg")), "delete": b.Delete(ctx, "a/b.jpg"),
	} {
		if fault.KindOf(err) != fault.KindNotFound || fault.Public(err) != b.Name()+"/a/b.jpg is not there" {
			t.Errorf("%s what is not there: %v", what, err)
		}
	}
	for _, key := range []string{"", "\xff.jpg", strings.Repeat("x", 1025)} {
		if _, err := b.Read(ctx, key); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// TestForeignNames reads what others have written under names that gocloud's driver for S3 would not write.
func TestForeignNames(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	cfg := bucket.Default()
	cfg.Endpoint = server.Endpoint
	b := buckettest.Open(t, "s3://photos", cfg)
	for _, key := range []string{"dots../a.jpg", "y__0x2f__.jpg"} {
		file := filepath.Join(server.Buckets, "photos", key)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(key), 0o600)); err != nil {
			t.Fatal(err)
		}
		content, err := b.Read(t.Context(), key)
		if err != nil || string(content) != key {
			t.Errorf("%q holds %q, %v", key, content, err)
		}
		if object, err := b.Stat(t.Context(), key); err != nil || object.Bytes != int64(len(key)) {
			t.Errorf("%q: %+v, %v", key, object, err)
		}
		if err := b.Write(t.Context(), key, nil, ""); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("write %q: %v", key, err)
		}
	}
	if got := keys(t, b, "", ""); !slices.Equal(got, []string{"dots../a.jpg", "y__0x2f__.jpg"}) {
		t.Errorf("listed %q", got)
	}
}

// TestPages lists more objects than a page has.
func TestPages(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		b := s.Open(t, "photos")
		const n = 1050
		content := map[string]string{}
		for i := range n {
			content[fmt.Sprintf("%05d.jpg", i)] = "x"
		}
		buckettest.Fill(t, b, content)
		all := keys(t, b, "", "")
		if len(all) != n || !slices.IsSorted(all) {
			t.Errorf("%d objects, want %d, in order", len(all), n)
		}
		for _, i := range []int{0, 997, 998, 999, 1000, n - 1} {
			if got := keys(t, b, "", fmt.Sprintf("%05d.jpg", i)); !slices.Equal(got, all[i+1:]) {
				t.Errorf("%d objects behind object %d, want %d", len(got), i, n-i-1)
			}
		}
	})
}

func read(t *testing.T, b *bucket.Bucket) error { return errorOf(b.Read(t.Context(), "a.jpg")) }

func list(t *testing.T, b *bucket.Bucket) (failed error) {
	for _, err := range b.List(t.Context(), "", "") {
		failed = err
	}
	return failed
}

func TestRefusals(t *testing.T) {
	buckettest.Each(t, func(t *testing.T, s *buckettest.Store) {
		good := s.Open(t, "photos")
		if err := good.Write(t.Context(), "a.jpg", []byte("a"), ""); err != nil {
			t.Fatal(err)
		}
		type want struct {
			kind       fault.Kind
			read, list string
		}
		at := s.Address("photos")
		check := func(t *testing.T, b *bucket.Bucket, want want) {
			t.Helper()
			for message, err := range map[string]error{want.read: read(t, b), want.list + " ": list(t, b)} {
				if fault.KindOf(err) != want.kind || !strings.Contains(fault.Public(err), strings.TrimSpace(message)) {
					t.Errorf("%s, want %s: %v", fault.Public(err), message, err)
				}
				for name, value := range s.Environment() {
					if strings.HasSuffix(name, "_KEY") && err != nil && strings.Contains(err.Error(), value) {
						t.Errorf("the error holds the secret: %v", err)
					}
				}
			}
		}
		t.Run("no bucket", func(t *testing.T) {
			none := want{fault.KindNotFound, "there is no bucket " + s.Address("nothing"), "there is no bucket " + s.Address("nothing")}
			if s.Scheme == bucket.Google { // its answer for an object is the same
				none.read = s.Address("nothing/a.jpg is not there")
			}
			check(t, s.Open(t, "nothing"), none)
		})
		t.Run("no server", func(t *testing.T) {
			cfg := s.Config
			cfg.Endpoint, cfg.Google.Endpoint, cfg.Azure.Endpoint = "http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1/clipseek"
			cfg.Anonymous = s.Scheme == bucket.Google
			check(t, buckettest.Open(t, at, cfg), want{fault.KindUnavailable, at + "/a.jpg: the store does not answer", at + ": the store does not answer"})
		})
		if s.Scheme == bucket.Google { // the server takes everybody for its owner; see TestAnswers
			return
		}
		t.Run("wrong secret", func(t *testing.T) {
			for name := range s.Environment() {
				if strings.HasSuffix(name, "_SECRET_ACCESS_KEY") || name == "AZURE_STORAGE_KEY" {
					t.Setenv(name, "d3Jvbmc=")
				}
			}
			check(t, s.Open(t, "photos"), want{fault.KindForbidden, at + "/a.jpg: the store refuses it to these credentials (", at + ": the store refuses it to these credentials ("})
		})
		t.Run("anonymous", func(t *testing.T) {
			cfg := s.Config
			cfg.Anonymous = true
			check(t, buckettest.Open(t, at, cfg), want{fault.KindForbidden, at + "/a.jpg: the store refuses it", at + ": the store refuses it"})
		})
	})
}

// TestNoCredentials looks for credentials where there are none.
func TestNoCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
		"STORAGE_EMULATOR_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": filepath.Join(t.TempDir(), "none.json"),
		"AZURE_STORAGE_KEY": "", "AZURE_STORAGE_SAS_TOKEN": "", "AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "", "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
	} {
		t.Setenv(name, value)
	}
	cfg := bucket.Default()
	cfg.Endpoint, cfg.Google.Endpoint, cfg.Azure.Endpoint = "https://127.0.0.1:1", "https://127.0.0.1:1", "https://127.0.0.1:1/clipseek"
	for address, message := range map[string]string{
		"s3://photos":     "s3://photos/a.jpg: no credentials for S3 are found; set AWS_ACCESS_KEY_ID",
		"gs://photos":     "gs://photos/a.jpg: no credentials for Google Cloud Storage are found; set GOOGLE_APPLICATION_CREDENTIALS",
		"azblob://photos": "azblob://photos/a.jpg: no credentials for Azure are found; set AZURE_STORAGE_KEY",
	} {
		if err := read(t, buckettest.Open(t, address, cfg)); fault.KindOf(err) != fault.KindForbidden || !strings.HasPrefix(fault.Public(err), message) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAnswers has a server give answers that the real ones cannot be brought to.
func TestAnswers(t *testing.T) {
	azure := func(code string) http.Header { return http.Header{"X-Ms-Error-Code": {code}} }
	google := func(status int, reason string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"no","errors":[{"reason":%q}]}}`, status, reason)
	}
	for name, tc := range map[string]struct {
		scheme  string
		status  int
		header  http.Header
		body    string
		kind    fault.Kind
		message string
		after   time.Duration
	}{
		"slow down":     {"s3", 503, http.Header{"Retry-After": {"7"}}, "<Error><Code>SlowDown</Code></Error>", fault.KindOverloaded, "(SlowDown)", 7 * time.Second},
		"broken":        {"s3", 500, nil, "<Error><Code>InternalError</Code></Error>", fault.KindUnavailable, "the store answers 500 (InternalError)", 0},
		"a web page":    {"s3", 502, nil, "<html>bad gateway</html>", fault.KindUnavailable, "the store answers 502", 0},
		"expired":       {"s3", 400, nil, "<Error><Code>ExpiredToken</Code></Error>", fault.KindForbidden, "(ExpiredToken)", 0},
		"other region":  {"s3", 301, http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}}, "<Error><Code>PermanentRedirect</Code></Error>", fault.KindInvalid, "lies in the region eu-west-3; set objects.region: eu-west-3", 0},
		"unknown user":  {"s3", 403, nil, "<Error><Code>InvalidAccessKeyId</Code></Error>", fault.KindForbidden, "(InvalidAccessKeyId)", 0},
		"archived":      {"s3", 403, nil, "<Error><Code>InvalidObjectState</Code></Error>", fault.KindForbidden, "(InvalidObjectState)", 0},
		"hostile words": {"s3", 403, nil, "<Error><Code>click &lt;here&gt;</Code></Error>", fault.KindForbidden, "to these credentials; do they", 0},
		"no key of S3":  {"s3", 404, nil, "<Error><Code>XAdminUserNotFound</Code></Error>", fault.KindInvalid, "the store refuses the request: 404 (XAdminUserNotFound)", 0},

		"too many, Google":     {"gs", 429, http.Header{"Retry-After": {"7"}}, google(429, "rateLimitExceeded"), fault.KindOverloaded, "(rateLimitExceeded)", 7 * time.Second},
		"too many at 403":      {"gs", 403, nil, google(403, "userRateLimitExceeded"), fault.KindOverloaded, "(userRateLimitExceeded)", 0},
		"broken, Google":       {"gs", 503, nil, google(503, "backendError"), fault.KindUnavailable, "the store answers 503", 0},
		"a web page, Google":   {"gs", 502, nil, "<html>bad gateway</html>", fault.KindUnavailable, "the store answers 502", 0},
		"unknown, Google":      {"gs", 401, nil, google(401, "authError"), fault.KindForbidden, "to these credentials", 0},
		"forbidden, Google":    {"gs", 403, nil, google(403, "forbidden"), fault.KindForbidden, "to these credentials", 0},
		"not there, Google":    {"gs", 404, nil, "No such object", fault.KindNotFound, "gs://photos/a.jpg is not there", 0},
		"bad request, Google":  {"gs", 400, nil, google(400, "invalid"), fault.KindInvalid, "the store refuses the request: 400", 0},
		"busy, Azure":          {"azblob", 503, http.Header{"X-Ms-Error-Code": {"ServerBusy"}, "Retry-After": {"7"}}, "", fault.KindOverloaded, "(ServerBusy)", 7 * time.Second},
		"broken, Azure":        {"azblob", 500, azure("InternalError"), "", fault.KindUnavailable, "the store answers 500 (InternalError)", 0},
		"a web page, Azure":    {"azblob", 502, nil, "<html>bad gateway</html>", fault.KindUnavailable, "the store answers 502", 0},
		"not public":           {"azblob", 409, azure("PublicAccessNotPermitted"), "", fault.KindForbidden, "(PublicAccessNotPermitted)", 0},
		"no role":              {"azblob", 403, azure("AuthorizationPermissionMismatch"), "", fault.KindForbidden, "(AuthorizationPermissionMismatch)", 0},
		"archived, Azure":      {"azblob", 409, azure("BlobArchived"), "", fault.KindForbidden, "(BlobArchived)", 0},
		"no container":         {"azblob", 404, azure("ContainerNotFound"), "", fault.KindNotFound, "there is no bucket azblob://photos", 0},
		"not there, Azure":     {"azblob", 404, azure("BlobNotFound"), "", fault.KindNotFound, "azblob://photos/a.jpg is not there", 0},
		"hostile words, Azure": {"azblob", 403, azure("click <here>"), "", fault.KindForbidden, "to these credentials; do they", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "a")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
			endpoint := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, values := range tc.header {
					w.Header()[key] = values
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			cfg := bucket.Default()
			cfg.Endpoint, cfg.Google.Endpoint, cfg.Azure.Endpoint, cfg.Retries, cfg.Anonymous = endpoint, endpoint, endpoint+"/clipseek", 0, tc.scheme != "s3"
			_, err := buckettest.Open(t, tc.scheme+"://photos", cfg).Read(t.Context(), "a.jpg")
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.message) || fault.RetryAfter(err) != tc.after {
				t.Errorf("%s, %s after %s: %v", fault.KindOf(err), fault.Public(err), fault.RetryAfter(err), err)
			}
		})
	}
}

// TestRetries counts how often a request is sent to a server that is broken for a while.
func TestRetries(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	for _, scheme := range []string{bucket.S3, bucket.Google, bucket.Azure} {
		t.Run(scheme, func(t *testing.T) {
			var seen, last atomic.Int32
			endpoint := answering(t, func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				last.Store(int32(len(content)))
				if seen.Add(1) < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				if scheme == bucket.Azure {
					w.WriteHeader(http.StatusCreated)
				}
				_, _ = io.WriteString(w, "{}")
			})
			cfg := bucket.Default()
			cfg.Endpoint, cfg.Google.Endpoint, cfg.Azure.Endpoint, cfg.Anonymous = endpoint, endpoint, endpoint+"/clipseek", true
			cfg.Retries = 1
			if err := buckettest.Open(t, scheme+"://photos", cfg).Write(t.Context(), "a.jpg", []byte("abcdef"), ""); fault.KindOf(err) != fault.KindUnavailable || seen.Load() != 2 {
				t.Errorf("with one retry: %d requests, %v", seen.Load(), err)
			}
			seen.Store(0)
			cfg.Retries = 2
			if err := buckettest.Open(t, scheme+"://photos", cfg).Write(t.Context(), "a.jpg", []byte("abcdef"), ""); err != nil || seen.Load() != 3 || last.Load() < 6 {
				t.Errorf("with two retries: %d requests, the last with %d bytes, %v", seen.Load(), last.Load(), err)
			}
		})
	}
}
