package tree

import (
	"github.com/troupekeeper/troupe/messages"
)

// node is the part of a znode that every znode needs: 56 bytes, no pointer. Its parent is in its entry, beside the name.
// What only some have is out of line: a node that ever had a child has a dir, one with an owner or a changed ACL version
// has an extra.
type node struct {
	czxid, mzxid messages.Zxid
	ctime, mtime int64
	ref          ref // parent, name and data in the arena
	version      int32
	next, prev   uint32 // siblings; none at the ends
	dir          uint32 // none until the first child
	meta         uint32 // id of the ACL, or hasExtra and the index of the extra
}

// hasExtra in node.meta says that the rest is an index of Tree.extras.
const hasExtra = 1 << 31

// dir is what a node has because of its children.
type dir struct {
	pzxid       messages.Zxid
	creates     int32 // creates below this node ever; sequence names count with it
	count       int32 // children
	first, last uint32
}

// extra is what ephemerals, containers, TTL nodes and nodes with a changed ACL have.
type extra struct {
	owner      messages.Owner
	acl        uint32
	aversion   int32
	slot       uint32 // the node
	next, prev uint32 // extras of the same session, or of all containers and TTL nodes
}

// Node is a handle of one znode for reading. It is valid until the next Apply; the zero Node is none.
type Node struct {
	t    *Tree
	slot uint32
}

func (n Node) node() *node { return n.t.nodes.at(n.slot) }

func (n Node) dir() *dir { return n.t.dirOf(n.node()) }

// noDir stands for the dir of a node that never had a child. It is never written.
var noDir = dir{first: none, last: none}

func (t *Tree) dirOf(nd *node) *dir {
	if nd.dir == none {
		return &noDir
	}
	return t.dirs.at(nd.dir)
}

// parent is the parent's slot; the root is its own.
func (t *Tree) parent(slot uint32) uint32 { return t.arena.parent(t.nodes.at(slot).ref) }

func (t *Tree) ownerOf(nd *node) messages.Owner {
	if nd.meta&hasExtra == 0 {
		return 0
	}
	return t.extras.at(nd.meta &^ hasExtra).owner
}

func (t *Tree) aclOf(nd *node) uint32 {
	if nd.meta&hasExtra == 0 {
		return nd.meta
	}
	return t.extras.at(nd.meta &^ hasExtra).acl
}

func (t *Tree) aversionOf(nd *node) int32 {
	if nd.meta&hasExtra == 0 {
		return 0
	}
	return t.extras.at(nd.meta &^ hasExtra).aversion
}

func (t *Tree) pzxidOf(nd *node) messages.Zxid {
	if nd.dir == none {
		return nd.czxid
	}
	return t.dirs.at(nd.dir).pzxid
}

// Stat is what a client sees of the node: cversion counts creates and deletes of children, ephemeralOwner is set for
// real ephemerals alone.
func (n Node) Stat() messages.Stat {
	nd := n.node()
	st := messages.Stat{
		Czxid: nd.czxid, Mzxid: nd.mzxid, Ctime: nd.ctime, Mtime: nd.mtime, Version: nd.version,
		DataLength: int32(len(n.t.arena.get(nd.ref).data)), Pzxid: nd.czxid,
	}
	if nd.dir != none {
		d := n.t.dirs.at(nd.dir)
		st.Pzxid, st.NumChildren, st.Cversion = d.pzxid, d.count, 2*d.creates-d.count
	}
	if nd.meta&hasExtra != 0 {
		x := n.t.extras.at(nd.meta &^ hasExtra)
		st.Aversion, st.EphemeralOwner = x.aversion, int64(x.owner.Session())
	}
	return st
}

// Data is the node's data; nil is not the same as empty. The slice is the tree's: it is valid until the next Apply, so
// who wants to keep the bytes copies them, and nobody may write to it.
func (n Node) Data() []byte { return n.t.arena.get(n.node().ref).data }

// DataLength is the length of the data in bytes.
func (n Node) DataLength() int { return len(n.Data()) }

// ACL is the node's list. It is shared and never changed in place.
func (n Node) ACL() []messages.ACL { return n.t.acls.list(n.t.aclOf(n.node())) }

// Owner is the stored owner: 0, a session, or the marker of a container or TTL node.
func (n Node) Owner() messages.Owner { return n.t.ownerOf(n.node()) }

// Creates is how many children were ever created below the node: the number that the next sequential child gets.
func (n Node) Creates() int32 { return n.dir().creates }

// NumChildren is how many children the node has now.
func (n Node) NumChildren() int { return int(n.dir().count) }

// Version counts the changes of the data.
func (n Node) Version() int32 { return n.node().version }

// Aversion counts the changes of the ACL.
func (n Node) Aversion() int32 { return n.t.aversionOf(n.node()) }

// Czxid is the transaction that created the node.
func (n Node) Czxid() messages.Zxid { return n.node().czxid }

// Mzxid is the transaction that last changed the data.
func (n Node) Mzxid() messages.Zxid { return n.node().mzxid }

// Pzxid is the transaction that last created or deleted a child.
func (n Node) Pzxid() messages.Zxid { return n.t.pzxidOf(n.node()) }

// EachChild calls yield with the name of each child, in no order that means anything. The names are the tree's, valid
// until the next Apply.
func (n Node) EachChild(yield func(name []byte)) {
	for c := n.dir().first; c != none; {
		child := n.t.nodes.at(c)
		yield(n.t.arena.name(child.ref))
		c = child.next
	}
}

// AppendChildren appends the names of the children to dst.
func (n Node) AppendChildren(dst []string) []string {
	n.EachChild(func(name []byte) { dst = append(dst, string(name)) })
	return dst
}

// Path is the node's full path.
func (n Node) Path() string { return n.t.path(n.slot) }

func (t *Tree) path(slot uint32) string {
	if slot == rootSlot {
		return messages.RootPath
	}
	size := 0
	for s := slot; s != rootSlot; s = t.parent(s) {
		size += 1 + len(t.arena.name(t.nodes.at(s).ref))
	}
	buf := make([]byte, size)
	for s := slot; s != rootSlot; s = t.parent(s) {
		name := t.arena.name(t.nodes.at(s).ref)
		size -= len(name)
		copy(buf[size:], name)
		size--
		buf[size] = '/'
	}
	return text(buf)
}
