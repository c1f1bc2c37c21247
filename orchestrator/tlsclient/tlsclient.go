// Package tlsclient is the configuration of TLS towards a server, the same for every server that clipseek calls.
//
// The package is not for TLS that clipseek itself serves.
package tlsclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"clipseek/orchestrator/fault"
)

// Config says how a server is known, and how we are known to it. The files are PEM.
type Config struct {
	Enabled    bool   `koanf:"enabled"`
	CA         string `koanf:"ca"`          // authorities that sign the server's certificate; empty trusts the system's
	Cert       string `koanf:"cert"`        // our certificate, for a server that asks for one
	Key        string `koanf:"key"`         // and its key
	ServerName string `koanf:"server_name"` // the name in the server's certificate; empty is the host that is called
}

// Check reports every fault of a section that is called tls. It looks into no file.
func (c Config) Check() error {
	var all []error
	if (c.Cert == "") != (c.Key == "") {
		all = append(all, fault.Invalid("tls.cert and tls.key must be given together"))
	}
	if !c.Enabled && c != (Config{}) {
		all = append(all, fault.Invalid("tls.enabled must be true where other keys of tls are given"))
	}
	return errors.Join(all...)
}

// Client is the configuration for connections; nil is none, where TLS is not enabled. Our certificate is read again for
// every connection whose server asks for it, so that a renewed one needs no restart. Fault: Invalid.
func (c Config) Client() (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fault.Invalid("tls.ca = %s cannot be read; name a PEM file", c.CA).Because(err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.Invalid("tls.ca = %s holds no certificate; name a PEM file", c.CA)
		}
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.certificate() }
	if _, err := c.certificate(); err != nil {
		return nil, fault.Invalid("tls.cert = %s and tls.key = %s are no pair; name the PEM files of one certificate", c.Cert, c.Key).Because(err)
	}
	return config, nil
}

// certificate is ours; an empty one, which says that there is none, where none is configured.
func (c Config) certificate() (*tls.Certificate, error) {
	if c.Cert == "" {
		return new(tls.Certificate), nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	return &pair, err
}
