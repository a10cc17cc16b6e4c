package messages

// Owner is the stored form of a node's owner: 0, a session id, or a marker for a container or a TTL node.
// Clients never see the markers.
type Owner uint64

const (
	// ContainerOwner marks a container.
	ContainerOwner Owner = 0x8000000000000000
	// ttlMarker in the top byte marks a TTL node; the low 40 bits are the TTL in milliseconds.
	ttlMarker Owner = 0xff00000000000000
	ttlTop    Owner = 0xff00000000000000
	// MaxTTL is the longest TTL in milliseconds (40 bits, almost 35 years).
	MaxTTL int64 = 0xffffffffff
)

// TTLOwner is the marker of a node with that TTL in milliseconds (1 to MaxTTL).
func TTLOwner(ttl int64) Owner { return ttlMarker | Owner(ttl) }

// SessionOwner is the owner of a session's ephemeral.
func SessionOwner(id SessionID) Owner { return Owner(id) }

// IsContainer tells whether the node is a container.
func (o Owner) IsContainer() bool { return o == ContainerOwner }

// TTL is the node's time to live in milliseconds, 0 when it has none.
func (o Owner) TTL() int64 {
	if o&ttlTop == ttlMarker {
		return int64(o &^ ttlTop)
	}
	return 0
}

// IsEphemeral tells whether a session owns the node.
func (o Owner) IsEphemeral() bool { return o != 0 && o != ContainerOwner && o&ttlTop != ttlMarker }

// Session is the owning session, 0 where there is none. It is what clients see as ephemeralOwner.
func (o Owner) Session() SessionID {
	if o.IsEphemeral() {
		return SessionID(o)
	}
	return 0
}
