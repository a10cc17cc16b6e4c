package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// Server 2 hands over to server 3. Session 7 has moved from server 1 to server 2, session 8 is at server 3; what their
// clients have left on older connections is refused by the new desk as it was by the old one.
func TestHomesMoveWithTheDesk(t *testing.T) {
	old := sessionHomes{}
	ask := func(h sessionHomes, session messages.SessionID, origin messages.ServerID) messages.ErrCode {
		return h.check(&messages.Request{Conn: 1, Session: session, Origin: origin})
	}
	if ask(old, 7, 1) != messages.ErrOK || ask(old, 8, 3) != messages.ErrOK {
		t.Fatal("the first request tells where a session is")
	}
	old.move(&messages.SessionHome{Session: 7, Server: 0})
	heir := sessionHomes{}
	heir.inherit(old.list(2), 3)
	for _, c := range []struct {
		session messages.SessionID
		origin  messages.ServerID
		want    messages.ErrCode
	}{
		{7, 1, messages.ErrSessionMoved}, {7, 2, messages.ErrOK}, {7, 0, messages.ErrSessionMoved},
		{8, 0, messages.ErrOK}, {8, 2, messages.ErrSessionMoved},
	} {
		if got := ask(heir, c.session, c.origin); got != c.want {
			t.Errorf("session %v from server %d: %v, want %v", c.session, c.origin, got, c.want)
		}
	}
}
