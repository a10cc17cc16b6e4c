package cluster

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// What the election actor, the peer actor above it and the electionpeer actors below it say to each other. All of these
// are sent as values, not as pointers, and freeze when sent. *messages.Notification travels between the election and
// its election peers in both directions; *messages.Elected goes to the peer actor.

// From an electionpeer to the election actor.
type (
	// PeerUp is an election peer's word that the link to its member is up. What it is sent from now on goes out.
	PeerUp struct{ ID messages.ServerID }
	// PeerDown is its word that the link is down. Every *messages.Notification of that link was handed on before it.
	PeerDown struct{ ID messages.ServerID }
	// PeerDisputed tells between these two that another process says that it is this member, too, or, with false, that it
	// doesn't any more. Its vote counts only where nobody can be elected by it.
	PeerDisputed struct {
		ID       messages.ServerID
		Disputed bool
	}
)

// From the peer actor to the election actor.
type (
	// StartElection lets this server look for a leader. Vote is what it has on disk: Epoch is its current epoch, Zxid its
	// last logged transaction; Leader is of no account, a voter stands for itself. The answer is one *messages.Elected. A
	// second StartElection before it gives up the first one and begins a new round.
	// Over, if it isn't 0, is the round of a reign that is known to be over, because its leader has handed over: servers
	// that speak of a leader of that round or an earlier one, and of no later epoch, just haven't left it yet.
	StartElection struct {
		Vote messages.Vote
		Over uint64
	}
	// RoleSettled tells what this server is now, so that servers which are looking can be told. It is sent when a role
	// begins and when its epoch is established. Epoch is that of the leader's reign, before it is established that of the
	// leader's vote.
	RoleSettled struct {
		State  messages.ServerState
		Leader messages.ServerID
		Epoch  uint32
		Zxid   messages.Zxid
	}
	// SetMembers is the membership by which votes are counted. Rules are the current one's and, while a reconfiguration
	// is proposed and not committed, the proposed one's too: a quorum must be one by all of them. Version and Text are of
	// the current membership, which other servers take over if theirs is older. Others are all members that a link is kept
	// to, without this server itself, in any order.
	SetMembers struct {
		Rules   []QuorumRule
		Version messages.Zxid
		Text    string
		Others  []ElectionMember
		Beyond  Beyond
	}
	// DesignateLeader lets the votes of the next election name that server, to hand leadership over as planned. It has no
	// effect unless the server is a voter with a link that is up, and it loses to any server with a longer history.
	DesignateLeader struct{ ID messages.ServerID }
)

// From the election actor to the peer actor.
type (
	// ElectionRestarted tells that the election knows nothing: it has just started, for the first time or after a failure.
	// The peer actor answers with SetMembers and then with StartElection if it waits for an outcome, or RoleSettled.
	ElectionRestarted struct{}
	// NewerConfig tells that another server has a newer membership than this one. That server's votes aren't counted until
	// the peer actor has taken the membership over and says SetMembers; the word is repeated as long as it hasn't.
	NewerConfig struct {
		From    messages.ServerID
		Version messages.Zxid
		Members string // the membership's text
	}
	// LeaderElsewhere tells, once, that a quorum has another leader than the one that this server has settled with, and
	// that leader says so itself. This can't be so while ours is established. It is advice to give the role up and begin an
	// election, which will end at once; otherwise a timeout does it later.
	LeaderElsewhere struct{ Leader messages.ServerID }
)

// ProposedConfig tells that another server has acknowledged members of which this one knows nothing: they may be in effect.
// It is said once of each text.
type ProposedConfig struct {
	From    messages.ServerID
	Members string // the membership's text
}

// Beyond is what a server knows of members that are proposed.
type Beyond struct {
	// Tell is the text of those that it has acknowledged, for the others; "": none.
	Tell string
	// Rule is of those that it has only heard of, nil: none. No quorum of theirs is needed, but they may vote and be voted for:
	// whoever has acknowledged them needs their votes, and they may not know yet that they have some.
	Rule QuorumRule
	// Heard is the text of those.
	Heard string
}

// ElectionMember is whom an electionpeer keeps the link to. Address is host:port of its election port. It is "" for a guest,
// a server that isn't in the membership and dialled us: it can't be dialled, so the link that it has dialled is kept even
// if its id is the smaller one, until it breaks. Also is where else it may be: where a change of members that is proposed puts
// it, and where it was before it was moved, for it may not know yet. Every second attempt goes to one of these, in turns.
type ElectionMember struct {
	ID      messages.ServerID
	Address string
	Also    []string
}

// same tells whether the member is to be looked for in the same places.
func (m ElectionMember) same(o ElectionMember) bool {
	return m.ID == o.ID && m.Address == o.Address && slices.Equal(m.Also, o.Also)
}

// at is where to dial the next time, which is the n-th.
func (m ElectionMember) at(n uint64) string {
	if len(m.Also) > 0 && n%2 == 0 {
		return m.Also[n/2%uint64(len(m.Also))]
	}
	return m.Address
}
