package tree

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/troupekeeper/troupe/messages"
)

// The digest is a sum, modulo 2⁶⁴, of terms that are as good as random: two for each node and one for each session. So
// the order of things has no say, and a change costs one subtraction and one addition. A node's first term covers its
// path and data, the second its path, stat, owner and ACL; a create below a node with a megabyte of data needn't
// read that megabyte. What is derived from other nodes (the number of children) is left out.

const (
	digestData    = 0x2545f4914f6cdd1d
	digestStat    = 0x9fb21c651e98df25
	digestSession = 0xc2b2ae3d27d4eb4f
)

func hashPath(path string) uint64 { return xxhash.Sum64String(path) }

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^v^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo ^ bits.RotateLeft64(h, 23)
}

func dataDigest(path uint64, data []byte) uint64 {
	return mix(mix(path^digestData, dataCode(data)), xxhash.Sum64(data))
}

func (t *Tree) statDigest(path uint64, nd *node) uint64 {
	d := t.dirOf(nd)
	h := mix(path^digestStat, uint64(nd.czxid))
	h = mix(h, uint64(nd.mzxid))
	h = mix(h, uint64(t.pzxidOf(nd)))
	h = mix(h, uint64(nd.ctime))
	h = mix(h, uint64(nd.mtime))
	h = mix(h, uint64(uint32(nd.version))<<32|uint64(uint32(d.creates)))
	h = mix(h, uint64(uint32(t.aversionOf(nd))))
	h = mix(h, uint64(t.ownerOf(nd)))
	return mix(h, t.acls.entries[t.aclOf(nd)].hash)
}

func (t *Tree) nodeDigest(path uint64, slot uint32) uint64 {
	nd := t.nodes.at(slot)
	return dataDigest(path, t.arena.get(nd.ref).data) + t.statDigest(path, nd)
}

func sessionDigest(id messages.SessionID, timeout int32, password []byte) uint64 {
	return mix(mix(mix(digestSession, uint64(id)), uint64(uint32(timeout))), xxhash.Sum64(password))
}
