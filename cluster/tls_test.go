package cluster

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// authority issues certificates for a test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write("ca.pem", a.pem)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) write(name string, b []byte) (path string) {
	path = filepath.Join(a.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue writes a certificate and its key, and gives the options that use them. until is when it ends.
func (a *authority) issue(name string, until time.Time, hosts ...string) TLSOptions {
	key := a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return TLSOptions{
		CertFile:      a.write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		KeyFile:       a.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})),
		CAFile:        filepath.Join(a.dir, "ca.pem"),
		CheckHostname: true, CheckClient: true, TCP: DefaultTCPOptions(),
	}
}

func soon() time.Time { return time.Now().Add(time.Hour) }

func mustTLS(t testing.TB, o TLSOptions) Network {
	t.Helper()
	n, err := NewTLS(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTLSCarries(t *testing.T) {
	carries(t, mustTLS(t, newAuthority(t).issue("both", soon(), "127.0.0.1")))
}

func TestTLSRefuses(t *testing.T) {
	refuses(t, mustTLS(t, newAuthority(t).issue("both", soon(), "127.0.0.1")))
}

// dialsOver lets server 2 dial server 1, each over its own network, and gives the reason if that fails.
func dialsOver(t *testing.T, listen, dial Network) (reason string) {
	t.Helper()
	a, _ := realHost(t, listen, 1, DefaultReceptionOptions())
	b, _ := realHost(t, dial, 2, DefaultReceptionOptions())
	return dials(t, a, b, dial)
}

func dials(t *testing.T, a, b *linkHost, dial Network) (reason string) {
	t.Helper()
	b.dial(dial, learning, a.address, LearningLinks())
	got := b.await(t, "an outcome", func(got []any) bool { return len(got) > 0 })
	if down, ok := got[0].(LinkDown); ok {
		return down.Reason
	}
	return ""
}

func TestTLSChecksBothSides(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	good := ours.issue("good", soon(), "127.0.0.1")
	strange := theirs.issue("strange", soon(), "127.0.0.1")
	strange.CAFile = good.CAFile // it trusts us, but we don't trust it
	named := ours.issue("named", soon(), "other.example")
	unchecked, knows := good, good
	unchecked.CheckHostname, unchecked.CheckClient = false, false
	knows.Known = func() []string { return []string{"first.example", "other.example"} }
	nobody := ours.issue("nobody", soon())
	late := ours.issue("late", time.Now().Add(-time.Minute), "127.0.0.1")
	for name, c := range map[string]struct {
		listen, dial TLSOptions
		reason       string
	}{
		"both good":                      {good, good, ""},
		"strange server":                 {strange, good, "certificate signed by unknown authority"},
		"strange server, names ignored":  {strange, unchecked, "certificate signed by unknown authority"},
		"strange client":                 {good, strange, "bad certificate|unknown certificate authority"},
		"other name":                     {named, good, "not for 127.0.0.1: it names other.example"},
		"other name dials":               {good, named, "the other side does not accept this server"},
		"known name dials":               {knows, named, ""},
		"no name dials, names ignored":   {unchecked, nobody, ""},
		"other name, names ignored":      {named, unchecked, ""},
		"expired server":                 {late, good, "has expired"},
		"expired server, names ignored":  {late, unchecked, "has expired"},
		"expired client, names anything": {good, late, "expired certificate|bad certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			got, fits := dialsOver(t, mustTLS(t, c.listen), mustTLS(t, c.dial)), false
			for _, word := range strings.Split(c.reason, "|") {
				fits = fits || got == word || word != "" && strings.Contains(got, word)
			}
			if !fits {
				t.Fatalf("%q, want %q", got, c.reason)
			}
		})
	}
}

// Who speaks TLS and who doesn't tell each other, and both logs say what to do.
func TestTLSAndPlainDontMatch(t *testing.T) {
	plain, secret := NewTCP(DefaultTCPOptions()), mustTLS(t, newAuthority(t).issue("good", soon(), "127.0.0.1"))
	for _, c := range []struct {
		listen, dial        Network
		accepting, dialling string
	}{
		{secret, plain, noTLSThere, noTLSHere}, {plain, secret, noTLSHere, noTLSThere},
	} {
		a, log := realHost(t, c.listen, 1, DefaultReceptionOptions())
		b, _ := realHost(t, c.dial, 2, DefaultReceptionOptions())
		if got := dials(t, a, b, c.dial); !strings.Contains(got, c.dialling) {
			t.Errorf("%q, want %q", got, c.dialling)
		}
		says(t, log, c.accepting)
	}
}

// says waits for words in a log.
func says(t *testing.T, log *syncBuffer, words string) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for !strings.Contains(log.String(), words) {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("%q is not in the log:\n%s", words, log.String())
		}
	}
}

// While an ensemble is on its way to TLS its servers take both.
func TestTLSAcceptsPlainWhereAllowed(t *testing.T) {
	o := newAuthority(t).issue("good", soon(), "127.0.0.1")
	o.AcceptPlain = true
	both := mustTLS(t, o)
	carries(t, both)
	refuses(t, both)
	o.DialPlain = true
	still := mustTLS(t, o)
	carries(t, still)
	refuses(t, still)
	if got := dialsOver(t, both, NewTCP(DefaultTCPOptions())); got != "" {
		t.Error(got)
	}
	if got := dialsOver(t, still, mustTLS(t, o)); got != "" {
		t.Error(got)
	}
}

