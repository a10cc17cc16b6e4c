package actors

import "github.com/troupekeeper/troupe/messages"

// Fresh reads see everything that was acknowledged before they came, at whichever server. A server's own state may be
// behind, and a leader's own too, without its knowing: another one may have been established. So such a read waits, like a
// sync, for a proof that the leader still leads, and for what is committed by then.

// wantsProof tells whether a request is a read that may have to wait. A server that runs alone has nobody to ask.
func (p *RequestProcessor) wantsProof(r *messages.Request) bool {
	return p.ensemble && !p.readOnly && showsState(r.Op)
}

// askProof sends a fresh read on. All reads behind it in the same batch of its session wait for the same proof: they had
// come when it was asked for. The leader needn't know what is to be read.
func (p *RequestProcessor) askProof(r *messages.Request) {
	p.ticket++
	r.Ticket = p.ticket
	p.toGate(r)
	p.toDesk(&messages.Request{
		Conn: r.Conn, Session: r.Session, Ticket: r.Ticket, Xid: r.Xid, Op: r.Op, Local: r.Local, Fresh: true,
	})
}

// showsState tells whether an operation's answer shows what is in the tree, and nothing else.
func showsState(op messages.OpCode) bool {
	switch op {
	case messages.OpExists, messages.OpGetData, messages.OpGetACL, messages.OpGetChildren, messages.OpGetChildren2,
		messages.OpGetEphemerals, messages.OpGetAllChildrenNumber, messages.OpMultiRead:
		return true
	}
	return false
}
