package tree

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/troupekeeper/troupe/messages"
)

// aclTable keeps each distinct ACL once: almost all nodes of a tree share a handful. Nodes hold the index and the
// table counts them.
type aclTable struct {
	entries []aclEntry
	byHash  map[uint64]uint32 // first of the chain with that hash
	vacant  []uint32
	last    uint32 // the one that was asked for last, which the next node very likely has too
}

type aclEntry struct {
	list []messages.ACL // frozen and shared
	hash uint64
	refs uint32
	next uint32 // in the hash chain
}

func newACLTable() aclTable { return aclTable{byHash: map[uint64]uint32{}, last: none} }

func (t *aclTable) list(id uint32) []messages.ACL { return t.entries[id].list }

// intern finds or adds a list and counts one more user. A nil list is kept as an empty one.
func (t *aclTable) intern(list []messages.ACL) uint32 {
	if t.last != none && slices.Equal(t.entries[t.last].list, list) {
		t.entries[t.last].refs++
		return t.last
	}
	hash := hashACL(list)
	head, ok := t.byHash[hash]
	if !ok {
		head = none
	}
	for id := head; id != none; id = t.entries[id].next {
		if slices.Equal(t.entries[id].list, list) {
			t.entries[id].refs++
			t.last = id
			return id
		}
	}
	id := t.add(aclEntry{list: cloneACL(list), hash: hash, refs: 1, next: head})
	t.byHash[hash] = id
	t.last = id
	return id
}

func (t *aclTable) add(e aclEntry) uint32 {
	if n := len(t.vacant); n > 0 {
		id := t.vacant[n-1]
		t.vacant = t.vacant[:n-1]
		t.entries[id] = e
		return id
	}
	t.entries = append(t.entries, e)
	return uint32(len(t.entries) - 1)
}

// release counts one user less and forgets a list that nobody uses.
func (t *aclTable) release(id uint32) {
	e := &t.entries[id]
	if e.refs--; e.refs > 0 {
		return
	}
	if head := t.byHash[e.hash]; head == id {
		if e.next == none {
			delete(t.byHash, e.hash)
		} else {
			t.byHash[e.hash] = e.next
		}
	} else {
		for t.entries[head].next != id {
			head = t.entries[head].next
		}
		t.entries[head].next = e.next
	}
	*e = aclEntry{}
	t.vacant = append(t.vacant, id)
	if t.last == id {
		t.last = none
	}
}

// cloneACL copies list and its strings, which may point into a bigger buffer.
func cloneACL(list []messages.ACL) []messages.ACL {
	out := make([]messages.ACL, len(list))
	for i, a := range list {
		out[i].Perms = a.Perms
		out[i].ID.Scheme = strings.Clone(a.ID.Scheme)
		out[i].ID.ID = strings.Clone(a.ID.ID)
	}
	return out
}

func hashACL(list []messages.ACL) uint64 {
	var d xxhash.Digest
	d.Reset()
	var b [12]byte
	for i := range list {
		a := &list[i]
		binary.LittleEndian.PutUint32(b[:], uint32(a.Perms))
		binary.LittleEndian.PutUint32(b[4:], uint32(len(a.ID.Scheme)))
		binary.LittleEndian.PutUint32(b[8:], uint32(len(a.ID.ID)))
		d.Write(b[:])
		d.WriteString(a.ID.Scheme)
		d.WriteString(a.ID.ID)
	}
	return d.Sum64()
}
