package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// front is a request processor with some sessions in its tree.
func front(sessions ...messages.SessionID) *RequestProcessor {
	known := map[messages.SessionID]bool{}
	for _, s := range sessions {
		known[s] = true
	}
	lookup := func(id messages.SessionID) ([]byte, bool) { return []byte("secret"), known[id] }
	return NewRequestProcessor(lookup, 100, func(b []byte) { clear(b) })
}

func (p *RequestProcessor) takeUp(conn messages.ConnID, session messages.SessionID) {
	p.Connect(&messages.Connect{Conn: conn, Session: session, Password: []byte("secret"), Timeout: 4000})
	p.Revalidated(&messages.Revalidated{Conn: conn, Session: session, Timeout: 4000, Valid: true})
}

func write(conn messages.ConnID, session messages.SessionID) []messages.Request {
	return []messages.Request{{Conn: conn, Session: session, Op: messages.OpSetData}}
}

func toSlot[M any](out messages.Outbox, slot messages.Slot) (list []M) {
	for _, s := range out {
		if m, ok := s.Msg.(M); ok && s.Slot == slot {
			list = append(list, m)
		}
	}
	return list
}

// The old connection's actor may still hand over what it read before it heard that it has to end.
func TestRequestsOfAConnectionThatLostItsSessionAreDropped(t *testing.T) {
	p := front(7)
	p.takeUp(1, 7)
	p.Requests(write(1, 7))
	if got := toSlot[*messages.Requests](p.Flush(), messages.SlotPrep); len(got) != 1 {
		t.Fatalf("the holder's write went %d times to the desk", len(got))
	}
	p.takeUp(2, 7)
	p.Flush()
	p.Requests(write(1, 7))
	out := p.Flush()
	if len(toSlot[*messages.Requests](out, messages.SlotPrep))+len(toSlot[*messages.Requests](out, messages.SlotGate)) > 0 {
		t.Error("a write of the former holder passed")
	}
	if got := toSlot[*messages.CloseConn](out, messages.SlotConn); len(got) != 1 || got[0].Conn != 1 {
		t.Errorf("its connection was told %v", got)
	}
	p.Requests(write(2, 7))
	if got := toSlot[*messages.Requests](p.Flush(), messages.SlotGate); len(got) != 1 {
		t.Error("the new holder's write was dropped")
	}
}

func TestNewSessionsNeverGetAnIDThatIsInUse(t *testing.T) {
	p := front(100, 101, 103)
	var got []messages.SessionID
	for conn := range messages.ConnID(2) {
		p.Connect(&messages.Connect{Conn: conn + 1, Timeout: 4000})
	}
	for _, r := range toSlot[*messages.Requests](p.Flush(), messages.SlotPrep)[0].Items {
		got = append(got, r.Session)
	}
	if len(got) != 2 || got[0] != 102 || got[1] != 104 {
		t.Errorf("got %v, want 102 and 104", got)
	}
}

func TestNothingStaysBound(t *testing.T) {
	p := front(7)
	p.Connect(&messages.Connect{Conn: 1, Timeout: 4000})
	p.SessionClosed(&messages.SessionClosed{Session: 100}) // final's word on one that could not be opened
	p.takeUp(2, 7)
	p.ConnClosed(&messages.ConnClosed{Conn: 2, Session: 7})
	p.Connect(&messages.Connect{Conn: 3, Session: 8, Password: []byte("secret")})
	p.Connect(&messages.Connect{Conn: 4, Session: 7, Password: []byte("secret")})
	p.Revalidated(&messages.Revalidated{Conn: 4, Session: 7})
	if len(p.bound) > 0 {
		t.Errorf("still bound: %v", p.bound)
	}
}
