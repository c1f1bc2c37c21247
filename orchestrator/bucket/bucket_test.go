package bucket_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/bucket"
	"clipseek/orchestrator/fault"
)

func config(endpoint string) bucket.Config {
	cfg := bucket.Default()
	cfg.Endpoint, cfg.Retries = endpoint, 0
	return cfg
}

// open makes the bucket photos and opens it.
func open(t *testing.T, server *servers.S3) *bucket.Bucket {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(server.Buckets, "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	return opened(t, "s3://photos", config(server.Endpoint))
}

func opened(t *testing.T, address string, cfg bucket.Config) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

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
	server := serverstest.S3(t, servers.S3Config{})
	for name, b := range map[string]*bucket.Bucket{
		"s3":              open(t, server),
		"s3 and a prefix": opened(t, "s3://photos/some/where?region=us-east-1&path_style=true", config(server.Endpoint)),
		"folder":          opened(t, "file://"+t.TempDir()+"/new", bucket.Default()),
	} {
		t.Run(name, func(t *testing.T) { store(t, b) })
	}
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

// TestForeignNames reads what others have written under names that the driver would not write.
func TestForeignNames(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	b := open(t, server)
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

// TestPages lists more objects than a page of S3 has.
func TestPages(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	b := open(t, server)
	const n = 2345
	for i := range n {
		if err := os.WriteFile(filepath.Join(server.Buckets, "photos", fmt.Sprintf("%05d.jpg", i)), []byte{1}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := keys(t, b, "", "")
	if len(all) != n || !slices.IsSorted(all) {
		t.Errorf("%d objects, want %d, in order", len(all), n)
	}
	if got := keys(t, b, "", "01233.jpg"); len(got) != n-1234 || got[0] != "01234.jpg" {
		t.Errorf("%d objects behind one in the second page", len(got))
	}
}

func TestRefusals(t *testing.T) {
	server := serverstest.S3(t, servers.S3Config{})
	good := open(t, server)
	if err := good.Write(t.Context(), "a.jpg", []byte("a"), ""); err != nil {
		t.Fatal(err)
	}
	read := func(b *bucket.Bucket) error { return errorOf(b.Read(t.Context(), "a.jpg")) }
	list := func(b *bucket.Bucket) (failed error) {
		for _, err := range b.List(t.Context(), "", "") {
			failed = err
		}
		return failed
	}
	for name, tc := range map[string]struct {
		environment, value string
		address            string
		change             func(*bucket.Config)
		kind               fault.Kind
		read, list         string
	}{
		"wrong secret":   {"AWS_SECRET_ACCESS_KEY", "wrong", "s3://photos", nil, fault.KindForbidden, "s3://photos/a.jpg: the store refuses it to these credentials (SignatureDoesNotMatch)", "s3://photos: the store refuses it to these credentials"},
		"unknown user":   {"AWS_ACCESS_KEY_ID", "nobody", "s3://photos", nil, fault.KindInvalid, "the store refuses the request: 404 (XAdminUserNotFound)", "404 (XAdminUserNotFound)"},
		"no credentials": {"AWS_ACCESS_KEY_ID", "", "s3://photos", nil, fault.KindForbidden, "no credentials for S3 are found; set AWS_ACCESS_KEY_ID", "no credentials for S3 are found; set AWS_ACCESS_KEY_ID"},
		"anonymous":      {"", "", "s3://photos", func(c *bucket.Config) { c.Anonymous = true }, fault.KindForbidden, "s3://photos/a.jpg: the store refuses it", "s3://photos: the store refuses it"},
		"no bucket":      {"", "", "s3://nothing", nil, fault.KindNotFound, "there is no bucket s3://nothing", "there is no bucket s3://nothing"},
		"no server":      {"", "", "s3://photos", func(c *bucket.Config) { c.Endpoint = "http://127.0.0.1:1" }, fault.KindUnavailable, "s3://photos/a.jpg: the store does not answer", "s3://photos: the store does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.environment != "" {
				t.Setenv(tc.environment, tc.value)
			}
			cfg := config(server.Endpoint)
			if tc.change != nil {
				tc.change(&cfg)
			}
			b := opened(t, tc.address, cfg)
			for want, err := range map[string]error{tc.read: read(b), tc.list + " ": list(b)} {
				if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), strings.TrimSpace(want)) {
					t.Errorf("%s, want %s: %v", fault.Public(err), want, err)
				}
				if strings.Contains(fault.Public(err), os.Getenv("AWS_SECRET_ACCESS_KEY")) && os.Getenv("AWS_SECRET_ACCESS_KEY") != "" {
					t.Errorf("the message holds the secret: %v", err)
				}
			}
		})
	}
}

// TestAnswers has a server give answers that the real one cannot be brought to.
func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		header  http.Header
		body    string
		kind    fault.Kind
		message string
		after   time.Duration
	}{
		"slow down":     {503, http.Header{"Retry-After": {"7"}}, "<Error><Code>SlowDown</Code></Error>", fault.KindOverloaded, "(SlowDown)", 7 * time.Second},
		"broken":        {500, nil, "<Error><Code>InternalError</Code></Error>", fault.KindUnavailable, "the store answers 500 (InternalError)", 0},
		"a web page":    {502, nil, "<html>bad gateway</html>", fault.KindUnavailable, "the store answers 502", 0},
		"expired":       {400, nil, "<Error><Code>ExpiredToken</Code></Error>", fault.KindForbidden, "(ExpiredToken)", 0},
		"other region":  {301, http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}}, "<Error><Code>PermanentRedirect</Code></Error>", fault.KindInvalid, "lies in the region eu-west-3; set objects.region: eu-west-3", 0},
		"unknown user":  {403, nil, "<Error><Code>InvalidAccessKeyId</Code></Error>", fault.KindForbidden, "(InvalidAccessKeyId)", 0},
		"archived":      {403, nil, "<Error><Code>InvalidObjectState</Code></Error>", fault.KindForbidden, "(InvalidObjectState)", 0},
		"hostile words": {403, nil, "<Error><Code>click &lt;here&gt;</Code></Error>", fault.KindForbidden, "to these credentials; do they", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "a")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
			b := opened(t, "s3://photos", config(answering(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, values := range tc.header {
					w.Header()[key] = values
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})))
			_, err := b.Read(t.Context(), "a.jpg")
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.message) || fault.RetryAfter(err) != tc.after {
				t.Errorf("%s, %s after %s: %v", fault.KindOf(err), fault.Public(err), fault.RetryAfter(err), err)
			}
		})
	}
}
