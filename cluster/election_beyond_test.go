package cluster

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// Server 1 was alone, has a change in its log that makes server 2 a member, and can't lead without the vote of 2, which has not
// got the change. It tells 2 of it, and 2 votes, though it needs nobody's quorum for that and doesn't stand itself.
func TestWhoHasOnlyHeardOfItsVoteCastsIt(t *testing.T) {
	alone, both := NewMajority([]messages.ServerID{1}), NewMajority([]messages.ServerID{1, 2})
	e := NewElection(DefaultElectionOptions(2))
	e.SetRules([]QuorumRule{alone}, 10, membershipText(10), 0)
	e.LinkUp(1, 0)
	e.Start(messages.Vote{Epoch: 1, Zxid: messages.MakeZxid(1, 4)}, 0)
	n := word(1, messages.Looking, 7, 1, 1, messages.MakeZxid(1, 5))
	n.Config, n.Proposed = 10, "1 and 2"
	out := e.Notified(n, 1)
	if out.Proposed == nil || out.Proposed.Members != "1 and 2" || out.Proposed.From != 1 || len(out.Sends) != 0 {
		t.Fatalf("%+v", out)
	}
	if again := e.Notified(n, 2); again.Proposed != nil {
		t.Error("it is told twice")
	}
	e.Look(Beyond{Rule: both, Heard: "1 and 2"})
	out = e.SetRules([]QuorumRule{alone}, 10, membershipText(10), 3)
	if len(out.Sends) == 0 {
		t.Fatal("2 doesn't vote")
	}
	vote := out.Sends[len(out.Sends)-1].Notification
	if vote.Vote.Leader != 1 || vote.Round != 7 || vote.Proposed != "" {
		t.Fatalf("2 says %+v", vote)
	}

	one := NewElection(DefaultElectionOptions(1))
	one.Look(Beyond{Tell: "1 and 2"})
	one.SetRules([]QuorumRule{alone, both}, 10, membershipText(10), 0)
	one.LinkUp(2, 0)
	out = one.Start(messages.Vote{Epoch: 1, Zxid: messages.MakeZxid(1, 5)}, 0)
	wantNobody(t, out)
	if said := out.Sends[0].Notification; said.Proposed != "1 and 2" {
		t.Fatalf("1 says %+v", said)
	}
	back := *vote
	back.Round = one.Round()
	wantElected(t, one.Notified(&back, 5), messages.Elected{State: messages.Leading, Leader: 1, Round: one.Round()})
}

// Of candidates with one history all servers prefer the same one, whether or not they know of members that are proposed: else
// they give each other's candidates up for ever. Servers 1 to 4 are the members, 1, 2 and 5 are proposed.
func TestThoseWhoKnowProposedMembersPreferNobodyElse(t *testing.T) {
	members, proposed := NewMajority([]messages.ServerID{1, 2, 3, 4}), NewMajority([]messages.ServerID{1, 2, 5})
	core := DefaultElectionOptions(1)
	informed, uninformed, told := NewElection(core), NewElection(core), NewElection(core)
	informed.SetRules([]QuorumRule{members, proposed}, 10, membershipText(10), 0)
	uninformed.SetRules([]QuorumRule{members}, 10, membershipText(10), 0)
	told.Look(Beyond{Rule: proposed, Heard: "1, 2 and 5"})
	told.SetRules([]QuorumRule{members}, 10, membershipText(10), 0)
	for a := range messages.ServerID(6) {
		for b := range messages.ServerID(6) {
			v, w := messages.Vote{Leader: a, Epoch: 1, Zxid: 7}, messages.Vote{Leader: b, Epoch: 1, Zxid: 7}
			want := informed.better(v, w)
			if uninformed.better(v, w) != want || told.better(v, w) != want {
				t.Errorf("of %d and %d the first one is better for who knows: %v; for others: %v, %v", a, b, want, uninformed.better(v, w),
					told.better(v, w))
			}
		}
	}
}
