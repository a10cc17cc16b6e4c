package actors

import (
	"fmt"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
	"github.com/troupekeeper/troupe/persistence/watch"
)

// Final is the last stage and the only writer of the tree. It applies transactions in zxid order, serves reads,
// fires watches and encodes replies. What goes to one connection collects in one buffer in the order in which the
// client must see it: an event stands before any reply that shows the newer data.
type Final struct {
	tree    *tree.Tree
	watches *watch.Table
	auth    *auth.Registry
	metrics *Metrics
	alive   func(messages.ConnID) bool
	// readOnly says that writes are refused because there is no leader, not because a disk is full.
	readOnly bool

	conns   map[messages.ConnID]*finalConn
	dirty   []*finalConn
	out     messages.Outbox // handshakes and farewells of connections
	after   messages.Outbox // what others must hear only behind the frames
	result  tree.Result
	applied messages.Applied
	replies int          // since the last Flush, and …
	bytes   int          // … how long they are
	firing  *tree.Change // the change whose watches are told
	fired   int64
	fire1   func(messages.ConnID, messages.EventType, string)
	reads   []int64       // latencies of this batch, microseconds
	witness *replyWitness // nil: no stage is shown the replies
	updates []int64
	now     int64 // monotonic microseconds
}

// finalConn is what final keeps of a connection: who it is, and what waits to be sent to it.
type finalConn struct {
	id         messages.ConnID
	identities []messages.Identity
	pending    messages.Output
	dirty      bool
	closed     bool
}

// NewFinal makes the stage around a tree. alive tells whether a connection still exists.
func NewFinal(t *tree.Tree, reg *auth.Registry, m *Metrics, alive func(messages.ConnID) bool) *Final {
	f := &Final{
		tree: t, watches: watch.New(), auth: reg, metrics: m, alive: alive,
		conns: map[messages.ConnID]*finalConn{},
	}
	f.fire1 = f.tell
	return f
}

// Deliver handles a batch at nowUs (monotonic microseconds), or as much of it as makes the final stage Full, and tells
// how much. An error is a broken invariant: the tree can't take a transaction that was committed.
func (f *Final) Deliver(items []messages.Delivery, nowUs int64) (n int, err error) {
	f.now = nowUs
	for i := range items {
		if i > 0 && f.Full() {
			return i, nil
		}
		d := &items[i]
		switch {
		case d.Proposal != nil:
			if err := f.apply(d); err != nil {
				return i, fmt.Errorf("apply transaction %v: %w", d.Proposal.Header.Zxid, err)
			}
		case d.Refusal != nil:
			f.refuse(&d.Request, d.Refusal)
		default:
			f.read(&d.Request)
		}
	}
	return len(items), nil
}

// conn finds or makes the record of a connection; nil when it has ended.
func (f *Final) conn(r *messages.Request) *finalConn {
	c := f.record(r.Conn)
	if c == nil || c.closed {
		return nil
	}
	c.know(r.Identities)
	return c
}

func (f *Final) record(id messages.ConnID) *finalConn {
	c := f.conns[id]
	if c == nil {
		// A connection leaves the table before it tells that it has closed. So either it is still there, and
		// ConnClosed comes later, or it isn't, and nothing may be kept for it.
		if id == 0 || !f.alive(id) {
			return nil
		}
		c = &finalConn{id: id}
		f.conns[id] = c
	}
	return c
}

// know notes identities. A connection's only grow, so the longer list is the newer one: a request that was read before
// the client proved who it is may come after the word on that.
func (c *finalConn) know(ids []messages.Identity) {
	if len(ids) > len(c.identities) {
		c.identities = ids
	}
}

// ConnClosed forgets a connection with its watches.
func (f *Final) ConnClosed(m *messages.ConnClosed) {
	f.watches.RemoveConn(m.Conn)
	if c := f.conns[m.Conn]; c != nil {
		c.closed = true
		delete(f.conns, m.Conn)
	}
}

// ConnIdentities notes who a connection is, for the filter of its watch events.
func (f *Final) ConnIdentities(m *messages.ConnIdentities) {
	if c := f.record(m.Conn); c != nil {
		c.know(m.Identities)
	}
}

// begin starts a reply: its header, with room for the frame's length.
func (f *Final) begin(c *finalConn, r *messages.Request, zxid messages.Zxid, code messages.ErrCode) (start int) {
	f.touch(c)
	o := &c.pending
	if o.Frames == nil {
		o.Frames = takeFrames()
	}
	o.Frames, start = jute.BeginFrame(o.Frames)
	xid := r.Xid
	if r.Op == messages.OpPing {
		xid = messages.XidPing
	}
	o.Frames = jute.AppendReplyHeader(o.Frames, jute.ReplyHeader{Xid: xid, Zxid: zxid, Err: code})
	if code == messages.ErrMarshalling {
		f.metrics.BadRecords.Inc()
	}
	o.Last, o.Op, o.Xid = zxid, r.Op, xid
	return start
}

