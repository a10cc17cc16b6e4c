package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// noZxid stands in events that no single transaction caused.
const noZxid int64 = -1

// setWatches brings a client's watches to a new connection. What has changed since the client's last zxid is told at
// once, before the reply; the rest is registered.
func (f *Final) setWatches(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q := jute.DecodeSetWatches(d, r.Op)
	if d.Err() != nil {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	for _, path := range q.Data {
		n, ok := f.tree.LookupString(path)
		switch {
		case !ok:
			f.event(c, noZxid, messages.EventNodeDeleted, path)
		case int64(n.Mzxid()) > int64(q.RelativeZxid):
			f.event(c, noZxid, messages.EventNodeDataChanged, path)
		default:
			f.watches.AddData(c.id, path)
		}
	}
	for _, path := range q.Exist {
		if _, ok := f.tree.LookupString(path); ok {
			f.event(c, noZxid, messages.EventNodeCreated, path)
		} else {
			f.watches.AddData(c.id, path)
		}
	}
	for _, path := range q.Child {
		n, ok := f.tree.LookupString(path)
		switch {
		case !ok:
			f.event(c, noZxid, messages.EventNodeDeleted, path)
		case int64(n.Stat().Pzxid) > int64(q.RelativeZxid):
			f.event(c, noZxid, messages.EventNodeChildrenChanged, path)
		default:
			f.watches.AddChild(c.id, path)
		}
	}
	for _, path := range q.Persistent {
		f.watches.AddPersistent(c.id, path, false)
	}
	for _, path := range q.PersistentRecursive {
		f.watches.AddPersistent(c.id, path, true)
	}
	f.header(c, r, f.tree.LastZxid(), messages.ErrOK)
}

func (f *Final) addWatch(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q := jute.DecodePathMode(d)
	mode := messages.WatchMode(q.Mode)
	if d.Err() != nil || (mode != messages.WatchPersistent && mode != messages.WatchPersistentRecursive) {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	f.watches.AddPersistent(c.id, q.Path, mode == messages.WatchPersistentRecursive)
	start := f.ok(c, r)
	c.pending.Frames = jute.AppendInt(c.pending.Frames, int32(messages.ErrOK))
	f.end(c, r, start)
}

// changeWatches serves checkWatches and removeWatches, which differ in whether the watches stay.
func (f *Final) changeWatches(c *finalConn, r *messages.Request, d *jute.Decoder) {
	q := jute.DecodePathMode(d)
	kind := messages.WatcherType(q.Mode)
	if d.Err() != nil || kind < messages.WatcherChildren || kind > messages.WatcherPersistentRecursive {
		f.fail(c, r, messages.ErrMarshalling)
		return
	}
	found := false
	if r.Op == messages.OpCheckWatches {
		found = f.watches.Has(c.id, q.Path, kind)
	} else {
		found = f.watches.Remove(c.id, q.Path, kind)
	}
	code := messages.ErrOK
	if !found {
		code = messages.ErrNoWatcher
	}
	f.header(c, r, f.tree.LastZxid(), code)
}
