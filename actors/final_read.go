package actors

import (
	"bytes"
	"strings"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// read answers everything that changes nothing (but the watch table).
func (f *Final) read(r *messages.Request) {
	if r.Op == messages.OpCloseSession {
		f.closeLocal(r)
		return
	}
	c := f.conn(r)
	if c == nil {
		return
	}
	d := jute.NewDecoder(r.Body)
	switch r.Op {
	case messages.OpPing:
		f.header(c, r, f.tree.LastZxid(), messages.ErrOK)
	case messages.OpGetData:
		f.getData(c, r, &d)
	case messages.OpRefused:
		f.refused(c, r)
	case messages.OpExists:
		f.exists(c, r, &d)
	case messages.OpGetChildren, messages.OpGetChildren2:
		f.getChildren(c, r, &d)
	case messages.OpGetACL:
		f.getACL(c, r, &d)
	case messages.OpSync:
		f.sync(c, r, &d)
	case messages.OpGetAllChildrenNumber:
		f.getAllChildrenNumber(c, r, &d)
	case messages.OpGetEphemerals:
		f.getEphemerals(c, r, &d)
	case messages.OpMultiRead:
		f.multiRead(c, r, &d)
	case messages.OpWhoAmI:
		f.whoAmI(c, r)
	case messages.OpSetWatches, messages.OpSetWatches2:
		f.setWatches(c, r, &d)
	case messages.OpAddWatch:
		f.addWatch(c, r, &d)
	case messages.OpCheckWatches, messages.OpRemoveWatches:
		f.changeWatches(c, r, &d)
	default:
		// An operation that no client may send. Its zxid is -1, and the connection ends.
		f.header(c, r, ^messages.Zxid(0), messages.ErrUnimplemented)
		f.closeAfter(c)
	}
}

// closeLocal ends a session that only this server knows: the tree has nothing of it.
func (f *Final) closeLocal(r *messages.Request) {
	if c := f.conn(r); c != nil {
		f.fail(c, r, messages.ErrOK)
		f.closeAfter(c)
	}
	f.after = f.after.To(messages.SlotFront, &messages.SessionClosed{Session: r.Session})
}

// fail answers with an error and the state that it was found in.
func (f *Final) fail(c *finalConn, r *messages.Request, code messages.ErrCode) {
	f.header(c, r, f.tree.LastZxid(), code)
}

func (f *Final) ok(c *finalConn, r *messages.Request) (start int) {
	return f.begin(c, r, f.tree.LastZxid(), messages.ErrOK)
}

// readable finds a node that the client may read.
func (f *Final) readable(ids []messages.Identity, path []byte) (tree.Node, messages.ErrCode) {
	n, ok := f.tree.Lookup(path)
	if !ok {
		return n, messages.ErrNoNode
	}
	if !f.auth.Allowed(n.ACL(), messages.PermRead, ids) {
		return n, messages.ErrNoAuth
	}
	return n, messages.ErrOK
}

// wanted reads a path with a watch flag and finds the node, or answers with what is wrong.
func (f *Final) wanted(c *finalConn, r *messages.Request, d *jute.Decoder) (q jute.PathWatch, n tree.Node, ok bool) {
	q = jute.DecodePathWatch(d)
	code := messages.ErrMarshalling
	if d.Err() == nil {
		n, code = f.readable(r.Identities, q.Path)
	}
	if code != messages.ErrOK {
		f.fail(c, r, code)
	}
	return q, n, code == messages.ErrOK
}

func (f *Final) getData(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q, n, ok := f.wanted(c, r, d)
	if !ok {
		return
	}
	if q.Watch {
		f.watches.AddData(c.id, string(q.Path))
	}
	start := f.ok(c, r)
	stat, data := n.Stat(), n.Data()
	c.pending.Frames = reserveFrames(c.pending.Frames, len(data)+jute.StatSize+4)
	c.pending.Frames = jute.AppendStat(jute.AppendBuffer(c.pending.Frames, data), &stat)
	f.end(c, r, start)
	f.metrics.responseSize(int64(len(c.pending.Frames) - start))
}

// exists sets its watch on a missing node as well: it fires when the node is created.
func (f *Final) exists(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q := jute.DecodePathWatch(d)
	switch {
	case d.Err() != nil:
		f.fail(c, r, messages.ErrMarshalling)
		return
	case bytes.IndexByte(q.Path, 0) >= 0:
		f.fail(c, r, messages.ErrBadArguments)
		return
	}
	n, code := f.readable(r.Identities, q.Path)
	if q.Watch && code != messages.ErrNoAuth {
		f.watches.AddData(c.id, string(q.Path))
	}
	if code != messages.ErrOK {
		f.fail(c, r, code)
		return
	}
	start := f.ok(c, r)
	stat := n.Stat()
	c.pending.Frames = jute.AppendStat(c.pending.Frames, &stat)
	f.end(c, r, start)
}

func (f *Final) getChildren(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q, n, ok := f.wanted(c, r, d)
	if !ok {
		return
	}
	if q.Watch {
		f.watches.AddChild(c.id, string(q.Path))
	}
	start := f.ok(c, r)
	c.pending.Frames = appendChildren(c.pending.Frames, n)
	if r.Op == messages.OpGetChildren2 {
		stat := n.Stat()
		c.pending.Frames = jute.AppendStat(c.pending.Frames, &stat)
	}
	f.end(c, r, start)
}

// usualName is what a child takes in a list, as a guess: names of sequential nodes have ten digits behind a word.
const usualName = 24

func appendChildren(dst []byte, n tree.Node) []byte {
	dst = reserveFrames(dst, n.NumChildren()*usualName)
	dst = jute.AppendInt(dst, int32(n.NumChildren()))
	n.EachChild(func(name []byte) { dst = append(jute.AppendInt(dst, int32(len(name))), name...) })
	return dst
}

// getACL needs READ or ADMIN; who has no ADMIN doesn't see the hashes.
func (f *Final) getACL(c *finalConn, r *messages.Request, d *jute.Decoder) {
	path := jute.DecodePath(d)
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	n, ok := f.tree.Lookup(path)
	if !ok {
		f.fail(c, r, messages.ErrNoNode)
		return
	}
	acl := n.ACL()
	if !f.auth.Allowed(acl, messages.PermRead|messages.PermAdmin, r.Identities) {
		f.fail(c, r, messages.ErrNoAuth)
		return
	}
	if !f.auth.Allowed(acl, messages.PermAdmin, r.Identities) {
		acl = maskACL(acl)
	}
	start := f.ok(c, r)
	stat := n.Stat()
	c.pending.Frames = jute.AppendStat(jute.AppendACL(c.pending.Frames, acl), &stat)
	f.end(c, r, start)
}

func maskACL(acl []messages.ACL) []messages.ACL {
	masked := make([]messages.ACL, len(acl))
	for i, entry := range acl {
		masked[i] = messages.ACL{Perms: entry.Perms, ID: auth.MaskDigest(entry.ID)}
	}
	return masked
}

// sync has nothing to wait for here: the gate has held it behind its session's writes, and all that any client has
// been told of is in this tree.
func (f *Final) sync(c *finalConn, r *messages.Request, d *jute.Decoder) {
	path := jute.DecodePrefix(d) // echoed as it came, null too
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	start := f.ok(c, r)
	c.pending.Frames = jute.AppendBuffer(c.pending.Frames, path)
	f.end(c, r, start)
}

func (f *Final) getAllChildrenNumber(c *finalConn, r *messages.Request, d *jute.Decoder) {
	path := jute.DecodePath(d)
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	if _, code := f.readable(r.Identities, path); code != messages.ErrOK {
		f.fail(c, r, code)
		return
	}
	number, _ := f.tree.Descendants(path)
	start := f.ok(c, r)
	c.pending.Frames = jute.AppendInt(c.pending.Frames, int32(number))
	f.end(c, r, start)
}

// getEphemerals lists the own session's; the prefix is one of strings, not of components.
func (f *Final) getEphemerals(c *finalConn, r *messages.Request, d *jute.Decoder) {
	prefix := string(jute.DecodePrefix(d))
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	all := strings.TrimSpace(prefix) == "" || prefix == messages.RootPath
	list := []string{}
	for _, path := range f.tree.Ephemerals(r.Session) {
		if all || strings.HasPrefix(path, prefix) {
			list = append(list, path)
		}
	}
	start := f.ok(c, r)
	c.pending.Frames = jute.AppendStrings(c.pending.Frames, list)
	f.end(c, r, start)
}

// multiReadLimit is how long the reply to one multiRead may grow, in bytes: its request may name the same large node
// ten thousand times.
const multiReadLimit = 64 << 20

// multiRead gives each operation its own result; its watch flags mean nothing.
func (f *Final) multiRead(c *finalConn, r *messages.Request, d *jute.Decoder) {
	ops := jute.DecodeMulti(d, true)
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	start := f.ok(c, r)
	dst := c.pending.Frames
	for i := range ops {
		q := ops[i].Record.(jute.PathWatch)
		res := jute.MultiResult{Op: ops[i].Op}
		n, code := f.readable(r.Identities, q.Path)
		switch {
		case code != messages.ErrOK:
			res.Op, res.Err = messages.OpError, code
		case res.Op == messages.OpGetData:
			res.Data, res.Stat = n.Data(), n.Stat()
		default:
			res.Children = n.AppendChildren([]string{})
		}
		if dst = res.Append(dst); len(dst)-start > multiReadLimit {
			c.pending.Frames = dst[:start]
			f.fail(c, r, messages.ErrMarshalling)
			return
		}
	}
	c.pending.Frames = jute.AppendMultiEnd(dst)
	f.end(c, r, start)
}

func (f *Final) whoAmI(c *finalConn, r *messages.Request) {
	start := f.ok(c, r)
	dst := jute.AppendInt(c.pending.Frames, int32(len(r.Identities)))
	for _, id := range r.Identities {
		dst = jute.AppendString(jute.AppendString(dst, id.Scheme), auth.UserName(id))
	}
	c.pending.Frames = dst
	f.end(c, r, start)
}
