package tree

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"unsafe"

	"github.com/troupekeeper/troupe/messages"
)

// Tree is the state of a server at one zxid. It is not safe for use by several goroutines; see Shared.
type Tree struct {
	zxid   messages.Zxid
	digest uint64
	size   int64 // bytes of all paths and data

	nodes  slab[node]
	dirs   slab[dir]
	extras slab[extra]
	arena  arena
	index  index
	acls   aclTable
	seed   maphash.Seed

	sessions   sessionTable
	ephemerals map[messages.SessionID]*ownerList
	ephCount   int
	sweepable  ownerList // containers and TTL nodes

	quotas   quotaTable
	snapshot *Snapshot // the one that is being taken, or nil
	check    multiCheck
}

// rootSlot is where the root lies: it is the first node of every tree and is never deleted.
const rootSlot = 0

// New returns the tree of a server that has never seen a transaction: the root, /zookeeper, and in it quota and
// config, all of zxid 0. These were never counted as creates, so their parents show a negative cversion, as clients
// of ZooKeeper expect.
func New() *Tree {
	t := newEmpty()
	open := messages.WorldACL(messages.PermAll)
	root := t.addNode(none, "", newNode{data: []byte{}, acl: open})
	system := t.addNode(root, messages.BaseName(messages.SystemPath), newNode{data: []byte{}, acl: open})
	t.addNode(system, messages.BaseName(messages.QuotaPath), newNode{data: []byte{}, acl: open})
	t.addNode(system, messages.BaseName(messages.ConfigPath),
		newNode{data: []byte{}, acl: messages.WorldACL(messages.PermRead), aversion: -1})
	for _, p := range []string{messages.RootPath, messages.SystemPath, messages.QuotaPath, messages.ConfigPath} {
		n, _ := t.LookupString(p)
		t.digest += t.nodeDigest(hashPath(p), n.slot)
		t.size += int64(len(p))
	}
	return t
}

func newEmpty() *Tree {
	t := &Tree{
		acls:       newACLTable(),
		seed:       maphash.MakeSeed(),
		sessions:   newSessionTable(),
		ephemerals: map[messages.SessionID]*ownerList{},
		sweepable:  newOwnerList(),
	}
	t.arena.t, t.arena.limit = t, mostBlocks
	t.arena.tail = none
	return t
}

// LastZxid is the transaction that was applied last.
func (t *Tree) LastZxid() messages.Zxid { return t.zxid }

// NodeCount is the number of nodes as ZooKeeper's metric counts them: the root twice, so 5 in a new tree.
func (t *Tree) NodeCount() int { return t.nodes.live + 1 }

// DataSize is the number of bytes of all paths and all data, as ZooKeeper's metric approximates it.
func (t *Tree) DataSize() int64 { return t.size }

// Digest sums up everything that Apply can change but the zxid: trees are equal if and only if (but for a chance of
// 2⁻⁶⁴) their digests are. It is kept up to date with each change and costs nothing to ask for.
func (t *Tree) Digest() uint64 { return t.digest }

// Lookup finds a node. A malformed path names no node, except for the empty one, which names the root as in
// ZooKeeper. It allocates nothing.
func (t *Tree) Lookup(path []byte) (Node, bool) {
	return t.LookupString(text(path))
}

// LookupString is Lookup for a string.
func (t *Tree) LookupString(path string) (Node, bool) {
	slot := t.find(path)
	if slot == none {
		return Node{}, false
	}
	return Node{t, slot}, true
}

// find walks down from the root, a hash lookup per component.
func (t *Tree) find(path string) uint32 {
	if len(path) <= 1 {
		if path == "" || path == messages.RootPath {
			return rootSlot
		}
		return none
	}
	if path[0] != '/' {
		return none
	}
	slot := uint32(rootSlot)
	for path != "" {
		path = path[1:]
		name := path
		if i := strings.IndexByte(path, '/'); i >= 0 {
			name = path[:i]
		}
		// An empty component matches nothing: no node but the root has an empty name, and the root is in no index.
		if slot = t.findChild(slot, name); slot == none {
			return none
		}
		path = path[len(name):]
	}
	return slot
}

func (t *Tree) findChild(parent uint32, name string) uint32 {
	return t.findHash(t.hash(parent, name), parent, name)
}

