package cluster

import (
	"fmt"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// How a leader changes the members of its ensemble (Shraer, Reed, Malkhi, Junqueira: "Dynamic Reconfiguration of
// Primary/Backup Clusters", USENIX ATC 2012). A change is one of the transactions. It and all that are proposed behind
// it need a quorum of the old members and one of the new until it is committed, then the new one's alone.

// memberChange is a change of members that is proposed, or in the history that this leader has begun with, and not
// committed.
type memberChange struct {
	zxid    messages.Zxid
	members messages.Membership
	saved   bool // on this server's disk
}

// leaving is a leader's end after a change that takes its place away: it stays until a quorum has heard of the change.
type leaving struct {
	reason string
	beat   uint64 // the heartbeat behind the commit; 0: it doesn't leave
	began  int64
}

// What is said about members beside the messages between servers.
type (
	// SaveMembers asks the peer to keep members durably that are proposed; MembersSaved answers. Nothing from their
	// transaction on is acknowledged before.
	SaveMembers struct {
		Generation int
		Members    messages.Membership
	}
	// MembersSaved tells that it has kept them.
	MembersSaved struct{ Version messages.Zxid }
	// MembersCommitted tells the peer that members are in effect.
	MembersCommitted struct{ Members messages.Membership }
)

// propose takes note of a change of members among the proposals. The desk makes one at a time.
func (l *Leader) propose(item *messages.Proposal) {
	m, ok, err := item.Membership()
	if !ok {
		return
	}
	var rule QuorumRule
	if err == nil {
		rule, err = RuleOf(m)
	}
	if err != nil {
		panic("leader: " + err.Error())
	}
	if l.change != nil {
		panic(fmt.Sprintf("leader: change of members %v, and that of %v is not committed", m.Version, l.change.zxid))
	}
	l.change = &memberChange{zxid: m.Version, members: m}
	l.rules = []QuorumRule{l.rules[0], rule}
	l.send(ToPeer, 0, &SaveMembers{Members: m})
}

// MembersSaved goes on when a change is durable on this server.
func (l *Leader) MembersSaved(m *MembersSaved, now int64) {
	if c := l.change; c != nil && c.zxid == m.Version {
		c.saved = true
		l.advance(now)
	}
}

// committable is how many of the outstanding proposals can be committed now: none behind a change, because what counts
// there is only clear when the change is committed.
func (l *Leader) committable() (n int) {
	upTo := CommittedUpTo(l.rules[0], l.ackedBy)
	if l.change == nil {
		for n < len(l.outstanding) && l.outstanding[n].Header.Zxid <= upTo {
			n++
		}
		return n
	}
	both := upTo
	for _, rule := range l.rules[1:] {
		both = min(both, CommittedUpTo(rule, l.ackedBy))
	}
	for n < len(l.outstanding) {
		z := l.outstanding[n].Header.Zxid
		switch {
		case z < l.change.zxid && z <= upTo:
		case z == l.change.zxid && z <= both:
			return n + 1
		default:
			return n
		}
		n++
	}
	return n
}

// takeEffect lets the change count alone.
func (l *Leader) takeEffect() {
	l.members, l.text = l.change.members, l.change.members.String()
	l.rules = l.rules[len(l.rules)-1:]
	l.change = nil
}

// newestMembers is the version that a learner may know to be in effect at most.
func (l *Leader) newestMembers() messages.Zxid {
	if l.change != nil {
		return l.change.zxid
	}
	return l.members.Version
}

// considerLeaving sees whether this server may still lead, and where its learners look for it, after a change. If not, it
// hands over. When nobody can take over at the moment it leaves all the same, but not before the commit has come to a
// quorum: the next leader would first have to find out about it.
func (l *Leader) considerLeaving(was messages.Membership, now int64) {
	before, _ := was.Member(l.opts.Self)
	after, _ := l.members.Member(l.opts.Self)
	switch {
	case !l.rules[0].MayLead(l.opts.Self):
		l.leaving.reason = fmt.Sprintf("the change of members %v leaves this server no vote", l.members.Version)
	case !slices.Equal(before.Addresses, after.Addresses) && l.members.Version != was.Version:
		l.leaving.reason = fmt.Sprintf("the change of members %v gives this server another address", l.members.Version)
	default:
		return
	}
	if l.hand.to == 0 && l.HandOver(0, now) != nil {
		l.leave(now)
	}
}

func (l *Leader) leave(now int64) {
	l.leaving.beat, l.leaving.began = l.beat(now), now
	l.left(now)
}

// left ends the reign of a leader that has lost its place: when all learners that are there have answered a heartbeat behind
// the commit, or after a tick a quorum of them has.
func (l *Leader) left(now int64) {
	if l.leaving.beat == 0 || l.phase != leaderBroadcasts {
		return
	}
	told := func(s *learnerState) bool { return s.phase == learnerUp && s.beat >= l.leaving.beat }
	all := true
	for _, s := range l.learners { // a conjunction: the order makes no difference
		all = all && (s.phase != learnerUp || told(s))
	}
	if l.quorum(told) && (all || now-l.leaving.began >= l.opts.Tick) {
		l.end("%s", l.leaving.reason)
	}
}

// counts tells whether a learner's word counts in decisions.
func (l *Leader) counts(s *learnerState) bool { return !s.observer && l.voter(s.id) }

// tellFollowers tells the desk who acknowledges proposals: without a quorum of them no change of members is begun.
func (l *Leader) tellFollowers() {
	if l.phase != leaderBroadcasts {
		return
	}
	servers := []messages.ServerID{l.opts.Self}
	for id, s := range l.learners { // sorted below
		if s.phase == learnerUp && !s.observer {
			servers = append(servers, id)
		}
	}
	slices.Sort(servers)
	l.send(ToDesk, 0, &messages.Followers{Servers: servers})
}
