package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// TLSOptions are how servers prove to each other who they are. All files are PEM. They are read anew for each connection,
// so a certificate that is renewed needs no restart; existing connections go on with the old one.
type TLSOptions struct {
	// CertFile is this server's certificate, with those between it and the authority behind it; KeyFile its key, which may be
	// in the same file. It is shown to whom this server dials and to who dials it, so it must be good for both (or for anything).
	CertFile, KeyFile string
	// CAFile holds the authorities that the other side's certificate must come from, or such certificates themselves.
	// Whoever has one of theirs is let in, so it should be an authority for this ensemble alone.
	CAFile string
	// CheckHostname demands that the certificate of a server that is dialled names the host of the address. CheckClient
	// demands of the certificate of who dials that it names where it comes from: one of Known, which may be called on any
	// goroutine, the address, or a name that the address is resolved back to.
	CheckHostname, CheckClient bool
	Known                      func() []string
	// Dialler is what whoever dials must show.
	Dialler DiallerProof
	// MinVersion and MaxVersion bound the version of TLS; 0: 1.2, and the newest.
	MinVersion, MaxVersion uint16
	// AcceptPlain lets in who dials without TLS, DialPlain dials without: for as long as an ensemble is on its way from the
	// one to the other.
	AcceptPlain, DialPlain bool
	TCP                    TCPOptions
}

// DiallerProof is how who dials proves to be a server of the ensemble.
type DiallerProof uint8

const (
	NeedCertificate DiallerProof = iota // nobody is let in without a good one
	WantCertificate                     // one that is shown must be good, none will do
	NoCertificate                       // none is asked for
)

var clientAuth = [...]tls.ClientAuthType{tls.RequireAndVerifyClientCert, tls.VerifyClientCertIfGiven, tls.NoClientCert}

// What can be wrong with the files. Errors of NewTLS, and the reasons of links, wrap one of them.
var (
	ErrCertificate = errors.New("this server's certificate")
	ErrAuthorities = errors.New("the authorities that certificates of servers come from")
)

// NewTLS is the real network, encrypted by TLS 1.2 or newer, where both sides show a certificate. It reads the files
// once, so that a mistake in them is found at the start; errors name the file.
func NewTLS(o TLSOptions) (Network, error) {
	if o.MinVersion == 0 {
		o.MinVersion = tls.VersionTLS12
	}
	if _, _, err := o.load(); err != nil {
		return nil, err
	}
	return tlsNetwork{o}, nil
}

type tlsNetwork struct{ opts TLSOptions }

func (o TLSOptions) load() (cert tls.Certificate, authorities *x509.CertPool, err error) {
	if cert, err = o.certificate(); err != nil {
		return cert, nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if authorities, err = o.authorities(); err != nil {
		return cert, nil, fmt.Errorf("%w: %w", ErrAuthorities, err)
	}
	return cert, authorities, nil
}

func (o TLSOptions) certificate() (cert tls.Certificate, err error) {
	chain, err := os.ReadFile(o.CertFile)
	if err != nil {
		return cert, err
	}
	key := chain
	if o.KeyFile != o.CertFile {
		if key, err = os.ReadFile(o.KeyFile); err != nil {
			return cert, err
		}
	}
	if err := plainKey(key); err != nil {
		return cert, fmt.Errorf("%s: %w", o.KeyFile, err)
	}
	if cert, err = tls.X509KeyPair(chain, key); err != nil {
		files := o.CertFile
		if o.KeyFile != o.CertFile {
			files += " and " + o.KeyFile
		}
		return cert, fmt.Errorf("%s: %w", files, err)
	}
	return cert, nil
}

// plainKey says of a file of keys why it has none that can be used, as far as the library's words wouldn't tell.
func plainKey(text []byte) error {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New("the private key is encrypted, which is not supported: keys are read as they are, from a file that " +
				"this user alone can read")
		default:
			return nil
		}
	}
	return errors.New("there is no private key in it; it must be PEM")
}

func (o TLSOptions) authorities() (*x509.CertPool, error) {
	text, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("no certificate in %s; it must be PEM", o.CAFile)
	}
	return pool, nil
}

// serverConfig is for whoever dials us.
func (o TLSOptions) serverConfig(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	cert, authorities, err := o.load()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: o.MinVersion, MaxVersion: o.MaxVersion, Certificates: []tls.Certificate{cert},
		ClientAuth: clientAuth[o.Dialler], ClientCAs: authorities, SessionTicketsDisabled: true,
	}
	if o.CheckClient {
		remote := hello.Conn.RemoteAddr()
		c.VerifyConnection = func(s tls.ConnectionState) error { return o.checkClient(s.PeerCertificates, remote) }
	}
	return c, nil
}

// clientConfig is for whom we dial.
func (o TLSOptions) clientConfig(host string) (*tls.Config, error) {
	cert, authorities, err := o.load()
	if err != nil {
		return nil, err
	}
	// The library can't leave out the name alone, nor does it know a name that only the subject has, so it leaves out
	// everything and all of it is checked here.
	return &tls.Config{
		MinVersion: o.MinVersion, MaxVersion: o.MaxVersion, Certificates: []tls.Certificate{cert},
		ServerName: host, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error { return o.checkServer(s.PeerCertificates, authorities, host) },
	}, nil
}

// Listen implements Network.
func (n tlsNetwork) Listen(address string) (actors.Acceptor, error) {
	address, err := n.opts.TCP.own(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: n.opts.MinVersion, GetConfigForClient: n.opts.serverConfig}
	return actors.ListenTCPFor("other servers", address, func(c *net.TCPConn) (actors.Transport, error) {
		n.opts.TCP.apply(c)
		if n.opts.AcceptPlain {
			return newEitherTransport(c, config), nil
		}
		return newTLSTransport(tls.Server(c, config), c), nil
	})
}

// Dial implements Network.
func (n tlsNetwork) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	if n.opts.DialPlain {
		NewTCP(n.opts.TCP).Dial(address, timeout, done)
		return
	}
	dialTCP(address, timeout, n.opts.TCP, func(ctx context.Context, c *net.TCPConn) (actors.Transport, error) {
		t, err := n.greet(ctx, address, c)
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("TLS: %w", tlsWords(err))
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
