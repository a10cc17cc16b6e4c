package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// LeaderOptions are the limits of a leader. Times are in milliseconds.
type LeaderOptions struct {
	Self        messages.ServerID
	Tick        int64
	InitLimit   int64  // for a learner to be synchronised, and for the quorum to form
	SyncLimit   int64  // for which a learner may be silent, or behind
	EpochWait   int64  // for which a new leader waits for a quorum's epochs
	Window      int    // committed transactions to keep for learners that come back
	WindowBytes int64  // of them at most; what isn't durable here yet stays all the same
	SnapSyncs   int    // learners that are sent a snapshot at a time; 0: no limit
	DiffSyncs   int    // learners that are sent transactions that they lack at a time; 0: no limit
	LastCounter uint32 // of an epoch, at which the next one begins
}

// leaderPhase is how far a leader has come.
type leaderPhase uint8

const (
	leaderDiscovers   leaderPhase = iota // waits for the epochs of a quorum
	leaderPromises                       // its own acceptedEpoch is being written
	leaderAsks                           // waits for a quorum's EpochAck
	leaderTakesOver                      // its own currentEpoch is being written
	leaderSynchronise                    // waits for a quorum's NewLeaderAck
	leaderBroadcasts                     // established
	leaderEnded
)

// Leader is the leader's side of Zab (Junqueira, Reed, Serafini, DSN 2011, section IV): it finds the epoch, has learners
// synchronised, and puts proposals, acknowledgements and commits in order. It decides; leaderActor sends.
type Leader struct {
	opts    LeaderOptions
	rules   []QuorumRule        // all of which a quorum must satisfy: the members' and, behind it, the change's
	members messages.Membership // in effect
	text    string              // of them
	change  *memberChange       // that isn't committed yet
	leaving leaving

	phase    leaderPhase
	began    int64
	accepted uint32 // this server's own
	current  uint32
	epoch    uint32 // of this reign; 0 until it is known
	last     messages.Zxid

	learners map[messages.ServerID]*learnerState

	outstanding []messages.Proposal // proposed and not committed, consecutive
	proposed    messages.Zxid
	committed   messages.Zxid
	durable     messages.Zxid // on this server
	window      history

	syncs   syncQueue
	feeding feeding
	hand    handOver
	pinged  int64 // when the last heartbeat went out
	lost    int64 // since when there is no quorum, 0: there is
	ticked  int64
	out     []LeaderSend
	reason  string // why it has ended
}

// learnerPhase is how far the leader has come with one learner.
type learnerPhase uint8

const (
	learnerKnown    learnerPhase = iota // has said its epoch
	learnerAsked                        // has got LeaderInfo
	learnerPromised                     // has answered EpochAck
	learnerSyncs                        // gets what it lacks; the broadcast is collected for it
	learnerSynced                       // has answered NewLeaderAck
	learnerUp                           // is up to date
)

type learnerState struct {
	id       messages.ServerID
	observer bool
	phase    learnerPhase
	accepted uint32
	lastZxid messages.Zxid // when it came
	fresh    bool          // its promise counts
	acked    messages.Zxid
	since    int64 // when it came
	heard    int64 // when the last message of it came
	moved    int64 // when it last acknowledged something new, or had nothing to acknowledge
	beat     uint64
	full     bool // its disk is
}

// follows tells whether the broadcast reaches it, at once or collected for later.
func (l *learnerState) follows() bool { return l.phase >= learnerSyncs }

// Where a leader's messages go.
type (
	// LeaderSend is one message of the leader's core and where it goes.
	LeaderSend struct {
		To     LeaderTarget
		Server messages.ServerID // of ToLearner
		Msg    any
	}
	// LeaderTarget names a receiver.
	LeaderTarget uint8
)

// The receivers of a leader's messages.
const (
	ToLearner LeaderTarget = iota // the handler of Server
	ToGate                        // this server's own gate
	ToPeer                        // this server's peer
	ToDesk                        // this server's prep
)