func (t *Tree) hash(parent uint32, name string) uint64 {
	hi, lo := bits.Mul64(maphash.String(t.seed, name)^uint64(parent)*0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}

// newNode is what a node starts with.
type newNode struct {
	data     []byte
	acl      []messages.ACL
	owner    messages.Owner
	aversion int32
	zxid     messages.Zxid
	time     int64
}

// addNode adds a node as its parent's last child. It keeps no account of digest, size and quota.
func (t *Tree) addNode(parent uint32, name string, n newNode) uint32 {
	slot := t.nodes.alloc()
	if t.snapshot != nil {
		t.snapshot.beforeCreate(slot)
	}
	nd := t.nodes.at(slot)
	*nd = node{
		czxid: n.zxid, mzxid: n.zxid, ctime: n.time, mtime: n.time, ref: noRef,
		next: none, prev: none, dir: none, meta: t.acls.intern(n.acl),
	}
	isRoot := parent == none
	if isRoot {
		parent = slot
	}
	nd.ref = t.arena.add(parent, name, n.data)
	if n.owner != 0 || n.aversion != 0 {
		x := t.extraFor(slot)
		x.owner, x.aversion = n.owner, n.aversion
		t.own(nd.meta &^ hasExtra)
	}
	if isRoot {
		return slot
	}
	t.index.insert(t.hash(parent, name), slot, nd.ref)
	t.linkChild(parent, slot)
	return slot
}

// linkChild appends slot to its parent's children.
func (t *Tree) linkChild(parent, slot uint32) {
	pn := t.nodes.at(parent)
	if pn.dir == none {
		pn.dir = t.dirs.alloc()
		*t.dirs.at(pn.dir) = dir{pzxid: pn.czxid, first: none, last: none}
	}
	d := t.dirs.at(pn.dir)
	if d.last == none {
		d.first = slot
	} else {
		t.nodes.at(d.last).next = slot
		t.nodes.at(slot).prev = d.last
	}
	d.last = slot
	d.count++
}

// removeNode takes a node without children out. It keeps no account of digest, size and quota.
func (t *Tree) removeNode(slot uint32) {
	nd := t.nodes.at(slot)
	parent := t.parent(slot)
	t.index.remove(t.hash(parent, text(t.arena.name(nd.ref))), nd.ref)
	d := t.dirs.at(t.nodes.at(parent).dir)
	if nd.prev == none {
		d.first = nd.next
	} else {
		t.nodes.at(nd.prev).next = nd.next
	}
	if nd.next == none {
		d.last = nd.prev
	} else {
		t.nodes.at(nd.next).prev = nd.prev
	}
	d.count--
	if nd.dir != none {
		t.dirs.free(nd.dir)
	}
	t.acls.release(t.aclOf(nd))
	if nd.meta&hasExtra != 0 {
		t.disown(nd.meta &^ hasExtra)
		t.extras.free(nd.meta &^ hasExtra)
	}
	old := nd.ref
	t.nodes.free(slot)
	t.arena.drop(old)
}

// extraFor gives the node's extra, adding one if it has none.
func (t *Tree) extraFor(slot uint32) *extra {
	nd := t.nodes.at(slot)
	if nd.meta&hasExtra == 0 {
		i := t.extras.alloc()
		*t.extras.at(i) = extra{acl: nd.meta, slot: slot, next: none, prev: none}
		nd.meta = hasExtra | i
	}
	return t.extras.at(nd.meta &^ hasExtra)
}

// setEntry replaces the node's data, where it lies if it fits there.
func (t *Tree) setEntry(slot uint32, data []byte) {
	nd := t.nodes.at(slot)
	if t.arena.overwrite(nd.ref, data) {
		return
	}
	parent, name := t.parent(slot), text(t.arena.name(nd.ref))
	to := t.arena.add(parent, name, data)
	old := nd.ref // read after add, which may have moved it
	t.moved(slot, parent, name, old, to)
	t.arena.drop(old)
}

// holder is the slot of the node that has the entry, which is that of the parent's child with the name; none if it is a
// hole.
func (t *Tree) holder(parent uint32, name string, r ref) uint32 {
	if name == "" { // the root's, which is in no index
		if t.nodes.at(rootSlot).ref == r {
			return rootSlot
		}
		return none
	}
	return t.index.holder(t.hash(parent, name), r)
}

// moved notes in node and index that a node's entry is elsewhere.
func (t *Tree) moved(slot, parent uint32, name string, from, to ref) {
	t.nodes.at(slot).ref = to
	if slot != rootSlot { // it is in no index
		t.index.moved(t.hash(parent, name), from, to)
	}
}

// Descendants counts the nodes below path: what getAllChildrenNumber answers.
func (t *Tree) Descendants(path []byte) (int, bool) {
	n, ok := t.Lookup(path)
	if !ok {
		return 0, false
	}
	if n.slot == rootSlot {
		return t.nodes.live - 1, true
	}
	count := -1
	t.walk(n.slot, func(uint32) { count++ })
	return count, true
}

// walk visits slot and everything below it, parents first. It needs no memory: the way back is in the nodes.
func (t *Tree) walk(slot uint32, visit func(slot uint32)) {
	for s := slot; ; {
		visit(s)
		nd := t.nodes.at(s)
		if first := t.dirOf(nd).first; first != none {
			s = first
			continue
		}
		for s != slot && t.nodes.at(s).next == none {
			s = t.parent(s)
		}
		if s == slot {
			return
		}
		s = t.nodes.at(s).next
	}
}

// text is b as a string without a copy. Of bytes in the arena it is for the moment alone: the next change may move them.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func isUnder(path, prefix string) bool { return path != prefix && messages.HasPathPrefix(path, prefix) }
