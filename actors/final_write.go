package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// apply changes the tree, fires what watches it and answers the client that waits, in this order.
func (f *Final) apply(d *messages.Delivery) error {
	p := d.Proposal
	if err := f.tree.Apply(&p.Header, p.Body, &f.result); err != nil {
		return err
	}
	f.applied.Zxid = p.Header.Zxid
	f.applied.Count++
	f.applied.Bytes += int64(len(p.Encoded))
	f.fire()
	f.sessionChanges()
	if d.Request.Conn == 0 {
		return nil
	}
	if c := f.conn(&d.Request); c != nil {
		if f.witness != nil {
			f.witness.txn = p
		}
		f.answer(c, &d.Request, p)
		if f.witness != nil {
			f.witness.txn = nil
		}
	}
	return nil
}

// fire queues the events of all changes, in their order.
func (f *Final) fire() {
	if f.watches.All() == 0 {
		return
	}
	for i := range f.result.Changes {
		f.firing, f.fired = &f.result.Changes[i], 0
		f.watches.Trigger(f.firing.Event, f.firing.Path, f.fire1)
		if f.fired > 0 {
			f.metrics.watchSummary(f.firing.Event).Observe(f.fired, 1)
		}
	}
	f.firing = nil
}

// tell queues one event. Who may not read the node gets none, but its one-shot watch is spent.
func (f *Final) tell(conn messages.ConnID, e messages.EventType, path string) {
	c := f.conns[conn]
	if c == nil || c.closed {
		return
	}
	acl := f.firing.ACL
	if e == messages.EventNodeChildrenChanged {
		acl = f.firing.ParentACL
	}
	if f.auth.Allowed(acl, messages.PermRead, c.identities) {
		f.event(c, int64(f.tree.LastZxid()), e, path)
		f.fired++
	}
}

func (f *Final) sessionChanges() {
	if s := f.result.Session; s.Session != 0 {
		f.after = f.after.To(messages.SlotTracker, &messages.SessionOpened{Session: s.Session, Timeout: s.Timeout})
	}
	if id := f.result.Closed; id != 0 {
		closed := &messages.SessionClosed{Session: id}
		f.after = f.after.To(messages.SlotTracker, closed).To(messages.SlotFront, closed)
	}
}

func (f *Final) answer(c *finalConn, r *messages.Request, p *messages.Proposal) {
	if t, ok := p.Body.(*messages.CreateSessionTxn); ok {
		f.out = f.out.To(messages.SlotConn, &messages.SessionReady{
			Conn: c.id, Session: r.Session, Timeout: t.Timeout, Password: t.Password,
		})
		return
	}
	start := f.begin(c, r, p.Header.Zxid, messages.ErrOK)
	o := &c.pending
	switch r.Op {
	case messages.OpCreate:
		o.Frames = jute.AppendString(o.Frames, f.result.Path)
	case messages.OpCreate2, messages.OpCreateContainer, messages.OpCreateTTL:
		o.Frames = jute.AppendStat(jute.AppendString(o.Frames, f.result.Path), &f.result.Stat)
	case messages.OpSetData, messages.OpSetACL:
		o.Frames = jute.AppendStat(o.Frames, &f.result.Stat)
	case messages.OpReconfig:
		if t, ok := p.Body.(*messages.SetDataTxn); ok {
			o.Frames = jute.AppendStat(jute.AppendBuffer(o.Frames, t.Data), &f.result.Stat)
		}
	case messages.OpMulti:
		o.Frames = f.appendMulti(o.Frames)
	}
	f.end(c, r, start)
	if r.Op == messages.OpCloseSession {
		f.closeAfter(c)
	}
}

func (f *Final) appendMulti(dst []byte) []byte {
	for i := range f.result.Ops {
		op := &f.result.Ops[i]
		res := jute.MultiResult{Op: op.Op, Path: op.Path, Stat: op.Stat}
		if op.Op == messages.OpCreateContainer || op.Op == messages.OpCreateTTL {
			res.Op = messages.OpCreate2
		}
		dst = res.Append(dst)
	}
	return jute.AppendMultiEnd(dst)
}

// refuse answers a write that became no transaction.
func (f *Final) refuse(r *messages.Request, word *messages.Refusal) {
	c := f.conn(r)
	switch {
	case r.Op == messages.OpCreateSession && r.Conn == 0:
		f.out = f.out.To(messages.SlotFront, &messages.UpgradeRefused{Session: r.Session})
	case r.Op == messages.OpCreateSession:
		// The request processor has bound a session that doesn't come to be. It ends the connection, too.
		f.out = f.out.To(messages.SlotFront, &messages.SessionClosed{Session: r.Session})
	}
	if c == nil {
		return
	}
	if word.Err == messages.ErrNotReadOnly && !f.readOnly {
		f.metrics.WritesRefusedDisk.Inc()
	}
	last := f.tree.LastZxid()
	switch {
	case r.Op == messages.OpTakeUp:
		f.takeUp(c, r)
	case word.Err == messages.ErrOK: // a sync or a fresh read, which has waited long enough
		f.read(r)
	case word.Err == messages.ErrSessionMoved:
		f.closeAfter(c) // no reply: the client is being served elsewhere
	case r.Op == messages.OpCreateSession:
		f.out = f.out.To(messages.SlotConn, &messages.CloseConn{
			Conn: c.id, Reason: "no session can be opened: " + word.Err.Error(),
		})
	case r.Op == messages.OpMulti && word.Results != nil:
		start := f.begin(c, r, last, messages.ErrOK)
		c.pending.Frames = appendMultiErrors(c.pending.Frames, word.Results)
		f.end(c, r, start)
	default:
		f.header(c, r, last, word.Err)
		if r.Op == messages.OpCloseSession {
			f.closeAfter(c)
		}
	}
}

// takeUp answers a client that has its session again. It may have been closed by a transaction that came in between.
func (f *Final) takeUp(c *finalConn, r *messages.Request) {
	s, ok := f.tree.Session(r.Session)
	if !ok {
		f.out = f.out.To(messages.SlotFront, &messages.SessionClosed{Session: r.Session})
		f.out = f.out.To(messages.SlotConn, &messages.SessionRefused{Conn: c.id})
		return
	}
	d := jute.NewDecoder(r.Body)
	f.out = f.out.To(messages.SlotConn, &messages.SessionReady{
		Conn: c.id, Session: r.Session, Timeout: d.Int(), Password: s.Password,
	})
}

func appendMultiErrors(dst []byte, results []messages.ErrCode) []byte {
	for _, code := range results {
		res := jute.MultiResult{Op: messages.OpError, Err: code}
		dst = res.Append(dst)
	}
	return jute.AppendMultiEnd(dst)
}
