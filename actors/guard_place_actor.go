package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// guardPlace is what differs between the places: what is shown, what keeps its order beside it, and where it goes on.
type guardPlace interface {
	take(ctx actor.Context, msg any) bool // false: nothing that comes to this place
	send(ctx actor.Context, out []guardEntry)
	begin(ctx actor.Context) error // an instance of the stage is up
	fail()                         // it has failed or ends
	check()                        // from time to time
}

func newGuardPlace(a *guardActor, index int) guardPlace {
	switch a.stage.Place {
	case BeforeRequest:
		return &doorPlace{a: a, index: index}
	case BeforePrep:
		return &deskPlace{a: a, index: index}
	case BeforeProposal:
		return &trialPlace{a: a, index: index}
	case BeforeReply:
		return &replyPlace{a: a, index: index, cut: map[messages.ConnID]bool{}, conns: map[messages.SessionID]messages.ConnID{}}
	default:
		return newTapPlace(a)
	}
}

// alike is for places that need nothing but their guard.
type alike struct{}

func (alike) begin(actor.Context) error { return nil }
func (alike) fail()                     {}
func (alike) check()                    {}

// doorPlace is BeforeRequest: between this server's connections and its request processor.
type doorPlace struct {
	alike
	a     *guardActor
	index int
}

func (p *doorPlace) next() *actor.PID { return p.a.env.Custom.Doors[p.index+1] }

func (p *doorPlace) take(ctx actor.Context, msg any) bool {
	switch m := msg.(type) {
	case *messages.Requests:
		p.requests(ctx, m)
	case *messages.Connect:
		if m.Session == 0 {
			ctx.Send(p.next(), m) // nothing comes before it
			break
		}
		p.a.core.take(guardEntry{msg: m, lane: uint64(m.Session)})
	case *messages.ConnClosed:
		p.a.core.take(guardEntry{msg: m, lane: uint64(m.Session)})
	default:
		return false
	}
	return true
}

// requests shows all but pings: a client must not think that its server is gone when a stage takes its time.
func (p *doorPlace) requests(ctx actor.Context, m *messages.Requests) {
	for i := range m.Items {
		r := &m.Items[i]
		switch r.Op {
		case messages.OpPing:
			ctx.Send(p.next(), &messages.Requests{Items: m.Items[i : i+1 : i+1]})
		case messages.OpRefused: // by the stage before
			p.a.core.take(guardEntry{msg: r, lane: uint64(r.Session), from: m, index: i})
		default:
			p.a.core.take(guardEntry{item: Item{request: r, conns: p.a.env.Conns}, lane: uint64(r.Session), from: m, index: i})
		}
	}
}

func (p *doorPlace) send(ctx actor.Context, out []guardEntry) { sendRequests(ctx, p.next(), out) }

// sendRequests lets what came together and passes together go on as one message, as it came; so a batch stays one of one
// connection, which is what the request processor expects. What was refused goes as another request in its place.
func sendRequests(ctx actor.Context, next *actor.PID, out []guardEntry) {
	for i := 0; i < len(out); {
		e, n := &out[i], 1
		switch {
		case e.from == nil:
			ctx.Send(next, e.msg)
		case e.refused():
			r := refusedRequest(e.item.request, e.item.verdict)
			ctx.Send(next, &messages.Requests{Items: []messages.Request{r}})
		default:
			for i+n < len(out) && out[i+n].from == e.from && out[i+n].index == e.index+n && !out[i+n].refused() {
				n++
			}
			m := e.from
			if n < len(m.Items) {
				m = &messages.Requests{Items: m.Items[e.index : e.index+n : e.index+n]}
			}
			ctx.Send(next, m)
		}
		i += n
	}
}

func (e *guardEntry) refused() bool { return e.msg == nil && e.item.verdict != messages.ErrOK }

// deskPlace is BeforePrep: between all who bring writes and the desk.
type deskPlace struct {
	alike
	a     *guardActor
	index int
}

func (p *deskPlace) next() *actor.PID { return p.a.env.Custom.Desks[p.index+1] }

