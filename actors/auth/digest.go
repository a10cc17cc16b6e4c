package auth

import (
	"crypto/sha1" //nolint:gosec // the digest that the ACLs of existing deployments hold
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// Digest is the scheme "digest": the id is user:base64(hash("user:password")).
type Digest struct {
	Super string              // user:digest of the super user; "" for none
	Hash  func([]byte) []byte // SHA-1 unless the key DigestAuthenticationProvider.digestAlg says otherwise
}

// NewDigest makes the provider. algorithm is SHA1 (or ""), SHA-256 or SHA-512, in Java's spelling or without the
// hyphen.
func NewDigest(super, algorithm string) (*Digest, error) {
	d := &Digest{Super: super}
	switch strings.ReplaceAll(strings.ToUpper(algorithm), "-", "") {
	case "", "SHA1":
		d.Hash = func(b []byte) []byte { s := sha1.Sum(b); return s[:] } //nolint:gosec // see above
	case "SHA256":
		d.Hash = func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	case "SHA512":
		d.Hash = func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }
	default:
		return nil, fmt.Errorf("digest algorithm %q: known are SHA1, SHA-256 and SHA-512", algorithm)
	}
	return d, nil
}

// Scheme is "digest".
func (*Digest) Scheme() string { return messages.SchemeDigest }

// Authenticate accepts all credentials: whoever knows the password has the id.
func (d *Digest) Authenticate(_ Peer, credentials []byte) ([]messages.Identity, error) {
	id := d.ID(string(credentials))
	ids := []messages.Identity{{Scheme: messages.SchemeDigest, ID: id}}
	if d.Super != "" && id == d.Super {
		ids = append([]messages.Identity{{Scheme: messages.SchemeSuper}}, ids...)
	}
	return ids, nil
}

// ID is the id of user:password. Without a colon the whole is the user.
func (d *Digest) ID(credentials string) string {
	user, _, _ := strings.Cut(credentials, ":")
	return user + ":" + base64.StdEncoding.EncodeToString(d.Hash([]byte(credentials)))
}

// Matches compares the whole ids.
func (*Digest) Matches(id, aclID string) bool { return id == aclID }

// ValidID wants user:digest: two parts, the second not empty.
func (*Digest) ValidID(aclID string) bool {
	_, digest, ok := strings.Cut(aclID, ":")
	return ok && digest != "" && !strings.Contains(strings.TrimRight(digest, ":"), ":") && strings.Trim(digest, ":") != ""
}

// Proves is true.
func (*Digest) Proves() bool { return true }

// MaskDigest hides the hash of a digest id from those who may only read: user:x.
func MaskDigest(id messages.Identity) messages.Identity {
	if id.Scheme == messages.SchemeDigest {
		user, _, _ := strings.Cut(id.ID, ":")
		id.ID = user + ":x"
	}
	return id
}

// UserName is the part of an identity that whoAmI shows.
func UserName(id messages.Identity) string {
	if id.Scheme == messages.SchemeDigest {
		user, _, _ := strings.Cut(id.ID, ":")
		return user
	}
	return id.ID
}
