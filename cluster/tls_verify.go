package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Whether a certificate is good, and of whom.

// reverseLookup is how long the name of an address that has dialled may take to be found.
const reverseLookup = time.Second

// checkServer judges the certificate of a server that was dialled.
func (o TLSOptions) checkServer(chain []*x509.Certificate, authorities *x509.CertPool, host string) error {
	if len(chain) == 0 {
		return errors.New("the other side shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between}); err != nil {
		return err
	}
	if o.CheckHostname && !names(chain[0], host) {
		return fmt.Errorf("the certificate is good, but not for %s: it names %s", host, allNames(chain[0]))
	}
	return nil
}

// checkClient judges where the certificate of who has dialled belongs; the library has judged where it is from.
func (o TLSOptions) checkClient(chain []*x509.Certificate, remote net.Addr) error {
	if len(chain) == 0 {
		return nil // and that is allowed, or the handshake had ended
	}
	if o.Known != nil && slices.ContainsFunc(o.Known(), func(host string) bool { return names(chain[0], host) }) {
		return nil
	}
	address, _, err := net.SplitHostPort(remote.String())
	if err != nil || names(chain[0], address) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reverseLookup)
	defer cancel()
	found, err := net.DefaultResolver.LookupAddr(ctx, address)
	for _, name := range found {
		if names(chain[0], strings.TrimSuffix(name, ".")) {
			return nil
		}
	}
	if err != nil {
		found = []string{"no name, " + err.Error()}
	}
	return fmt.Errorf("the certificate is good, but names %s, which is no member of the ensemble and not %s (%s)",
		allNames(chain[0]), address, strings.Join(found, ", "))
}

// names tells whether a certificate is one of a host, by name or address. One that lists neither is one of the host that is
// its subject's common name: so keytool makes them unless it is told more.
func names(c *x509.Certificate, host string) bool {
	if c.VerifyHostname(host) == nil {
		return true
	}
	return len(c.DNSNames)+len(c.IPAddresses) == 0 && strings.EqualFold(c.Subject.CommonName, host)
}

// allNames lists what a certificate names.
func allNames(c *x509.Certificate) string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 && c.Subject.CommonName != "" {
		all = append(all, c.Subject.CommonName)
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

// The words for the commonest mistakes of all.
const (
	noTLSThere = "the other side does not speak TLS, and this server demands it: sslQuorum must be the same on all servers"
	noTLSHere  = "the other side speaks TLS, and this server does not: sslQuorum must be the same on all servers"
)

// tlsWords says what the library's words mean here.
func tlsWords(err error) error {
	var record tls.RecordHeaderError
	switch {
	case err == nil:
	case errors.As(err, &record):
		return fmt.Errorf("%s (%w)", noTLSThere, err)
	case strings.Contains(err.Error(), "remote error: tls:"):
		return fmt.Errorf("the other side does not accept this server: %w; its log says why", err)
	}
	return err
}

// speaksTLS tells whether a stream's first bytes are a record of a handshake or an alert.
func speaksTLS(b []byte) bool {
	return len(b) >= 2 && (b[0] == recordAlert || b[0] == recordHandshake) && b[1] == 3
}

const (
	recordAlert     = 21
	recordHandshake = 22
)

// notEncrypted tells who speaks no TLS, in TLS's own words, that it is expected here.
var notEncrypted = []byte{recordAlert, 3, 1, 0, 2, 2, 70} // fatal: protocol version
