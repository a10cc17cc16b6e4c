package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

// QuorumTLSConfig is how servers of an ensemble prove to each other who they are.
type QuorumTLSConfig struct {
	Enabled              bool     // connections between servers are encrypted
	AcceptPlain          bool     // those that are not are taken too
	KeyStore             string   // path of a PEM file with certificate and key
	KeyStoreType         string   // as written; "": by the ending of the path
	KeyStorePassword     string   // must be empty
	KeyStorePasswordPath string   // must be empty
	TrustStore           string   // path of a PEM file with authorities
	TrustStoreType       string   // as KeyStoreType
	CheckHostname        bool     // who is connected to must be whom the certificate names
	CheckClient          bool     // who connects must be, too
	ClientAuth           string   // NEED, WANT or NONE
	Protocol             string   // newest version of TLS, unless Protocols is set
	Protocols            []string // versions of TLS; empty: from TLSv1.2 to Protocol
}

// used tells whether the files are needed.
func (t QuorumTLSConfig) used() bool { return t.Enabled || t.AcceptPlain }

const (
	quorumKeyStore   = "ssl.quorum.keyStore"
	quorumTrustStore = "ssl.quorum.trustStore"
)

// validateQuorumTLS checks what protects the ensemble: nothing of it may be left out in silence.
func (l *configLoader) validateQuorumTLS() {
	t := l.cfg.QuorumTLS
	if !t.used() {
		return
	}
	why := "sslQuorum"
	if !t.Enabled {
		why = "portUnification"
	}
	pem := l.validateStore(quorumKeyStore, t.KeyStore, t.KeyStoreType, why,
		"a PEM file with this server's certificate, those between it and its authority, and its private key")
	l.validateStore(quorumTrustStore, t.TrustStore, t.TrustStoreType, why,
		"a PEM file with the certificates of the authorities that make servers' certificates")
	if t.KeyStorePassword != "" && pem {
		l.fail(quorumKeyStore+".password", encryptedKey(t.KeyStore))
	}
	if t.KeyStorePasswordPath != "" && pem {
		l.fail(quorumKeyStore+".passwordPath", encryptedKey(t.KeyStore))
	}
	for _, p := range t.Protocols {
		if tlsVersions[p] == 0 {
			l.fail("ssl.quorum.enabledProtocols", fmt.Sprintf("%q is not spoken; allowed: TLSv1.2, TLSv1.3", p))
		}
	}
	if t.ClientAuth != "NEED" {
		l.warnIf("ssl.quorum.clientAuth", func(v string) string {
			return v + ": whoever reaches the ports between servers can take part as a server; NEED keeps others out"
		})
	}
	if t.AcceptPlain {
		l.warnIf("portUnification", func(string) string {
			return "whoever reaches the ports between servers can take part as a server; set it to false when all servers have sslQuorum=true"
		})
	}
}

// encryptedKey says how to take the password off a PEM file of certificates and key.
func encryptedKey(file string) string {
	to := pemName(file, "-plain")
	return fmt.Sprintf("encrypted keys are not supported: the key must be in the file as it is, which this user alone should be able "+
		"to read. This takes the password off: (umask 077; (openssl pkey -in %s; "+
		"openssl crl2pkcs7 -nocrl -certfile %s | openssl pkcs7 -print_certs) > %s)", file, file, to)
}

// pemName is a name for what a file is made into.
func pemName(file, suffix string) string {
	return strings.TrimSuffix(file, filepath.Ext(file)) + suffix + ".pem"
}

// validateStore checks that a file is of the one kind that is read.
func (l *configLoader) validateStore(key, file, kind, why, what string) (pem bool) {
	at := key + ".location"
	if file == "" {
		l.fail(at, fmt.Sprintf("must be set with %s=true: %s", why, what))
		return false
	}
	if kind != "" {
		at = key + ".type"
	} else {
		kind = storeTypeOf[strings.ToLower(filepath.Ext(file))]
	}
	switch kind {
	case "PEM":
		return true
	case "":
		l.fail(at, fmt.Sprintf("%s could be anything: PEM is what is read. Set %s.type=PEM if it is that", file, key))
		return false
	}
	text := fmt.Sprintf("%s files are not read, PEM files are. This makes one: %s; then set %s.location=%s",
		kind, wayToPEM(key, file, kind), key, pemName(file, ""))
	if at == key+".type" {
		text += fmt.Sprintf(" and %s.type=PEM", key)
	}
	if key == quorumKeyStore {
		text += ", without a password"
	}
	l.fail(at, text)
	return false
}

