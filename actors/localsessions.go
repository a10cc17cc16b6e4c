package actors

import (
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// LocalSessions are the sessions that only this server knows: nothing of them is replicated, so they cost the ensemble
// nothing, can't own ephemeral nodes, and are lost with this process. They outlive the pipeline, so that a short search
// for a leader doesn't end them. They belong to the request processor of the pipeline that runs.
type LocalSessions struct {
	sessions map[messages.SessionID]*localSession
	// upgraded are those whose createSession has been sent: from there on they are everybody's, unless that is refused.
	// They stay here until they end, since final tells of all ends and of few refusals.
	upgraded map[messages.SessionID]*localSession
}

type localSession struct {
	timeout  int32 // milliseconds, as granted last
	password []byte
}

// NewLocalSessions makes an empty table.
func NewLocalSessions() *LocalSessions {
	return &LocalSessions{
		sessions: map[messages.SessionID]*localSession{},
		upgraded: map[messages.SessionID]*localSession{},
	}
}

// Begin is called when a pipeline begins. A session that was upgraded is the ensemble's by now or nobody's: the pipeline
// that would have heard of a refusal is gone, and ephemerals that the session had may have been deleted.
func (l *LocalSessions) Begin() { clear(l.upgraded) }

// Clear forgets all of them.
func (l *LocalSessions) Clear() {
	clear(l.sessions)
	clear(l.upgraded)
}

// find gives a session of this server alone, nil if it isn't one. l may be nil, here and below.
func (l *LocalSessions) find(id messages.SessionID) *localSession {
	if l == nil || len(l.sessions) == 0 {
		return nil
	}
	return l.sessions[id]
}

func (l *LocalSessions) isUpgraded(id messages.SessionID) bool {
	return l != nil && l.upgraded[id] != nil
}

// forget takes a session out and tells whether it was there.
func (l *LocalSessions) forget(id messages.SessionID) bool {
	if l == nil || (l.sessions[id] == nil && l.upgraded[id] == nil) {
		return false
	}
	delete(l.sessions, id)
	delete(l.upgraded, id)
	return true
}

func (l *LocalSessions) count() int {
	if l == nil {
		return 0
	}
	return len(l.sessions)
}

// list gives the local ones by id.
func (l *LocalSessions) list() (list []messages.SessionInfo) {
	if l == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(l.sessions)) {
		list = append(list, messages.SessionInfo{Session: id, Timeout: l.sessions[id].timeout})
	}
	return list
}
