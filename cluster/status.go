package cluster

import (
	"slices"
	"sync/atomic"

	"github.com/troupekeeper/troupe/messages"
)

// Phase is how far a role has come (Junqueira, Reed, Serafini, DSN 2011, section IV).
type Phase uint32

// The phases, in their order.
const (
	PhaseElection        Phase = 0 // who is to lead
	PhaseDiscovery       Phase = 1 // the epoch
	PhaseSynchronization Phase = 2 // the common history
	PhaseBroadcast       Phase = 3 // established
)

// String is the word that commands print, which is ZooKeeper's.
func (p Phase) String() string {
	switch p {
	case PhaseElection:
		return "election"
	case PhaseDiscovery:
		return "discovery"
	case PhaseSynchronization:
		return "synchronization"
	case PhaseBroadcast:
		return "broadcast"
	}
	return "unknown"
}

// Tally is what is known of a number that was measured several times. The zero value has seen none.
type Tally struct {
	Count, Last, Min, Max, Sum int64
}

// Add takes one more measurement in.
func (t *Tally) Add(v int64) {
	if t.Count == 0 || v < t.Min {
		t.Min = v
	}
	if t.Count == 0 || v > t.Max {
		t.Max = v
	}
	t.Count++
	t.Last = v
	t.Sum += v
}

// PeerStatus is what the peer actor tells of this server.
type PeerStatus struct {
	ID        messages.ServerID
	State     messages.ServerState
	Leader    messages.ServerID   // whom it follows, itself when it leads; 0 while it looks
	Epoch     uint32              // of the leader's reign, 0 before one is known
	Members   messages.Membership // in effect
	Round     uint64              // of the last election
	Elections Tally               // how long elections took, in milliseconds; Count is how many have ended
	Looking   int64               // how many have begun
	SinceUs   int64               // when the state began, monotonic microseconds
	ReadOnly  bool                // it looks, and serves reads meanwhile
}

// LeaderStatus is what the leader alone knows.
type LeaderStatus struct {
	Learners     []LearnerStatus // by rising id
	Proposals    Tally           // sizes of proposals in bytes
	PendingSyncs int             // syncs that are not answered yet
}

// LearnerStatus is one learner that is connected to this leader.
type LearnerStatus struct {
	ID            messages.ServerID
	Address       string // of the other end, host:port
	Observer      bool
	Synced        bool          // it is up to date and takes part in the broadcast
	Acked         messages.Zxid // the last transaction that it has on disk; of an observer: the last that it was sent
	HeardUs       int64         // when its last message came, monotonic microseconds
	EstablishedMs int64         // when it connected, milliseconds since 1970
	Queued        int           // messages that wait to be written
	QueuedBytes   int64
	Received      int64 // messages since it connected
	Sent          int64
	Requests      int64 // requests of its clients among those
}

// Status is all of it, as of about one moment. It is a value and shares nothing that changes.
type Status struct {
	PeerStatus
	LeaderStatus
	Phase Phase
}

// StatusBoard is where the actors of a server put up what they are doing, for commands and metrics to read. Each part has
// one writer; what is put up is not changed afterwards. The zero value is ready: a server that looks.
type StatusBoard struct {
	peer   atomic.Pointer[PeerStatus]
	leader atomic.Pointer[LeaderStatus]
	phase  atomic.Uint32
}

// PutPeer is for the peer actor: at each change of what it tells, and before it starts the actors of a role. With a new
// state the role begins at discovery, and what an earlier leader has put up comes down.
func (b *StatusBoard) PutPeer(s PeerStatus) {
	if old := b.peer.Load(); old == nil || old.State != s.State {
		b.leader.Store(nil)
		b.PutPhase(PhaseDiscovery)
	}
	b.peer.Store(&s)
}

// PutLeader is for the leader actor: at each of its ticks.
func (b *StatusBoard) PutLeader(s LeaderStatus) { b.leader.Store(&s) }

// PutPhase is for the leader or the learner, when a phase begins.
func (b *StatusBoard) PutPhase(p Phase) { b.phase.Store(uint32(p)) }

// Status reads the board. What a leader has left behind is not shown in another state.
func (b *StatusBoard) Status() (s Status) {
	if p := b.peer.Load(); p != nil {
		s.PeerStatus = *p
	}
	if s.State != messages.Looking {
		s.Phase = Phase(b.phase.Load())
	}
	if l := b.leader.Load(); l != nil && s.State == messages.Leading {
		s.LeaderStatus = *l
	}
	return s
}

// Voter tells whether this server votes.
func (s Status) Voter() bool { return s.votes(s.ID) }

func (s Status) votes(id messages.ServerID) bool { return slices.Contains(s.Members.Voters(), id) }

// Synced counts the learners that are up to date: followers, of these the ones whose vote doesn't count because the
// membership doesn't have them, and observers.
func (s Status) Synced() (followers, guests, observers int) {
	for _, l := range s.Learners {
		switch {
		case !l.Synced:
		case l.Observer:
			observers++
		default:
			followers++
			if !s.votes(l.ID) {
				guests++
			}
		}
	}
	return followers, guests, observers
}