func (p *deskPlace) take(ctx actor.Context, msg any) bool {
	switch m := msg.(type) {
	case *messages.Requests:
		for i := range m.Items {
			r := &m.Items[i]
			lane := uint64(r.Session)
			if !r.Op.IsWrite() { // a sync keeps its place, and so does what was refused before
				p.a.core.take(guardEntry{msg: r, lane: lane, from: m, index: i})
				continue
			}
			p.a.core.take(guardEntry{item: Item{request: r, conns: p.a.env.Conns}, lane: lane, from: m, index: i})
		}
	case *messages.SessionHome:
		p.a.core.take(guardEntry{msg: m, lane: uint64(m.Session)})
	case HoldDesk, ReleaseDesk, *messages.Applied, *messages.DiskSpace, *messages.Followers:
		ctx.Send(p.next(), m) // about the desk itself, not about what is on its way there
	default:
		return false
	}
	return true
}

func (p *deskPlace) send(ctx actor.Context, out []guardEntry) { sendRequests(ctx, p.next(), out) }

// repliesSeen goes before the frames that it is about.
type repliesSeen struct{ items []Item }

// replyPlace is BeforeReply: between final and this server's connections.
type replyPlace struct {
	alike
	a     *guardActor
	index int
	cut   map[messages.ConnID]bool // their replies have been refused: they end
	conns map[messages.SessionID]messages.ConnID
}

func (p *replyPlace) take(_ actor.Context, msg any) bool {
	if m, ok := msg.(*repliesSeen); ok {
		var last messages.SessionID
		for i := range m.items {
			r := m.items[i].request
			if r.Session != last { // most come together
				last = r.Session
				p.conns[last] = r.Conn
			}
			p.a.core.take(guardEntry{item: m.items[i], lane: uint64(r.Conn)})
		}
		return true
	}
	if m, ok := msg.(*messages.SessionClosed); ok {
		// Who hears of it closes the connection, and the client's own goodbye must have been answered by then.
		p.a.core.take(guardEntry{msg: m, lane: uint64(p.conns[m.Session])})
		delete(p.conns, m.Session)
		return true
	}
	conn := connOf(msg)
	if conn == 0 {
		return false
	}
	p.a.core.take(guardEntry{msg: msg, lane: uint64(conn)})
	return true
}

func (p *replyPlace) send(ctx actor.Context, out []guardEntry) {
	next := p.a.env.Custom.Replies[p.index+1]
	var seen []Item
	for i := range out {
		e := &out[i]
		if e.msg != nil {
			if len(seen) > 0 {
				ctx.Send(next, &repliesSeen{items: seen})
				seen = nil
			}
			p.forward(ctx, next, e.msg)
			continue
		}
		if e.item.verdict == messages.ErrOK {
			if next != nil {
				seen = append(seen, e.item)
			}
			continue
		}
		if conn := e.item.request.Conn; !p.cut[conn] {
			p.cut[conn] = true
			p.to(ctx, next, &messages.CloseConn{Conn: conn, Reason: "stage " + p.a.stage.ID + " holds back a reply"})
		}
	}
	if len(seen) > 0 {
		ctx.Send(next, &repliesSeen{items: seen})
	}
}

// forward sends frames on unless they have a reply in them that was refused.
func (p *replyPlace) forward(ctx actor.Context, next *actor.PID, msg any) {
	if _, frames := msg.(*messages.Output); frames && len(p.cut) > 0 && p.cut[connOf(msg)] {
		return
	}
	p.to(ctx, next, msg)
}

func (p *replyPlace) to(ctx actor.Context, next *actor.PID, msg any) {
	if next == nil {
		next = p.a.env.Conns.PID(connOf(msg))
	}
	if _, end := msg.(*messages.SessionClosed); end && p.a.env.Custom.Replies[p.index+1] == nil {
		next = p.a.env.Front
	}
	if next != nil {
		ctx.Send(next, msg)
	}
}

// check forgets connections that have ended.
func (p *replyPlace) check() {
	for conn := range p.cut { // each by itself: the order makes no difference
		if p.a.env.Conns.PID(conn) == nil {
			delete(p.cut, conn)
		}
	}
	for session, conn := range p.conns {
		if p.a.env.Conns.PID(conn) == nil {
			delete(p.conns, session)
		}
	}
}
