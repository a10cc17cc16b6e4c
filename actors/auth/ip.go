package auth

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// IP is the scheme "ip": the id is the client's address, an ACL entry means an address or addr/bits.
type IP struct{}

// Scheme is "ip".
func (IP) Scheme() string { return messages.SchemeIP }

// Authenticate gives the address once more, whatever the credentials are.
func (IP) Authenticate(peer Peer, _ []byte) ([]messages.Identity, error) {
	return []messages.Identity{PeerIdentity(peer)}, nil
}

// PeerIdentity is the identity that each connection has from its start.
func PeerIdentity(peer Peer) messages.Identity {
	return messages.Identity{Scheme: messages.SchemeIP, ID: hostOf(peer.Remote)}
}

func hostOf(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	return ap.Addr().Unmap().WithZone("").String()
}

// Matches compares the leading bits.
func (IP) Matches(id, aclID string) bool {
	prefix, ok := parsePrefix(aclID)
	if !ok {
		return false
	}
	addr, err := netip.ParseAddr(id)
	return err == nil && prefix.Contains(addr.Unmap())
}

// ValidID accepts an address with or without a number of bits.
func (IP) ValidID(aclID string) bool {
	_, ok := parsePrefix(aclID)
	return ok
}

// Proves is false: an address isn't a person.
func (IP) Proves() bool { return false }

func parsePrefix(s string) (netip.Prefix, bool) {
	host, bits, cut := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, false
	}
	n := addr.BitLen()
	if cut {
		if n, err = strconv.Atoi(bits); err != nil || n < 0 || n > addr.BitLen() {
			return netip.Prefix{}, false
		}
	}
	return netip.PrefixFrom(addr, n), true
}