// end completes the reply that begins at start.
func (f *Final) end(c *finalConn, r *messages.Request, start int) {
	o := &c.pending
	o.Frames = jute.EndFrame(o.Frames, start)
	o.Replies++
	f.replies++
	f.bytes += len(o.Frames) - start
	if f.witness != nil {
		f.witness.see(r, o.Frames[start:], f.now)
	}
	if r.Received == 0 {
		return
	}
	latency := max(f.now-r.Received, 0)
	o.Latency += latency
	o.Oldest = max(o.Oldest, latency)
	if r.Op.IsWrite() {
		f.updates = append(f.updates, latency)
	} else {
		f.reads = append(f.reads, latency)
	}
}

// header answers with a header alone.
func (f *Final) header(c *finalConn, r *messages.Request, zxid messages.Zxid, code messages.ErrCode) {
	f.end(c, r, f.begin(c, r, zxid, code))
}

func (f *Final) touch(c *finalConn) {
	if !c.dirty {
		c.dirty = true
		f.dirty = append(f.dirty, c)
	}
}

// closeAfter ends the connection once everything up to here has been written.
func (f *Final) closeAfter(c *finalConn) {
	f.touch(c)
	c.pending.Close = true
	c.closed = true
}

// event queues a watch event.
func (f *Final) event(c *finalConn, zxid int64, e messages.EventType, path string) {
	f.touch(c)
	o := &c.pending
	if o.Frames == nil {
		o.Frames = takeFrames()
	}
	var start int
	o.Frames, start = jute.BeginFrame(o.Frames)
	o.Frames = jute.AppendReplyHeader(o.Frames, jute.ReplyHeader{Xid: messages.XidWatchEvent, Zxid: messages.Zxid(zxid)})
	w := jute.WatcherEvent{Type: e, State: messages.StateSyncConnected, Path: path}
	o.Frames = jute.EndFrame(w.Append(o.Frames), start)
	f.metrics.WatchBytes.Add(int64(len(path)))
}

// flushAbove is the number of replies, flushBytes their length, that are sent on even though more requests wait: a
// client needn't wait for the end of a long queue, and a thousand reads of a large node needn't be in memory at once.
const (
	flushAbove = 512
	flushBytes = 4 << 20
)

// Full tells that enough has collected to be sent on.
func (f *Final) Full() bool { return f.replies >= flushAbove || f.bytes >= flushBytes }

// Flush hands over what has collected: first the word on what was applied, then each connection's frames, and last
// the ends of sessions, so that a client's own goodbye is answered before somebody closes its connection.
func (f *Final) Flush() messages.Outbox {
	out := f.out
	f.out = nil
	if f.witness != nil {
		out = f.witness.flush(out)
	}
	if f.applied.Count > 0 {
		a := f.applied
		out = out.To(messages.SlotApplied, &a).To(messages.SlotSnap, &a)
		f.applied = messages.Applied{}
	}
	for i, c := range f.dirty {
		o := c.pending
		o.Conn = c.id
		out = out.To(messages.SlotConn, &o)
		c.pending = messages.Output{}
		c.dirty = false
		f.dirty[i] = nil
	}
	f.dirty = f.dirty[:0]
	f.measure()
	out = append(out, f.after...)
	f.after = nil
	return out
}

// Sent takes back what Flush has handed over, when all of it has been sent.
func (f *Final) Sent(out messages.Outbox) {
	if f.out == nil {
		f.out = out.Reuse()
	}
}

func (f *Final) measure() {
	f.metrics.PacketsSent.Add(int64(f.replies))
	f.replies, f.bytes = 0, 0
	if len(f.reads) > 0 {
		f.metrics.Latency.ObserveAll(f.reads)
		f.metrics.ReadLatency.ObserveAll(f.reads)
		f.reads = f.reads[:0]
	}
	if len(f.updates) > 0 {
		f.metrics.Latency.ObserveAll(f.updates)
		f.metrics.UpdateLatency.ObserveAll(f.updates)
		f.updates = f.updates[:0]
	}
}

// WatchReport lists who watches what, for operators. sessionOf tells which session a connection serves.
func (f *Final) WatchReport(list bool, sessionOf func(messages.ConnID) messages.SessionID) *messages.WatchReport {
	return watchReport(f.watches, list, sessionOf)
}
