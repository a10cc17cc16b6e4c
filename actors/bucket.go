package actors

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// Bucket holds the sessions of one deadline.
type Bucket struct {
	sessions map[messages.SessionID]struct{}
}

// NewBucket makes an empty one.
func NewBucket() *Bucket { return &Bucket{sessions: map[messages.SessionID]struct{}{}} }

// Join puts a session in.
func (b *Bucket) Join(id messages.SessionID) { b.sessions[id] = struct{}{} }

// Leave takes it out.
func (b *Bucket) Leave(id messages.SessionID) { delete(b.sessions, id) }

// Due gives what is left when the deadline has come, by id, and forgets it.
func (b *Bucket) Due() []messages.SessionID {
	ids := make([]messages.SessionID, 0, len(b.sessions))
	for id := range b.sessions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	clear(b.sessions)
	return ids
}
