package pull

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// Trust has the puller believe a test's own authority.
func (p *Puller) Trust(roots *x509.CertPool) {
	p.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
}