// What a leader's core says beside the messages between servers.
type (
	// SaveEpoch asks the peer to make an epoch durable; EpochSaved answers.
	SaveEpoch struct {
		Generation int
		File       string // persistence.AcceptedEpochFile or CurrentEpochFile
		Epoch      uint32
	}
	// EpochSaved tells that it is.
	EpochSaved struct {
		File  string
		Epoch uint32
	}
	// LeaderActive tells the peer that a quorum follows: the pipeline may run and clients be served. What was in this
	// server's history is committed by that, a change to Members too.
	LeaderActive struct {
		Generation int
		Epoch      uint32
		Members    messages.Membership
	}
	// RoleEnded tells the peer that the leader or learner can't go on in its role.
	RoleEnded struct {
		Generation int
		Reason     string
	}
	// BeginSync tells a learner's handler to synchronise it, and that everything later will come by the broadcast.
	BeginSync struct {
		Epoch       uint32
		Last        messages.Zxid // of the learner
		Committed   messages.Zxid // where its history is to end
		Base        messages.Zxid // what stands before Window; everything up to it is on disk
		Window      []messages.Proposal
		Outstanding []messages.Proposal // a follower's only
		Config      messages.Zxid
		Members     string
		Proposed    string // the change of members in that history, "" if there is none or it is committed
		observer    bool
	}
	// GoOn tells a handler that its learner may be told UpToDate.
	GoOn struct{ Epoch uint32 }
	// DropLearner tells a handler to break its link.
	DropLearner struct{ Reason string }
)

// LeaderMembers are whom a reign begins with.
type LeaderMembers struct {
	Current  messages.Membership
	Proposed messages.Membership // a change in this server's history that may not be committed; Version 0: there is none
	Rules    []QuorumRule        // of the one and, if there is a change, the other
}

// NewLeader makes the core of a server that has been elected and whose own state is (current, last). accepted is the
// newest epoch that it has promised to follow.
func NewLeader(o LeaderOptions, m LeaderMembers, accepted, current uint32, last messages.Zxid, now int64) *Leader {
	l := &Leader{
		opts: o, rules: m.Rules, members: m.Current, text: m.Current.String(),
		accepted: accepted, current: current, last: last, began: now, ticked: now, pinged: now,
		learners: map[messages.ServerID]*learnerState{}, feeding: feeding{kinds: map[messages.ServerID]feedKind{}},
		proposed: last, committed: last, durable: last, window: history{base: last},
	}
	if m.Proposed.Version != 0 {
		l.change = &memberChange{zxid: m.Proposed.Version, members: m.Proposed, saved: true}
	}
	l.discover()
	return l
}

// Flush hands over what is to be sent since the last call.
func (l *Leader) Flush() []LeaderSend {
	out := l.out
	l.out = nil
	return out
}

// Ended tells whether this reign is over, and why.
func (l *Leader) Ended() (reason string, ended bool) { return l.reason, l.phase == leaderEnded }

// Epoch is that of this reign, 0 until it is known.
func (l *Leader) Epoch() uint32 { return l.epoch }

// Active tells whether the leader is established.
func (l *Leader) Active() bool { return l.phase == leaderBroadcasts }

func (l *Leader) end(format string, args ...any) {
	if l.phase == leaderEnded {
		return
	}
	l.phase = leaderEnded
	l.reason = fmt.Sprintf(format, args...)
	l.send(ToPeer, 0, &RoleEnded{Reason: l.reason})
}

func (l *Leader) send(to LeaderTarget, server messages.ServerID, msg any) {
	l.out = append(l.out, LeaderSend{To: to, Server: server, Msg: msg})
}

// each goes through the learners by id, so that the same messages always come in the same order.
func (l *Leader) each(f func(*learnerState)) {
	for _, id := range slices.Sorted(maps.Keys(l.learners)) {
		f(l.learners[id])
	}
}

// quorum tells whether the servers for which has holds are a quorum under all rules. This server is always one of them,
// if it votes.
func (l *Leader) quorum(has func(*learnerState) bool) bool {
	for _, rule := range l.rules {
		ok := rule.Quorum(func(id messages.ServerID) bool {
			if id == l.opts.Self {
				return true
			}
			s := l.learners[id]
			return s != nil && !s.observer && has(s)
		})
		if !ok {
			return false
		}
	}
	return true
}

// voter tells whether a server has a vote under any rule.
func (l *Leader) voter(id messages.ServerID) bool {
	for _, rule := range l.rules {
		if rule.Votes(id) {
			return true
		}
	}
	return false
}
