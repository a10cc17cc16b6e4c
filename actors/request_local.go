package actors

import (
	"bytes"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// What the request processor does for sessions that only this server knows.

// OpenLocally makes new sessions local ones, which l keeps. upgrade makes such a session everybody's when it asks for its
// first ephemeral node; without it that request is refused.
func (p *RequestProcessor) OpenLocally(l *LocalSessions, upgrade bool) {
	p.locals, p.upgrade = l, upgrade
}

// ReadOnly makes it the request processor of a server that serves reads while it looks for a leader: all sessions are local,
// and whatever needs a leader is refused.
func (p *RequestProcessor) ReadOnly(l *LocalSessions) { p.locals, p.readOnly = l, true }

// openLocal opens a session that nobody else hears of.
func (p *RequestProcessor) openLocal(m *messages.Connect) {
	id := p.newID()
	s := &localSession{timeout: m.Timeout, password: make([]byte, messages.PasswordLength)}
	p.random(s.password)
	p.locals.sessions[id] = s
	p.bound[id] = m.Conn
	p.ready(m.Conn, id, s)
}

// takeUpLocal gives a client its local session again, with a new timeout. Nobody else need be asked.
func (p *RequestProcessor) takeUpLocal(m *messages.Connect, s *localSession) {
	if !bytes.Equal(s.password, m.Password) {
		p.out = p.out.To(messages.SlotConn, &messages.SessionRefused{Conn: m.Conn})
		return
	}
	s.timeout = m.Timeout
	p.bound[m.Session] = m.Conn
	p.ready(m.Conn, m.Session, s)
}

// ready tells the tracker of a local session's timeout before its client can give a sign of life.
func (p *RequestProcessor) ready(conn messages.ConnID, id messages.SessionID, s *localSession) {
	p.out = p.out.To(messages.SlotLocal, &messages.SessionOpened{Session: id, Timeout: s.timeout})
	p.out = p.out.To(messages.SlotConn, &messages.SessionReady{
		Conn: conn, Session: id, Timeout: s.timeout, Password: s.password,
	})
}

// takeUpReadOnly answers a client that wants a session which isn't local. One that this server knows may live: only the
// leader can tell, so the client must go on looking for one. All others ended, or are of a server that is no more: a client
// that has seen a newer state than this server's doesn't come so far.
func (p *RequestProcessor) takeUpReadOnly(m *messages.Connect, known bool) {
	if known {
		p.out = p.out.To(messages.SlotConn, &messages.CloseConn{
			Conn: m.Conn, Reason: "its session is the ensemble's, and this server only serves reads at the moment",
		})
		return
	}
	p.out = p.out.To(messages.SlotConn, &messages.SessionRefused{Conn: m.Conn})
}

// passReadOnly refuses what would need a leader, in its place among the session's requests.
func (p *RequestProcessor) passReadOnly(r *messages.Request) {
	write := r.Op.IsWrite() && r.Op != messages.OpCloseSession
	if write || r.Op == messages.OpSync || (r.Fresh && showsState(r.Op)) {
		p.ticket++
		r.Ticket = p.ticket
		p.words = append(p.words, messages.Refusal{Ticket: r.Ticket, Err: messages.ErrNotReadOnly})
	}
}

// local looks at a local session's request before it goes its way. It returns whether the session is one still.
func (p *RequestProcessor) local(s *localSession, r *messages.Request) bool {
	if !p.upgrade || !wantsEphemeral(r) {
		r.Local = true
		return true
	}
	// The ensemble hears of the session first, then of the node. Both go by the same way.
	delete(p.locals.sessions, r.Session)
	p.locals.upgraded[r.Session] = s
	p.out = p.out.To(messages.SlotLocal, &messages.SessionClosed{Session: r.Session})
	p.pass(&messages.Request{
		Session: r.Session, Op: messages.OpCreateSession, Received: r.Received,
		Body: jute.AppendBuffer(jute.AppendInt(nil, s.timeout), s.password),
	})
	return false
}

// wantsEphemeral tells whether a request would create an ephemeral node. It isn't judged here: what can't be read, or
// fails for another reason, is refused where all writes are.
func wantsEphemeral(r *messages.Request) bool {
	d := jute.NewDecoder(r.Body)
	switch r.Op {
	case messages.OpCreate, messages.OpCreate2:
		q := jute.DecodeCreateRequest(&d, r.Op)
		return d.Err() == nil && makesEphemeral(r.Op, q.Flags)
	case messages.OpMulti:
		ops := jute.DecodeMulti(&d, false)
		if d.Err() != nil || !nameCreates(ops) {
			return false
		}
		for i := range ops {
			if q, ok := ops[i].Record.(jute.CreateRequest); ok && makesEphemeral(ops[i].Op, q.Flags) {
				return true
			}
		}
	}
	return false
}

// UpgradeRefused lets a session be local again: the ensemble couldn't take it.
func (p *RequestProcessor) UpgradeRefused(m *messages.UpgradeRefused) {
	if !p.locals.isUpgraded(m.Session) {
		return
	}
	s := p.locals.upgraded[m.Session]
	delete(p.locals.upgraded, m.Session)
	p.locals.sessions[m.Session] = s
	p.out = p.out.To(messages.SlotLocal, &messages.SessionOpened{Session: m.Session, Timeout: s.timeout})
}

// Expired ends local sessions of which nothing was heard for too long.
func (p *RequestProcessor) Expired(m *messages.SessionsExpired) {
	for _, id := range m.Sessions {
		if p.locals.find(id) != nil {
			p.SessionClosed(&messages.SessionClosed{Session: id})
		}
	}
}

// Locals tells the tracker which local sessions there are.
func (p *RequestProcessor) Locals() {
	for _, s := range p.locals.list() {
		p.out = p.out.To(messages.SlotLocal, &messages.SessionOpened{Session: s.Session, Timeout: s.Timeout})
	}
}
