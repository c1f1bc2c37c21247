package milvus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/index/milvus"
)

// Users, and what their roles let them do. One server does for both.
func TestUsers(t *testing.T) {
	t.Parallel()
	own := serverstest.Milvus(t, servers.MilvusConfig{Users: true})
	cfg := milvus.Default()
	cfg.Address = own.GRPC
	use := func(user, password, token string) *milvus.Database {
		cfg.User, cfg.Password, cfg.Token = user, password, token
		return open(t, cfg)
	}
	root := use("root", "Milvus", "")
	photos := openCollection(t, root, "pictures", 8)
	check(t, photos.Upsert(t.Context(), batch(0, 10, 8)))
	check(t, root.Ready(t.Context()))
	check(t, use("", "", "root:Milvus").Ready(t.Context()))

	for name, db := range map[string]*milvus.Database{"no user": use("", "", ""), "wrong password": use("root", "milvus", ""), "wrong token": use("", "", "nobody:x")} {
		if err := db.Ready(t.Context()); fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "password") {
			t.Errorf("%s: Ready answers %v, want Forbidden with advice", name, err)
		}
		if _, err := db.Open(t.Context(), index.Spec{Collection: "pictures", Width: 8, Model: model}); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("%s: Open answers %v, want Forbidden", name, err)
		}
	}

	admin, err := client.NewClient(t.Context(), client.Config{Address: own.GRPC, Username: "root", Password: "Milvus", DBName: cfg.Database})
	check(t, err)
	defer func() { _ = admin.Close() }()
	check(t, admin.CreateCredential(t.Context(), "reader", "reading"))
	check(t, admin.CreateRole(t.Context(), "readers"))
	check(t, admin.AddUserRole(t.Context(), "reader", "readers"))
	for _, privilege := range []string{"Search", "Query", "Load"} {
		check(t, admin.Grant(t.Context(), "readers", entity.PriviledegeObjectTypeCollection, "*", privilege, entity.WithOperatePrivilegeDatabase(cfg.Database)))
	}
	check(t, admin.Grant(t.Context(), "readers", entity.PriviledegeObjectTypeGlobal, "*", "DescribeCollection", entity.WithOperatePrivilegeDatabase(cfg.Database)))
	check(t, admin.Grant(t.Context(), "readers", entity.PriviledegeObjectTypeCollection, "*", "IndexDetail", entity.WithOperatePrivilegeDatabase(cfg.Database)))
	reader := use("reader", "reading", "")
	var read index.Index
	eventually(t, func() bool { // roles take a moment to be known everywhere
		read, err = reader.Open(t.Context(), index.Spec{Collection: "pictures", Width: 8, Model: model})
		return fault.KindOf(err) != fault.KindForbidden
	})
	check(t, err)
	hits, err := read.Search(t.Context(), index.Query{Vector: axis(0, 8), Limit: 16})
	check(t, err)
	if len(hits) != 10 {
		t.Errorf("a reader finds %d records, want 10", len(hits))
	}
	err = read.Upsert(t.Context(), batch(0, 1, 8))
	if fault.KindOf(err) != fault.KindForbidden || !strings.Contains(fault.Public(err), "Upsert") {
		t.Errorf("a reader writes: %v, want Forbidden with what to grant", err)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			t.Error("it does not come true")
			return
		}
	}
}

// TLS with an authority of our own, both ways.
func TestTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ca, stranger := newAuthority(t, folder, "ca"), newAuthority(t, folder, "stranger")
	cert, key := ca.issue(t, "server")
	ourCert, ourKey := ca.issue(t, "client")
	own := serverstest.Milvus(t, servers.MilvusConfig{TLS: &servers.TLS{Cert: cert, Key: key, CA: ca.file}})
	ready := func(tls milvus.TLS) error {
		cfg := milvus.Default()
		cfg.Address, cfg.TLS = own.GRPC, tls
		return open(t, cfg).Ready(t.Context())
	}
	check(t, ready(milvus.TLS{Enabled: true, CA: ca.file, Cert: ourCert, Key: ourKey}))
	check(t, ready(milvus.TLS{Enabled: true, CA: ca.file, Cert: ourCert, Key: ourKey, ServerName: "localhost"}))
	for name, tls := range map[string]milvus.TLS{
		"no TLS":          {},
		"no certificate":  {Enabled: true, CA: ca.file},
		"system's trust":  {Enabled: true, Cert: ourCert, Key: ourKey},
		"wrong authority": {Enabled: true, CA: stranger.file, Cert: ourCert, Key: ourKey},
		"wrong server":    {Enabled: true, CA: ca.file, Cert: ourCert, Key: ourKey, ServerName: "example.org"},
		"stranger's paper": func() milvus.TLS {
			c, k := stranger.issue(t, "us")
			return milvus.TLS{Enabled: true, CA: ca.file, Cert: c, Key: k}
		}(),
	} {
		err := ready(tls)
		if !isAway(err) || !strings.Contains(fault.Public(err), "tls") {
			t.Errorf("%s: Ready answers %v, want Unavailable that names tls", name, err)
		}
	}
	for name, tls := range map[string]milvus.TLS{
		"no file":    {Enabled: true, CA: filepath.Join(folder, "missing.pem")},
		"not PEM":    {Enabled: true, CA: key},
		"not a pair": {Enabled: true, CA: ca.file, Cert: ourCert, Key: key},
	} {
		cfg := milvus.Default()
		cfg.TLS = tls
		if _, err := milvus.Open(cfg, nil); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: Open answers %v, want Invalid", name, err)
		}
	}
}

// authority signs certificates.
type authority struct {
	folder, name string
	file         string // its own certificate
	cert         *x509.Certificate
	key          *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, folder, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	a := authority{folder: folder, name: name, key: key, cert: template(name)}
	a.cert.IsCA, a.cert.BasicConstraintsValid, a.cert.KeyUsage = true, true, x509.KeyUsageCertSign
	a.file = a.write(t, name, a.cert, key)
	return a
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// issue writes a certificate and its key.
func (a authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	certFile = a.write(t, a.name+"-"+name, template(name), key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	keyFile = filepath.Join(a.folder, a.name+"-"+name+".key")
	check(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return certFile, keyFile
}

func (a authority) write(t *testing.T, name string, cert *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	check(t, err)
	file := filepath.Join(a.folder, name+".pem")
	check(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return file
}