// The way of ZooKeeper's documentation: each server has a certificate of its own making that names its host as the common
// name, certificate and key in one file, and trusts those of the others.
func TestTLSSelfSigned(t *testing.T) {
	ours := newAuthority(t)
	var all []byte
	var servers []TLSOptions
	for range 2 {
		key := ours.newKey()
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(len(servers) + 7)), Subject: pkix.Name{CommonName: "127.0.0.1"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: soon(),
		}
		der, err1 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		keyDER, err2 := x509.MarshalPKCS8PrivateKey(key)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		both := append([]byte("Bag Attributes\n    friendlyName: server\n"), cert...)
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
		file := ours.write(template.SerialNumber.String()+".pem", both)
		all = append(all, cert...)
		servers = append(servers, TLSOptions{CertFile: file, KeyFile: file, CheckHostname: true, CheckClient: true})
	}
	trust := ours.write("trust.pem", all)
	servers[0].CAFile, servers[1].CAFile = trust, trust
	if got := dialsOver(t, mustTLS(t, servers[0]), mustTLS(t, servers[1])); got != "" {
		t.Error(got)
	}
}

func TestTLSWantsANewVersion(t *testing.T) {
	o := newAuthority(t).issue("good", soon(), "127.0.0.1")
	a, _ := realHost(t, mustTLS(t, o), 1, DefaultReceptionOptions())
	cert, pool, err := o.load()
	if err != nil {
		t.Fatal(err)
	}
	for version, welcome := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", a.address, &tls.Config{
			Certificates: []tls.Certificate{cert}, RootCAs: pool, MinVersion: version, MaxVersion: version,
		})
		if (err == nil) != welcome {
			t.Errorf("version %x: %v", version, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// A renewed certificate is taken up by a server that runs.
func TestTLSTakesUpRenewedFiles(t *testing.T) {
	ours := newAuthority(t)
	o := ours.issue("server", soon(), "127.0.0.1")
	network := mustTLS(t, o)
	a, _ := realHost(t, network, 1, DefaultReceptionOptions())
	b, _ := realHost(t, network, 2, DefaultReceptionOptions())
	if reason := dials(t, a, b, network); reason != "" {
		t.Fatal(reason)
	}
	a.await(t, "LinkUp at 1", lastIs[LinkUp])
	ours.issue("server", time.Now().Add(-time.Minute), "127.0.0.1") // the same files
	if reason := dials(t, a, b, network); !strings.Contains(reason, "expired") {
		t.Fatalf("%q", reason)
	}
	ours.write("server.pem", []byte("half a certif"))
	if reason := dials(t, a, b, network); !strings.Contains(reason, "server.pem") {
		t.Fatalf("%q", reason)
	}
	ours.issue("server", soon(), "127.0.0.1")
	if reason := dials(t, a, b, network); reason != "" {
		t.Fatal(reason)
	}
}

func TestTLSNamesTheFileThatIsWrong(t *testing.T) {
	ours := newAuthority(t)
	good := ours.issue("good", soon(), "127.0.0.1")
	other := ours.issue("other", soon(), "127.0.0.1")
	empty := ours.write("empty", nil)
	sealed := ours.write("sealed", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}))
	sealedOld := ours.write("sealedOld", pem.EncodeToMemory(&pem.Block{
		Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte{1},
	}))
	for _, c := range []struct {
		change func(*TLSOptions)
		words  []string
	}{
		{func(o *TLSOptions) { o.CertFile = "/no/such/file" }, []string{"/no/such/file", "no such file"}},
		{func(o *TLSOptions) { o.KeyFile = empty }, []string{empty, "no private key"}},
		{func(o *TLSOptions) { o.KeyFile = sealed }, []string{sealed, "encrypted, which is not supported"}},
		{func(o *TLSOptions) { o.KeyFile = sealedOld }, []string{sealedOld, "encrypted, which is not supported"}},
		{func(o *TLSOptions) { o.CertFile, o.KeyFile = other.KeyFile, other.KeyFile }, []string{"other.key: ", "failed to find"}},
		{func(o *TLSOptions) { o.KeyFile = other.KeyFile }, []string{"good.pem", "other.key", "private key does not match"}},
		{func(o *TLSOptions) { o.CAFile = "/no/such/file" }, []string{"/no/such/file", "authorities"}},
		{func(o *TLSOptions) { o.CAFile = empty }, []string{empty, "no certificate"}},
	} {
		o := good
		c.change(&o)
		_, err := NewTLS(o)
		for _, w := range c.words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v, want %q", err, w)
			}
		}
	}
}

// Somebody who connects and is silent, or speaks no TLS, is closed and disturbs nobody.
func TestTLSWithoutAHandshake(t *testing.T) {
	o := DefaultReceptionOptions()
	short := ElectionLinks()
	short.HelloTimeout = 50 * time.Millisecond
	o.Links[messages.ForElection] = short
	network := mustTLS(t, newAuthority(t).issue("good", soon(), "127.0.0.1"))
	a, log := realHost(t, network, 1, o)
	for _, says := range []string{"", "ruok", "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := net.Dial("tcp", a.address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = conn.Write([]byte(says))
		var heard bytes.Buffer
		if _, err := heard.ReadFrom(conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %v", says, err)
		}
		_ = conn.Close()
	}
	if !strings.Contains(log.String(), "no Hello has come") || !strings.Contains(log.String(), "does not look like a TLS handshake") {
		t.Error(log.String())
	}
}
