package actors

import (
	"cmp"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// sessionHomes is a leader's account of which server each session's client is connected to. A write that comes from
// another server was sent on a connection that the client has left behind: it must not happen after what the client has
// been told since. A local session has one server alone. nil on a server that runs alone.
type sessionHomes map[messages.SessionID]messages.ServerID

// check tells whether a request comes from where its session's client is now. The first one after a change of leaders
// tells where that is.
func (h sessionHomes) check(r *messages.Request) messages.ErrCode {
	if h == nil || r.Conn == 0 || r.Session == 0 || r.Local {
		return messages.ErrOK
	}
	home, known := h[r.Session]
	if !known {
		h[r.Session] = r.Origin
		return messages.ErrOK
	}
	if home != r.Origin {
		return messages.ErrSessionMoved
	}
	return messages.ErrOK
}

// move notes that the client has been taken over by another server.
func (h sessionHomes) move(m *messages.SessionHome) {
	if h != nil {
		h[m.Session] = m.Server
	}
}

func (h sessionHomes) forget(id messages.SessionID) { delete(h, id) }

// list gives the account to whom leadership is handed over. self is this server, which the account knows as 0.
func (h sessionHomes) list(self messages.ServerID) []messages.SessionHome {
	list := make([]messages.SessionHome, 0, len(h))
	for _, id := range slices.Sorted(maps.Keys(h)) {
		list = append(list, messages.SessionHome{Session: id, Server: cmp.Or(h[id], self)})
	}
	return list
}

// inherit takes the account over from the leader before.
func (h sessionHomes) inherit(list []messages.SessionHome, self messages.ServerID) {
	for _, m := range list {
		if m.Server == self {
			m.Server = 0
		}
		h[m.Session] = m.Server
	}
}
