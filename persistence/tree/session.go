package tree

import (
	"cmp"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// Session is what the tree keeps of a session. Timeout is in milliseconds; Password is frozen.
type Session struct {
	Timeout  int32
	Password []byte
}

// sessionTable keeps the sessions in a slice, so that a snapshot can copy it at once, and in an order that follows from
// the transactions alone.
type sessionTable struct {
	records []sessionRecord
	byID    map[messages.SessionID]uint32
	vacant  []uint32
}

type sessionRecord struct {
	id       messages.SessionID // 0 for a vacant record
	timeout  int32
	password []byte
}

func newSessionTable() sessionTable {
	return sessionTable{byID: map[messages.SessionID]uint32{}}
}

func (s *sessionTable) add(r sessionRecord) {
	i := uint32(len(s.records))
	if n := len(s.vacant); n > 0 {
		i = s.vacant[n-1]
		s.vacant = s.vacant[:n-1]
		s.records[i] = r
	} else {
		s.records = append(s.records, r)
	}
	s.byID[r.id] = i
}

func (s *sessionTable) remove(id messages.SessionID) {
	i := s.byID[id]
	s.records[i] = sessionRecord{}
	s.vacant = append(s.vacant, i)
	delete(s.byID, id)
}

// Session finds an open session.
func (t *Tree) Session(id messages.SessionID) (Session, bool) {
	i, ok := t.sessions.byID[id]
	if !ok {
		return Session{}, false
	}
	r := &t.sessions.records[i]
	return Session{Timeout: r.timeout, Password: r.password}, true
}

// SessionCount is the number of open sessions.
func (t *Tree) SessionCount() int { return len(t.sessions.byID) }

// Sessions lists the open sessions, sorted by id.
func (t *Tree) Sessions() []messages.SessionInfo {
	out := make([]messages.SessionInfo, 0, len(t.sessions.byID))
	for i := range t.sessions.records {
		if r := &t.sessions.records[i]; r.id != 0 {
			out = append(out, messages.SessionInfo{Session: r.id, Timeout: r.timeout})
		}
	}
	slices.SortFunc(out, func(a, b messages.SessionInfo) int { return cmp.Compare(a.Session, b.Session) })
	return out
}
