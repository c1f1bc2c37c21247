package triton_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
)

// authority signs certificates of the test.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	ca     string // file
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{folder: t.TempDir()}
	a.ca, _ = a.issue(t, "authority", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes a certificate and its key; the first one signs itself and all others.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.Subject = pkix.Name{CommonName: name}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.cert == nil {
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.folder, name+".pem"), filepath.Join(a.folder, name+".key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestTLS has a server that asks for our certificate and keeps its model control to those with a header.
func TestTLS(t *testing.T) {
	t.Parallel()
	good, other := newAuthority(t), newAuthority(t)
	serverCert, serverKey := good.issue(t, "server", &x509.Certificate{DNSNames: []string{"triton.example"}})
	cert, key := good.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	strangeCert, strangeKey := other.issue(t, "stranger", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	server := ownTriton(t, "--grpc-use-ssl=true", "--grpc-use-ssl-mutual=true", "--grpc-server-cert="+serverCert, "--grpc-server-key="+serverKey,
		"--grpc-root-cert="+good.ca, "--grpc-restricted-protocol=model-repository:secret=open-sesame")

	all := triton.TLS{Enabled: true, CA: good.ca, Cert: cert, Key: key, ServerName: "triton.example"}
	for name, tc := range map[string]struct {
		change func(*triton.TLS)
		kind   fault.Kind
		want   string
	}{
		"all well":              {func(*triton.TLS) {}, 0, ""},
		"another authority":     {func(c *triton.TLS) { c.CA = other.ca }, fault.KindConflict, "not trusted; set tls.ca"},
		"the system's":          {func(c *triton.TLS) { c.CA = "" }, fault.KindConflict, "not trusted; set tls.ca"},
		"another name":          {func(c *triton.TLS) { c.ServerName = "" }, fault.KindConflict, "tls.server_name"},
		"no certificate":        {func(c *triton.TLS) { c.Cert, c.Key = "", "" }, fault.KindUnavailable, "set tls.cert and tls.key"},
		"a strange certificate": {func(c *triton.TLS) { c.Cert, c.Key = strangeCert, strangeKey }, fault.KindUnavailable, "set tls.cert and tls.key"},
		"plain text":            {func(c *triton.TLS) { *c = triton.TLS{} }, fault.KindUnavailable, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := withServers(server.GRPC)
			cfg.TLS = all
			tc.change(&cfg.TLS)
			_, err := open(t, cfg).EncodeImages(t.Context(), pictures(t, 1))
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.want) || !strings.Contains(fault.Public(err), server.GRPC) {
				t.Errorf("err = %v, want one that says %q", err, tc.want)
			}
		})
	}
	t.Run("restricted protocol", func(t *testing.T) {
		t.Parallel()
		cfg := withServers(server.GRPC)
		cfg.TLS = all
		if err := open(t, cfg).Load(t.Context()); fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "triton-grpc-protocol-") {
			t.Errorf("without the header: %v", err)
		}
		cfg.Headers = "Triton-GRPC-Protocol-secret=open-sesame"
		if err := open(t, cfg).Load(t.Context()); err != nil {
			t.Errorf("with the header: %v", err)
		}
	})
	t.Run("TLS to a server without", func(t *testing.T) {
		t.Parallel()
		cfg := withServers(sharedTriton(t).GRPC)
		cfg.TLS = all
		_, err := open(t, cfg).EncodeImages(t.Context(), pictures(t, 1))
		if fault.KindOf(err) != fault.KindConflict || !strings.Contains(fault.Public(err), "does not speak TLS") {
			t.Errorf("err = %v", err)
		}
	})
}