// wayToPEM is a command that makes a PEM file of another one.
func wayToPEM(key, file, kind string) string {
	to, storeType := pemName(file, ""), ""
	if kind == "BCFKS" {
		storeType = "BCFKS -providerclass org.bouncycastle.jcajce.provider.BouncyCastleFipsProvider -providerpath bc-fips.jar"
	}
	switch trust := key == quorumTrustStore; {
	case trust && kind == "PKCS12":
		return fmt.Sprintf("openssl pkcs12 -in %s -nokeys -out %s", file, to)
	case kind == "PKCS12":
		return fmt.Sprintf("(umask 077; openssl pkcs12 -in %s -nodes -out %s)", file, to)
	case trust && storeType != "":
		return fmt.Sprintf("keytool -list -rfc -keystore %s -storetype %s > %s", file, storeType, to)
	case trust:
		return fmt.Sprintf("keytool -list -rfc -keystore %s > %s", file, to)
	}
	p12 := strings.TrimSuffix(to, ".pem") + ".p12"
	from := file
	if storeType != "" {
		from += " -srcstoretype " + storeType
	}
	return fmt.Sprintf("(umask 077; keytool -importkeystore -srckeystore %s -destkeystore %s -deststoretype PKCS12 && "+
		"openssl pkcs12 -in %s -nodes -out %s)", from, p12, p12, to)
}

// storeTypeOf is what the ending of a name says, as in ZooKeeper.
var storeTypeOf = map[string]string{".pem": "PEM", ".jks": "JKS", ".p12": "PKCS12", ".pfx": "PKCS12", ".bcfks": "BCFKS"}

var tlsVersions = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13, "TLS": tls.VersionTLS13}

// options translates the configuration into the links' words. known gives the hosts of the members.
func (t QuorumTLSConfig) options(known func() []string) cluster.TLSOptions {
	o := cluster.TLSOptions{
		CertFile: t.KeyStore, KeyFile: t.KeyStore, CAFile: t.TrustStore, TCP: cluster.DefaultTCPOptions(),
		CheckHostname: t.CheckHostname, CheckClient: t.CheckHostname && t.CheckClient, Known: known,
		AcceptPlain: t.AcceptPlain, DialPlain: !t.Enabled,
		MinVersion: tls.VersionTLS12, MaxVersion: tlsVersions[t.Protocol],
	}
	switch t.ClientAuth {
	case "WANT":
		o.Dialler = cluster.WantCertificate
	case "NONE":
		o.Dialler = cluster.NoCertificate
	}
	if len(t.Protocols) > 0 {
		var versions []uint16
		for _, p := range t.Protocols {
			versions = append(versions, tlsVersions[p])
		}
		o.MinVersion, o.MaxVersion = slices.Min(versions), slices.Max(versions)
	}
	return o
}

// quorumNetwork is what connects this server to the others.
func (s *Server) quorumNetwork() (cluster.Network, error) {
	t := s.config.QuorumTLS
	if !t.used() {
		return cluster.NewTCP(cluster.DefaultTCPOptions()), nil
	}
	n, err := cluster.NewTLS(t.options(s.memberHosts))
	switch {
	case errors.Is(err, cluster.ErrAuthorities):
		return nil, fmt.Errorf("%s.location: %w", quorumTrustStore, err)
	case err != nil:
		return nil, fmt.Errorf("%s.location: %w", quorumKeyStore, err)
	}
	return n, nil
}

// memberHosts are the hosts of the members, by the configuration and by what is in effect.
func (s *Server) memberHosts() (hosts []string) {
	for _, members := range [][]messages.Member{s.config.Ensemble.Membership.Members, s.board.Status().Members.Members} {
		for _, m := range members {
			for _, a := range m.Addresses {
				hosts = append(hosts, a.Host)
			}
		}
	}
	return hosts
}
