package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// TLSOptions are how servers prove to each other who they are. All files are PEM. They are read anew for each connection,
// so a certificate that is renewed needs no restart; existing connections go on with the old one.
type TLSOptions struct {
	// CertFile is this server's certificate, with those between it and the authority behind it; KeyFile its key. It is shown
	// to whom this server dials and to who dials it, so it must be good for both (or for anything).
	CertFile, KeyFile string
	// CAFile holds the authorities that the other side's certificate must come from. Whoever has one of theirs is let in, so
	// it should be an authority for this ensemble alone.
	CAFile string
	// CheckHostname demands that the certificate of a server that is dialled names the host of the address.
	CheckHostname bool
	TCP           TCPOptions
}

// NewTLS is the real network, encrypted by TLS 1.2 or newer, where both sides show a certificate. It reads the files
// once, so that a mistake in them is found at the start; errors name the file.
func NewTLS(o TLSOptions) (Network, error) {
	if _, _, err := o.load(); err != nil {
		return nil, err
	}
	return tlsNetwork{o}, nil
}

type tlsNetwork struct{ opts TLSOptions }

func (o TLSOptions) load() (cert tls.Certificate, authorities *x509.CertPool, err error) {
	if cert, err = tls.LoadX509KeyPair(o.CertFile, o.KeyFile); err != nil {
		return cert, nil, fmt.Errorf("certificate %s and key %s of the links between servers: %w", o.CertFile, o.KeyFile, err)
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return cert, nil, fmt.Errorf("authorities of the links between servers: %w", err)
	}
	authorities = x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return cert, nil, fmt.Errorf("authorities of the links between servers: no certificate in %s; it must be PEM", o.CAFile)
	}
	return cert, authorities, nil
}

// serverConfig is for whoever dials us.
func (o TLSOptions) serverConfig(*tls.ClientHelloInfo) (*tls.Config, error) {
	cert, authorities, err := o.load()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities, SessionTicketsDisabled: true,
	}, nil
}

// clientConfig is for whom we dial.
func (o TLSOptions) clientConfig(host string) (*tls.Config, error) {
	cert, authorities, err := o.load()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: authorities, ServerName: host}
	if !o.CheckHostname {
		// The library can't leave out the name alone, so it leaves out everything and the chain is checked here.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s.PeerCertificates, authorities) }
	}
	return c, nil
}

func verifyChain(chain []*x509.Certificate, authorities *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("the other side shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between})
	return err
}

// Listen implements Network.
func (n tlsNetwork) Listen(address string) (actors.Acceptor, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: n.opts.serverConfig}
	return actors.ListenTCPFor("other servers", address, func(c *net.TCPConn) (actors.Transport, error) {
		n.opts.TCP.apply(c)
		return newTLSTransport(tls.Server(c, config), c), nil
	})
}

// Dial implements Network.
func (n tlsNetwork) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	dialTCP(address, timeout, n.opts.TCP, func(ctx context.Context, c *net.TCPConn) (actors.Transport, error) {
		t, err := n.greet(ctx, address, c)
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		return t, nil
	}, done)
}

func (n tlsNetwork) greet(ctx context.Context, address string, c *net.TCPConn) (actors.Transport, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config, err := n.opts.clientConfig(host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(c, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return newTLSTransport(conn, c), nil
}
