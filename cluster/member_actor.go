package cluster

import (
	"cmp"
	"encoding/binary"
	"io"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// Options describe one member of an ensemble.
type Options struct {
	Self       Identity
	Membership messages.Membership // as the configuration says it
	// Reconfig lets the members change: then they are kept in the data folder, and what is kept there counts. Without it the
	// configuration counts, and what other servers say until the next start.
	Reconfig bool
	// Files keeps the configuration files in step with the members, for people and for the next start; nil: there are none.
	Files          MembershipFiles
	ListenOnAllIPs bool // for other servers, not only at the address in this server's own line
	Network        Network

	Tick      time.Duration
	InitLimit int           // ticks for a learner to connect and catch up
	SyncLimit int           // ticks for which a member may be silent, or behind
	EpochWait time.Duration // for which a new leader waits for a quorum's epochs; 0: 2 s, but not more than InitLimit

	CommitLogCount int     // committed transactions kept in memory for learners that come back
	MaxSnapSyncs   int     // learners that are sent a snapshot at a time; 0: no limit
	MaxDiffSyncs   int     // learners that are sent a part of the log at a time; 0: no limit
	SnapshotFactor float64 // log to send instead of a snapshot, relative to its size; below 0: always the snapshot
	ObserverLog    bool    // an observer keeps a log
	ReadOnlyMode   bool    // reads are served while there is no leader
	LeaderRefuses  bool    // clients get no session while this server leads
	// An observer that has lost its leader looks for one after a random part of each of these: many observers shall not
	// come back at once.
	ObserverReconnectDelay time.Duration
	ObserverElectionDelay  time.Duration

	NotifyMin    time.Duration
	NotifyMax    time.Duration
	FinalizeWait time.Duration // 0: 50 ms
	LastCounter  uint32        // transactions of an epoch after which the next one begins; 0: shortly before there are no more

	Actors    *actors.Options
	Auth      *auth.Registry
	Store     *persistence.Store
	Listeners []*actor.PID
	// The doors are this server's own ports for the others, opened before anything else so that a port in use is told first.
	QuorumDoor   actors.Acceptor
	ElectionDoor actors.Acceptor
	Commands     *actor.PID
	Board        *StatusBoard // what commands and metrics read
	Progress     func(persistence.Progress)
	Ready        func()
	Failed       func(error)
}

// MembershipFiles are configuration files that name the members. What goes wrong with them costs the files, not the membership.
type MembershipFiles interface {
	// Propose notes members that may be in effect soon.
	Propose(m messages.Membership) error
	// Withdraw takes that note back: they never will be.
	Withdraw() error
	// Activate makes the files name members that are in effect. The note goes.
	Activate(m messages.Membership) error
}

// member is what the actors of one server share.
type member struct {
	Options
	rt *actors.Runtime
}

func (m *member) now() int64 { return m.rt.Clock.MonoUs() / 1000 }

func (m *member) ms(ticks int) int64 { return m.Tick.Milliseconds() * int64(ticks) }

// RuleOf is the quorum rule of a membership: by groups where it has some, else by majority of its participants.
func RuleOf(m messages.Membership) (QuorumRule, error) {
	if len(m.Groups) == 0 {
		return NewMajority(m.Voters()), nil
	}
	var groups [][]messages.ServerID
	weights := map[messages.ServerID]int{}
	for _, g := range m.Groups {
		groups = append(groups, g.Members)
	}
	for _, id := range m.Voters() {
		weights[id] = m.Weight(id)
	}
	return NewHierarchical(groups, weights)
}

// leaderOptions are the limits of a leader here.
func (m *member) leaderOptions() LeaderOptions {
	wait := m.EpochWait.Milliseconds()
	if wait <= 0 {
		wait = min(2000, m.ms(m.InitLimit))
	}
	return LeaderOptions{
		Self: m.Self.ID, Tick: m.Tick.Milliseconds(), InitLimit: m.ms(m.InitLimit), SyncLimit: m.ms(m.SyncLimit),
		EpochWait: wait, Window: m.CommitLogCount, WindowBytes: windowBytes,
		SnapSyncs: m.MaxSnapSyncs, DiffSyncs: m.MaxDiffSyncs,
		LastCounter: cmp.Or(m.LastCounter, lastCounter),
	}
}

// windowBytes bounds the committed transactions that a leader keeps in memory: large values would otherwise make it a
// matter of gigabytes.
const windowBytes = 64 << 20

// lookEvery is how often leaders and learners look at their limits of time: fine enough that a silent leader is replaced
// a fraction of a second after syncLimit.
const lookEvery = 25 * time.Millisecond

func (m *member) electionOptions() ElectionOptions {
	o := DefaultElectionOptions(m.Self.ID)
	if m.NotifyMin > 0 {
		o.MinNotificationMs = m.NotifyMin.Milliseconds()
	}
	if m.NotifyMax > 0 {
		o.MaxNotificationMs = m.NotifyMax.Milliseconds()
	}
	if m.FinalizeWait > 0 {
		o.FinalizeWaitMs = m.FinalizeWait.Milliseconds()
	}
	// Rounds of a later process are beyond those of an earlier one, so that nobody takes an old word for a new one.
	o.FirstRound = m.Self.Incarnation
	return o
}

// observerDelay is how long an observer waits this time.
func (m *member) observerDelay() (sum time.Duration) {
	for _, limit := range []time.Duration{m.ObserverReconnectDelay, m.ObserverElectionDelay} {
		if limit <= 0 {
			continue
		}
		var b [8]byte
		if _, err := io.ReadFull(m.rt.Random, b[:]); err != nil {
			panic("no random bytes: " + err.Error())
		}
		sum += time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(limit))
	}
	return sum
}

func (m *member) spawnElectionPeer(other ElectionMember, election *actor.PID) *actor.Props {
	return NewElectionPeer(m.rt, m.Network, m.Self, other, election, DefaultElectionPeerOptions())
}
