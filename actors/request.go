package actors

import (
	"bytes"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// SessionLookup is what the request processor asks the tree.
type SessionLookup func(id messages.SessionID) (password []byte, ok bool)

// RequestProcessor is the first stage of a server's own clients: it stamps writes with tickets, hands each request
// to the gate and each write to the desk as well, and knows which connection a session is bound to. What it sends
// collects in an outbox until Flush.
type RequestProcessor struct {
	lookup   SessionLookup
	random   func([]byte)
	nextID   messages.SessionID
	ticket   messages.Ticket
	ensemble bool           // there is a leader to ask: about syncs, and about sessions that this server may not know yet
	readOnly bool           // there is none: whatever would need one is refused
	locals   *LocalSessions // new sessions are local; nil: they are everybody's
	upgrade  bool           // local sessions become everybody's when they need it
	bound    map[messages.SessionID]messages.ConnID
	requests *messages.Requests                          // to the gate; nil: none
	writes   *messages.Requests                          // to the desk; nil: none
	words    []messages.Refusal                          // on requests of its own, which follow them to the gate
	asked    map[messages.SessionID]*messages.Revalidate // questions to the leader that it hasn't answered
	desk     deskState
	out      messages.Outbox
	last     [2]int // sizes of the last batches of requests and writes, for the capacity of the next ones
}

// deskState says where writes go beside the gate.
type deskState uint8

const (
	deskOpen   deskState = iota // to the desk
	deskHeld                    // nowhere: leadership is being handed over, and the gate keeps what waits
	deskBehind                  // nowhere yet: the gate is sending what waits to the new desk, and they come behind it
)

// NewRequestProcessor makes one. firstID is the first session id to give out; random fills passwords.
func NewRequestProcessor(lookup SessionLookup, firstID messages.SessionID, random func([]byte)) *RequestProcessor {
	return &RequestProcessor{
		lookup: lookup, random: random, nextID: firstID,
		bound: map[messages.SessionID]messages.ConnID{},
	}
}

// InEnsemble makes it the request processor of a member: the leader is asked about syncs and about sessions that clients take
// up. Tickets follow first.
func (p *RequestProcessor) InEnsemble(first messages.Ticket) {
	p.ensemble, p.ticket, p.asked = true, first, map[messages.SessionID]*messages.Revalidate{}
}

// Hold keeps writes and questions from the desk of a leader that hands over.
func (p *RequestProcessor) Hold() { p.desk = deskHeld }

// Resubmit is said when there is a new desk, to which the gate now sends what waits. What comes from now on follows that.
func (p *RequestProcessor) Resubmit() { p.writes, p.desk = nil, deskBehind }

// Resubmitted opens the new desk.
func (p *RequestProcessor) Resubmitted() {
	p.desk = deskOpen
	for _, id := range slices.Sorted(maps.Keys(p.asked)) {
		p.out = p.out.To(messages.SlotLeader, p.asked[id])
	}
}

// FirstSessionID is where a server starts to count: its id in the top byte, then 40 bits of its start time, so that
// ids of different servers and runs don't collide.
func FirstSessionID(server messages.ServerID, startMs int64) messages.SessionID {
	return messages.SessionID(uint64(startMs)<<24>>8 | uint64(server)<<56)
}

// Requests takes a batch of one connection's requests. They are dropped when the connection has lost its session: it
// was told to end, and its client may long be heard on another one. What it sent on the old one must not happen behind
// what it has been told on the new one.
func (p *RequestProcessor) Requests(items []messages.Request) {
	if conn, ok := p.bound[items[0].Session]; ok && conn == items[0].Conn {
		p.Submit(items)
		return
	}
	p.out = p.out.To(messages.SlotConn, &messages.CloseConn{Conn: items[0].Conn, Reason: "its session is not its own any more"})
}

// Submit takes a batch of requests of one session.
func (p *RequestProcessor) Submit(items []messages.Request) {
	if p.requests == nil {
		p.requests = messages.NewRequests(batchCap(p.last[0], len(items)))
	}
	session, proof := p.locals.find(items[0].Session), false
	for i := range items {
		r := &items[i]
		if session != nil && !p.local(session, r) {
			session = nil
		}
		if r.Fresh && !proof && p.wantsProof(r) {
			proof = true
			p.askProof(r)
			continue
		}
		p.pass(r)
	}
}

// pass sends a request on: to the gate, and to the desk if it waits for the leader's word.
func (p *RequestProcessor) pass(r *messages.Request) {
	switch {
	case p.readOnly:
		p.passReadOnly(r)
	case p.asksLeader(r):
		p.ticket++
		r.Ticket = p.ticket
		p.toDesk(r)
	}
	p.toGate(r)
}

func (p *RequestProcessor) toGate(r *messages.Request) {
	if p.requests == nil {
		p.requests = messages.NewRequests(batchCap(p.last[0], 1))
	}
	p.requests.Items = append(p.requests.Items, *r)
}

func (p *RequestProcessor) toDesk(r *messages.Request) {
	if p.writes == nil {
		p.writes = messages.NewRequests(batchCap(p.last[1], 1))
	}
	p.writes.Items = append(p.writes.Items, *r)
}

// asksLeader tells whether a request waits for the leader's word. On a server that runs alone a sync is a read: what is
// committed is applied. A local session ends without the leader.
func (p *RequestProcessor) asksLeader(r *messages.Request) bool {
	if r.Op == messages.OpSync {
		return p.ensemble
	}
	return r.Op.IsWrite() && r.Op != messages.OpCheck && !(r.Local && r.Op == messages.OpCloseSession)
}

// Connect opens a session or starts to take one up.
func (p *RequestProcessor) Connect(m *messages.Connect) {
	if m.Session == 0 {
		if p.locals != nil {
			p.openLocal(m)
		} else {
			p.open(m)
		}
		return
	}
	// Whoever holds the session on this server loses it, even if the password turns out to be wrong.
	if old, ok := p.bound[m.Session]; ok && old != m.Conn {
		p.out = p.out.To(messages.SlotConn, &messages.CloseConn{Conn: old, Reason: "the session was taken up by another connection"})
		delete(p.bound, m.Session)
	}
	if s := p.locals.find(m.Session); s != nil {
		p.takeUpLocal(m, s)
		return
	}
	password, ok := p.lookup(m.Session)
	switch {
	case p.readOnly:
		p.takeUpReadOnly(m, ok)
		return
	case !ok && p.locals.isUpgraded(m.Session):
		p.out = p.out.To(messages.SlotConn, &messages.CloseConn{
			Conn: m.Conn, Reason: "its session is becoming the ensemble's: it must come again",
		})
		return
	}
	// In an ensemble a session may have been opened on another server and not be in this one's tree yet.
	if (!ok && !p.ensemble) || (ok && !bytes.Equal(password, m.Password)) {
		p.out = p.out.To(messages.SlotConn, &messages.SessionRefused{Conn: m.Conn})
		return
	}
	p.bound[m.Session] = m.Conn
	ask := &messages.Revalidate{Conn: m.Conn, Session: m.Session, Timeout: m.Timeout}
	if !p.ensemble {
		p.out = p.out.To(messages.SlotTracker, ask)
		return
	}
	ask.Password = m.Password
	if p.asked[m.Session] = ask; p.desk == deskOpen {
		p.out = p.out.To(messages.SlotLeader, ask)
	}
}

func (p *RequestProcessor) open(m *messages.Connect) {
	id := p.newID()
	password := make([]byte, messages.PasswordLength)
	p.random(password)
	p.bound[id] = m.Conn
	p.Submit([]messages.Request{{
		Conn: m.Conn, Session: id, Op: messages.OpCreateSession, Received: m.Received,
		Body: jute.AppendBuffer(jute.AppendInt(nil, m.Timeout), password),
	}})
}

// newID gives the next id that is free. One may be taken: ids begin with the time of the start, and clocks are set back.
func (p *RequestProcessor) newID() messages.SessionID {
	for {
		id := p.nextID
		p.nextID++
		_, taken := p.lookup(id)
		taken = taken || p.locals.find(id) != nil || p.locals.isUpgraded(id)
		if !taken && id != 0 && uint64(id) != uint64(messages.ContainerOwner) { // neither of these is a session
			return id
		}
	}
}

// Revalidated takes the tracker's word on a session that a client wants to take up.
func (p *RequestProcessor) Revalidated(m *messages.Revalidated) {
	if ask := p.asked[m.Session]; ask != nil && ask.Conn == m.Conn {
		delete(p.asked, m.Session)
	}
	if p.bound[m.Session] != m.Conn {
		return // meanwhile another connection has taken it up, or this one has ended
	}
	if m.Valid && m.After != 0 {
		p.serveBehind(m)
		return
	}
	password, ok := p.lookup(m.Session)
	if !m.Valid || !ok {
		delete(p.bound, m.Session)
		p.out = p.out.To(messages.SlotConn, &messages.SessionRefused{Conn: m.Conn})
		return
	}
	p.out = p.out.To(messages.SlotConn, &messages.SessionReady{
		Conn: m.Conn, Session: m.Session, Timeout: m.Timeout, Password: password,
	})
}

// serveBehind lets the session be served when this server's tree has reached the state in which the leader found it alive. It
// goes through the gate like a write that the leader has answered already.
func (p *RequestProcessor) serveBehind(m *messages.Revalidated) {
	p.ticket++
	r := messages.Request{
		Conn: m.Conn, Session: m.Session, Ticket: p.ticket, Op: messages.OpTakeUp, Body: jute.AppendInt(nil, m.Timeout),
	}
	p.toGate(&r)
	p.words = append(p.words, messages.Refusal{Ticket: r.Ticket, After: m.After})
}

// ConnClosed forgets a connection; its session stays without one.
func (p *RequestProcessor) ConnClosed(m *messages.ConnClosed) {
	if p.bound[m.Session] == m.Conn {
		delete(p.bound, m.Session)
		delete(p.asked, m.Session)
	}
}

// SessionClosed ends the connection of a session that is no more. After a client's own goodbye final ends it.
func (p *RequestProcessor) SessionClosed(m *messages.SessionClosed) {
	if p.locals.forget(m.Session) {
		p.out = p.out.To(messages.SlotLocal, m)
	}
	if conn, ok := p.bound[m.Session]; ok {
		delete(p.bound, m.Session)
		p.out = p.out.To(messages.SlotConn, &messages.CloseConn{Conn: conn, Reason: "the session has expired or was closed"})
	}
}

// Flush hands over what is to be sent: one batch to the gate, one of writes to the desk.
func (p *RequestProcessor) Flush() messages.Outbox {
	out := p.out
	if p.requests != nil && len(p.requests.Items) > 0 {
		out = out.To(messages.SlotGate, p.requests)
		p.last[0] = len(p.requests.Items)
		p.requests = nil
	}
	if len(p.words) > 0 {
		out = out.To(messages.SlotGate, &messages.Refusals{Items: p.words})
		p.words = nil
	}
	switch {
	case p.writes == nil || p.desk == deskBehind:
	case p.desk == deskHeld:
		p.writes = nil
	default:
		for part := range messages.Batches(p.writes.Items, (*messages.Request).Size) {
			if len(part) == len(p.writes.Items) {
				out = out.To(messages.SlotPrep, p.writes)
				break
			}
			out = out.To(messages.SlotPrep, &messages.Requests{Items: part})
		}
		p.last[1] = len(p.writes.Items)
		p.writes = nil
	}
	p.out = nil
	return out
}

// Sent takes back what Flush has handed over, when all of it has been sent.
func (p *RequestProcessor) Sent(out messages.Outbox) {
	if p.out == nil {
		p.out = out.Reuse()
	}
}
