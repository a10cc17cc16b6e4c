package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// issuer makes certificates.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	if i.cert, err = x509.ParseCertificate(i.sign(i.cert, &key.PublicKey)); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) sign(template *x509.Certificate, key *ecdsa.PublicKey) []byte {
	i.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, key, i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	return der
}

// trust is the file by which servers know whose certificates this issuer has made.
func (i *issuer) trust() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

// keys is a file with a certificate for 127.0.0.1, and its key.
func (i *issuer) keys(name string) string {
	i.t.Helper()
	key, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err2 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2); err != nil {
		i.t.Fatal(err)
	}
	cert := i.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}, &key.PublicKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// secretTroupe is an ensemble over TLS. Each member has files of its own and writes its log, as far as it is shown unless
// asked for more, into a book.
type secretTroupe struct {
	*troupe
	dir   string
	books []*logBook
}

func newSecretTroupe(t *testing.T, voters int, by *issuer) *secretTroupe {
	dir := t.TempDir()
	key, trust := filepath.Join(dir, "key.pem"), filepath.Join(dir, "trust.pem")
	e := &secretTroupe{dir: dir, troupe: newTroupe(t, voters, 0,
		patience, "sslQuorum=true", "ssl.quorum.keyStore.location="+key, "ssl.quorum.trustStore.location="+trust)}
	for i := range e.configs {
		e.books = append(e.books, &logBook{})
		e.configs[i].QuorumTLS.KeyStore = e.file(i, "key")
		e.configs[i].QuorumTLS.TrustStore = e.file(i, "trust")
		e.renew(i, by)
	}
	e.options = func(i int, o *server.Options) { o.Log = zerolog.New(e.books[i]).Level(zerolog.InfoLevel) }
	return e
}

func (e *secretTroupe) file(i int, name string) string {
	return filepath.Join(e.dir, number(name+"%d.pem", i+1))
}

// renew gives a member other files.
func (e *secretTroupe) renew(i int, by *issuer) {
	e.t.Helper()
	writeFile(e.t, e.file(i, "key"), by.keys(number("server %d", i+1)))
	writeFile(e.t, e.file(i, "trust"), by.trust())
}

// logs waits until a member has written so.
func (e *secretTroupe) logs(i int, words string) {
	e.t.Helper()
	eventually(e.t, number("server %d", i+1)+" logs "+words, func() bool { return e.books[i].has(words) })
}

// staysOut makes sure that a member that runs has had no part in what the others have done meanwhile.
func (e *secretTroupe) staysOut(i int) {
	e.t.Helper()
	if role, ok := e.servers[i].Serving(); ok {
		e.t.Errorf("server %d takes part as %v", i+1, role)
	}
	if e.books[i].has("election link up") {
		e.t.Errorf("server %d has had a link", i+1)
	}
}

// Three servers over TLS serve. A server whose certificate is of somebody else stays out, and both sides say why. It comes in
// when its files are right; when all are renewed nobody is started anew; and old certificates are worth nothing then.
func TestEnsembleOverTLS(t *testing.T) {
	t.Parallel()
	ours, theirs, later := newIssuer(t, "ours"), newIssuer(t, "theirs"), newIssuer(t, "later")
	e := newSecretTroupe(t, 3, ours)
	e.renew(2, theirs)
	writeFile(t, e.file(2, "trust"), ours.trust()) // it trusts us, we don't trust it
	for i := range 3 {
		e.start(i)
	}
	e.logs(2, "the other side does not accept this server")
	for i := range 2 {
		e.logs(i, "certificate signed by unknown authority")
		eventually(t, "two servers serve", func() bool { _, ok := e.servers[i].Serving(); return ok })
	}
	ctx := serveContext(t)
	c := e.connect(ctx, 0)
	if _, err := c.Create(ctx, "/secret", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	e.staysOut(2)

	e.renew(2, ours)
	e.awaitServing()
	back := e.connect(ctx, 2)
	if err := back.Sync(ctx, "/"); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Exists(ctx, "/secret"); err != nil {
		t.Error(err)
	}

	e.stop(2)
	e.renew(0, later)
	e.renew(1, later)
	e.books[2] = &logBook{}
	e.start(2)
	e.logs(2, "certificate signed by unknown authority") // it distrusts them now
	e.staysOut(2)
	e.renew(2, later)
	e.awaitServing()
	if looking := e.servers[0].Status().Looking; looking > 2 {
		t.Errorf("server 1 has looked for a leader %d times", looking)
	}
}

// A server without TLS and an ensemble with it don't find together, whoever begins, and all logs say what to do.
func TestPlainServerAndTLS(t *testing.T) {
	t.Parallel()
	e := newSecretTroupe(t, 3, newIssuer(t, "ours"))
	const other = 1 // it knocks at one server and dials the other
	e.configs[other].QuorumTLS.Enabled = false
	for i := range 3 {
		e.start(i)
	}
	for i := range 3 {
		e.logs(i, "sslQuorum must be the same on all servers")
	}
	eventually(t, "the others serve", func() bool { return e.leader() >= 0 })
	e.staysOut(other)
}

// A running ensemble goes over to TLS, one server after the other: first all of them take both, then all of them speak TLS,
// then none takes anything else. All serve after each step.
func TestEnsembleGoesOverToTLS(t *testing.T) {
	t.Parallel()
	e := newSecretTroupe(t, 3, newIssuer(t, "ours"))
	step := func(speaks, takesBoth bool) {
		for i := range e.servers {
			e.stop(i)
			e.configs[i].QuorumTLS.Enabled, e.configs[i].QuorumTLS.AcceptPlain = speaks, takesBoth
			e.start(i)
			e.awaitServing()
		}
	}
	for i := range e.servers {
		e.configs[i].QuorumTLS.Enabled = false
	}
	e.startAll()
	step(false, true)
	step(true, true)
	step(true, false)
	ctx := serveContext(t)
	if _, err := e.connect(ctx, 0).Create(ctx, "/secret", nil, client.Persistent); err != nil {
		t.Error(err)
	}
}

// What is wrong with the files is said at the start, with the key and the file.
func TestFilesOfTLSAreChecked(t *testing.T) {
	t.Parallel()
	ours := newIssuer(t, "ours")
	keys := ours.keys("server 1")
	cert, key := keys[:strings.Index(keys, "-----BEGIN PRIVATE")], keys[strings.Index(keys, "-----BEGIN PRIVATE"):]
	for _, c := range []struct{ keys, trust, want string }{
		{"", ours.trust(), "ssl.quorum.keyStore.location: this server's certificate: FILE: there is no private key in it; it must be PEM"},
		{cert, ours.trust(), "ssl.quorum.keyStore.location: this server's certificate: FILE: there is no private key in it; it must be PEM"},
		{key, ours.trust(), "ssl.quorum.keyStore.location: this server's certificate: FILE: tls: failed to find certificate PEM data"},
		{cert + strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE"), ours.trust(), "FILE: the private key is encrypted, which is not"},
		{cert + ours.keys("x")[len(cert):], ours.trust(), "ssl.quorum.keyStore.location: "},
		{keys, "none", "ssl.quorum.trustStore.location: the authorities that certificates of servers come from: no certificate in "},
	} {
		e := newSecretTroupe(t, 3, ours)
		writeFile(t, e.file(0, "key"), c.keys)
		writeFile(t, e.file(0, "trust"), c.trust)
		s, err := server.New(server.Options{Config: e.configs[0], FS: e.disks[0]})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Start()
		if want := strings.ReplaceAll(c.want, "FILE", e.file(0, "key")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
