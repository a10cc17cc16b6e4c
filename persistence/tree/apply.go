package tree

import (
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// ErrBroken is what every error of Apply wraps: the transaction does not fit the tree, so one of the two is wrong, and
// the server must not go on.
var ErrBroken = errors.New("the transaction does not fit the tree")

// Result tells what a transaction did. Apply resets and reuses it.
type Result struct {
	Path    string               // of the node that was created, deleted or changed
	Stat    messages.Stat        // of that node afterwards; zero for a delete
	Ops     []OpResult           // one for each operation of a multi, in order
	Changes []Change             // what watches want to know, in order
	Session messages.SessionInfo // the session that was opened
	Closed  messages.SessionID   // the session that was closed
}

// OpResult is the outcome of one operation of a multi. Stat is that of right after this operation; it is zero for a
// delete and a check.
type OpResult struct {
	Op   messages.OpCode
	Path string
	Stat messages.Stat
}

// Change is something that can fire watches: a node was created or deleted, or its data changed. ACL is the node's,
// for a deleted one its last; ParentACL is set for creates and deletes. Both are shared and never changed in place.
type Change struct {
	Event     messages.EventType
	Path      string
	ACL       []messages.ACL
	ParentACL []messages.ACL
}

func (r *Result) reset() {
	r.Path, r.Stat = "", messages.Stat{}
	r.Ops, r.Changes = r.Ops[:0], r.Changes[:0]
	r.Session, r.Closed = messages.SessionInfo{}, 0
}

// Apply makes the transaction part of the tree. An error means that it does not fit; it wraps ErrBroken and says why,
// and nothing of the transaction was applied. out is overwritten; its strings and slices stay valid until the next
// Apply with the same out.
func (t *Tree) Apply(h *messages.TxnHeader, body messages.TxnBody, out *Result) error {
	out.reset()
	if !h.Zxid.Follows(t.zxid) {
		return fmt.Errorf("apply %v: it does not follow %v: %w", h.Zxid, t.zxid, ErrBroken)
	}
	if err := t.apply(h, body, out); err != nil {
		out.reset()
		return fmt.Errorf("apply %v %v: %w: %w", h.Zxid, h.Op, err, ErrBroken)
	}
	t.zxid = h.Zxid
	return nil
}

func (t *Tree) apply(h *messages.TxnHeader, body messages.TxnBody, out *Result) error {
	switch b := body.(type) {
	case *messages.CreateSessionTxn:
		return t.openSession(h, b, out)
	case *messages.CloseSessionTxn:
		return t.closeSession(h, b, out)
	case *messages.MultiTxn:
		return t.applyMulti(h, b, out)
	}
	var op OpResult
	err := t.applyOne(h, body, out, &op)
	out.Path, out.Stat = op.Path, op.Stat
	return err
}

// applyOne applies a body that may also be an operation of a multi.
func (t *Tree) applyOne(h *messages.TxnHeader, body messages.TxnBody, out *Result, op *OpResult) error {
	switch b := body.(type) {
	case *messages.CreateTxn:
		op.Path = b.Path
		return t.create(h, b, out, op)
	case *messages.DeleteTxn:
		op.Path = b.Path
		return t.delete(h, b.Path, out)
	case *messages.SetDataTxn:
		op.Path = b.Path
		return t.setData(h, b, out, op)
	case *messages.SetACLTxn:
		op.Path = b.Path
		return t.setACL(b, op)
	}
	return fmt.Errorf("a body of type %T", body)
}

func (t *Tree) create(h *messages.TxnHeader, b *messages.CreateTxn, out *Result, op *OpResult) error {
	if !messages.ValidPath(b.Path) || b.Path == messages.RootPath {
		return fmt.Errorf("create %q: not a path for a new node", b.Path)
	}
	name := messages.BaseName(b.Path)
	parentPath := messages.ParentPath(b.Path)
	parent := t.find(parentPath)
	if parent == none {
		return fmt.Errorf("create %q: the parent is missing", b.Path)
	}
	if t.findChild(parent, name) != none {
		return fmt.Errorf("create %q: the node exists", b.Path)
	}
	slot := t.addNode(parent, name, newNode{data: b.Data, acl: b.ACL, owner: b.Owner, zxid: h.Zxid, time: h.Time})
	t.digest += t.nodeDigest(hashPath(b.Path), slot)
	t.size += int64(len(b.Path) + len(b.Data))
	t.touchParent(h.Zxid, parentPath, parent, b.ParentCreates)
	n := Node{t, slot}
	op.Stat = n.Stat()
	if t.quotas.matter(b.Path) {
		t.quotaCreated(b.Path, parentPath, name, int64(len(b.Data)))
	}
	out.Changes = append(out.Changes, Change{
		Event: messages.EventNodeCreated, Path: b.Path, ACL: n.ACL(), ParentACL: Node{t, parent}.ACL(),
	})
	return nil
}

// touchParent records in the parent that a child came or went. The number of creates is only raised.
func (t *Tree) touchParent(zxid messages.Zxid, path string, parent uint32, creates int32) {
	t.beforeChange(parent)
	hash := hashPath(path)
	nd := t.nodes.at(parent)
	d := t.dirs.at(nd.dir)
	t.digest -= t.statDigest(hash, nd)
	d.pzxid = zxid
	d.creates = max(d.creates, creates)
	t.digest += t.statDigest(hash, nd)
}

func (t *Tree) delete(h *messages.TxnHeader, path string, out *Result) error {
	slot := t.find(path)
	if err := t.mayDelete(path, slot); err != nil {
		return err
	}
	t.deleteSlot(h, path, slot, out)
	return nil
}

func (t *Tree) mayDelete(path string, slot uint32) error {
	if slot == none {
		return fmt.Errorf("delete %q: the node is missing", path)
	}
	if messages.IsBuiltIn(path) || slot == rootSlot {
		return fmt.Errorf("delete %q: a node that every tree has", path)
	}
	if n := t.dirOf(t.nodes.at(slot)).count; n > 0 {
		return fmt.Errorf("delete %q: the node has %d children", path, n)
	}
	return nil
}

func (t *Tree) deleteSlot(h *messages.TxnHeader, path string, slot uint32, out *Result) {
	n := Node{t, slot}
	parent := t.parent(slot)
	parentPath, name := messages.ParentPath(path), messages.BaseName(path)
	bytes := int64(n.DataLength())
	out.Changes = append(out.Changes, Change{
		Event: messages.EventNodeDeleted, Path: path, ACL: n.ACL(), ParentACL: Node{t, parent}.ACL(),
	})
	t.beforeChange(slot)
	t.digest -= t.nodeDigest(hashPath(path), slot)
	t.size -= int64(len(path)) + bytes
	t.touchParent(h.Zxid, parentPath, parent, 0)
	t.removeNode(slot)
	if t.quotas.matter(path) {
		t.quotaDeleted(path, parentPath, name, bytes)
	}
}

func (t *Tree) setData(h *messages.TxnHeader, b *messages.SetDataTxn, out *Result, op *OpResult) error {
	slot := t.find(b.Path)
	if slot == none {
		return fmt.Errorf("setData %q: the node is missing", b.Path)
	}
	t.beforeChange(slot)
	hash := hashPath(b.Path)
	nd := t.nodes.at(slot)
	old := t.arena.get(nd.ref).data
	t.digest -= dataDigest(hash, old) + t.statDigest(hash, nd)
	t.setEntry(slot, b.Data)
	nd.mzxid, nd.mtime, nd.version = h.Zxid, h.Time, b.Version
	t.digest += dataDigest(hash, b.Data) + t.statDigest(hash, nd)
	diff := int64(len(b.Data) - len(old))
	t.size += diff
	if t.quotas.matter(b.Path) {
		t.quotaAdjust(b.Path, diff, 0)
	}
	n := Node{t, slot}
	op.Stat = n.Stat()
	out.Changes = append(out.Changes, Change{Event: messages.EventNodeDataChanged, Path: b.Path, ACL: n.ACL()})
	return nil
}

func (t *Tree) setACL(b *messages.SetACLTxn, op *OpResult) error {
	slot := t.find(b.Path)
	if slot == none {
		return fmt.Errorf("setACL %q: the node is missing", b.Path)
	}
	t.beforeChange(slot)
	hash := hashPath(b.Path)
	nd := t.nodes.at(slot)
	t.digest -= t.statDigest(hash, nd)
	x := t.extraFor(slot)
	old := x.acl
	x.acl, x.aversion = t.acls.intern(b.ACL), b.Version
	t.acls.release(old)
	t.digest += t.statDigest(hash, nd)
	op.Stat = Node{t, slot}.Stat()
	return nil
}

// beforeChange must be called before anything of a node changes that its record in a snapshot shows.
func (t *Tree) beforeChange(slot uint32) {
	if t.snapshot != nil {
		t.snapshot.beforeChange(slot)
	}
}
