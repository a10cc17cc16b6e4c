package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"pgregory.net/rapid"
)

// leads is whom a reign begins with.
func leads(t testing.TB, current, proposed messages.Membership) LeaderMembers {
	t.Helper()
	r, _ := NewRoster(1, current, persistence.Memberships{}, false)
	r.Propose(proposed)
	rules, err := r.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return LeaderMembers{Current: current, Proposed: proposed, Rules: rules}
}

// of makes members from ids: participants, each at an address of its own.
func of(version messages.Zxid, ids ...int) messages.Membership {
	m := messages.Membership{Version: version}
	for _, id := range ids {
		m.Members = append(m.Members, messages.Member{ID: messages.ServerID(id),
			Addresses: []messages.MemberAddress{{Host: fmt.Sprintf("s%d", id), QuorumPort: 1, ElectionPort: 2}}})
	}
	return m
}

// changing is a leader of some members, established with these followers, whose desk knows of everybody that follows.
func changing(t *testing.T, members messages.Membership, followers ...messages.ServerID) *reign {
	t.Helper()
	r := newReignOf(t, leads(t, members, messages.Membership{}), 0, 0, 0)
	for _, id := range followers {
		r.info(id, 0)
	}
	r.saved(persistence.AcceptedEpochFile)
	for _, id := range followers {
		r.promise(id, 0, 0)
	}
	r.saved(persistence.CurrentEpochFile)
	for _, id := range followers {
		r.l.NewLeaderAck(id, &messages.NewLeaderAck{Epoch: r.l.Epoch()}, r.now)
	}
	if !r.l.Active() {
		t.Fatal("not established")
	}
	r.l.Flush()
	return r
}

// change proposes members as the transaction with a counter.
func (r *reign) change(counter uint32, m messages.Membership) {
	m.Version = messages.MakeZxid(r.l.Epoch(), counter)
	header := messages.TxnHeader{Zxid: m.Version, Op: messages.OpReconfig}
	r.l.Propose([]messages.Proposal{{Header: header, Encoded: []byte{1}, Body: messages.ReconfigTxn(m)}}, r.now)
}

func (r *reign) kept(counter uint32) {
	r.l.MembersSaved(&MembersSaved{Version: messages.MakeZxid(r.l.Epoch(), counter)}, r.now)
}

// The change, and what is proposed behind it, needs a quorum of the old members and one of the new. What is before it needs
// the old ones alone. When it is committed the new ones alone count.
func TestAChangeNeedsBothQuorums(t *testing.T) {
	r := changing(t, of(1, 1, 2, 3), 2, 3, 4, 5)
	r.propose(1, 1)
	r.change(2, of(0, 1, 4, 5))
	r.propose(3, 3)
	r.kept(2)
	r.l.Flush()
	r.ack(1, 3)
	r.ack(4, 3)
	r.ack(5, 3)
	if r.l.committed != 0 {
		t.Fatalf("%v is committed by the new members alone", r.l.committed)
	}
	r.l.LearnerGone(5)
	r.l.LearnerGone(4)
	r.ack(2, 3)
	if r.l.committed != messages.MakeZxid(1, 1) {
		t.Fatalf("%v is committed, the old members have what is before the change", r.l.committed)
	}
	r.l.Flush()
	r.info(4, 1)
	r.promise(4, 1, messages.MakeZxid(1, 3))
	r.l.NewLeaderAck(4, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.l.Flush()
	r.ack(4, 2)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000002", "3: messages.Commit 0x100000002",
		"4: messages.Commit 0x100000002", "peer: cluster.MembersCommitted 100000002")
	r.ack(3, 3)
	r.expect() // no member any more
	r.ack(4, 3)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000003", "3: messages.Commit 0x100000003",
		"4: messages.Commit 0x100000003")
}

// Nothing from the change on is acknowledged by this server before it has kept the new members.
func TestALeaderKeepsTheMembersFirst(t *testing.T) {
	r := changing(t, of(1, 1, 2, 3), 2)
	r.propose(1, 1)
	r.change(2, of(0, 1, 2))
	r.expect("2: messages.Propose", "peer: cluster.SaveMembers 100000002", "2: messages.Propose")
	r.ack(2, 2)
	r.ack(1, 2)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000001")
	r.kept(2)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000002", "peer: cluster.MembersCommitted 100000002")
}

// A change that a new leader finds in its history: a quorum of both must take that over, and then it is in effect. Either
// outcome for a change whose leader died in between is one that all agree on: without it in its history a leader knows
// nothing of it.
func TestALeaderInheritsAChange(t *testing.T) {
	old, next := of(1, 1, 2, 3), of(messages.MakeZxid(1, 5), 1, 4, 5)
	r := newReignOf(t, leads(t, old, next), 1, 1, messages.MakeZxid(1, 5))
	r.info(2, 1)
	r.info(3, 1)
	r.expect()
	r.info(4, 1)
	r.expect("peer: cluster.SaveEpoch acceptedEpoch 2")
	r.saved(persistence.AcceptedEpochFile)
	r.promise(2, 1, messages.MakeZxid(1, 4))
	r.l.Flush()
	r.promise(4, 1, messages.MakeZxid(1, 5))
	r.expect("peer: cluster.SaveEpoch currentEpoch 2")
	r.saved(persistence.CurrentEpochFile)
	for _, s := range r.l.Flush() {
		if b, ok := s.Msg.(*BeginSync); !ok || b.Proposed != next.String() || b.Config != 1 || b.Members != old.String() {
			t.Fatalf("%+v", s.Msg)
		}
	}
	r.l.NewLeaderAck(2, &messages.NewLeaderAck{Epoch: 2}, r.now)
	r.expect()
	r.l.NewLeaderAck(4, &messages.NewLeaderAck{Epoch: 2}, r.now)
	r.expect("peer: cluster.LeaderActive", "2: cluster.GoOn", "4: cluster.GoOn")
	r.propose(1, 1)
	r.ack(1, 1)
	r.ack(2, 1)
	if r.l.committed == r.l.proposed {
		t.Error("the old members count still")
	}
	r.ack(4, 1)
	if r.l.committed != r.l.proposed {
		t.Error("the new members don't count")
	}
}

// A learner may know that the change is committed before its new leader does.
func TestALearnerMayBeAheadByTheChangeInHistory(t *testing.T) {
	r := newReignOf(t, leads(t, of(1, 1, 2, 3), of(messages.MakeZxid(1, 5), 1, 2, 4)), 1, 1, messages.MakeZxid(1, 5))
	r.l.LearnerInfo(&messages.LearnerInfo{Server: 2, AcceptedEpoch: 1, Config: messages.MakeZxid(1, 5)}, r.now)
	r.expect("peer: cluster.SaveEpoch acceptedEpoch 2")
	r.l.LearnerInfo(&messages.LearnerInfo{Server: 4, AcceptedEpoch: 1, Config: messages.MakeZxid(1, 6)}, r.now)
	r.expect("4: cluster.DropLearner")
}

// Every change of a reign has a higher version than the members that it began with, wherever they come from.
func TestTheEpochIsBeyondTheMembersVersion(t *testing.T) {
	r := newReignOf(t, leads(t, of(messages.MakeZxid(7, 9), 1, 2, 3), messages.Membership{}), 0, 0, 0)
	r.info(2, 3)
	r.expect("peer: cluster.SaveEpoch acceptedEpoch 8")
}

// Who isn't a voter decides nothing and disturbs nobody, and its acknowledgements count as soon as it is one.
func TestGuestsFollow(t *testing.T) {
	r := changing(t, of(1, 1, 2, 3), 2)
	r.desk = true
	r.info(4, 9)
	if _, ended := r.l.Ended(); ended {
		t.Fatal("a guest's promise ends the reign")
	}
	r.l.Flush()
	r.info(4, 0)
	r.promise(4, 0, 0)
	r.l.NewLeaderAck(4, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.expect("4: messages.LeaderInfo 1", "4: cluster.BeginSync to 0x0, 0 outstanding", "4: cluster.GoOn", "desk: messages.Followers [1 2 4]")
	r.l.LearnerInfo(&messages.LearnerInfo{Server: 5, Observer: true}, r.now)
	r.promise(5, 0, 0)
	r.l.NewLeaderAck(5, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.expect("5: messages.LeaderInfo 1", "5: cluster.BeginSync to 0x0, 0 outstanding", "5: cluster.GoOn", "desk: messages.Followers [1 2 4]")
	r.propose(1, 1)
	r.expect("2: messages.Propose", "4: messages.Propose")
	r.ack(1, 1)
	r.ack(4, 1)
	r.expect()
	r.l.LearnerGone(4)
	r.expect("desk: messages.Followers [1 2]")
}

// A leader that the change leaves no vote, or gives another address, hands over; when nobody can take over it leaves as soon
// as a quorum has heard of the commit.
func TestALeaderLeaves(t *testing.T) {
	moved := of(0, 1, 2, 3)
	moved.Members[0].Addresses = []messages.MemberAddress{{Host: "elsewhere", QuorumPort: 1, ElectionPort: 2}}
	observer := of(0, 1, 2, 3)
	observer.Members[0].Role = messages.Observer
	for name, next := range map[string]messages.Membership{"removed": of(0, 2, 3), "observer": observer, "moved": moved} {
		r := changing(t, of(1, 1, 2, 3), 2, 3)
		r.change(1, next)
		r.kept(1)
		r.ack(1, 1)
		r.ack(3, 1)
		r.ack(2, 1)
		if r.l.committed != r.l.proposed || r.l.hand.to == 0 {
			t.Fatalf("%s: committed %v, heir %d", name, r.l.committed, r.l.hand.to)
		}
		r.l.DeskHeld(nil)
		if reason, ended := r.l.Ended(); !ended || !strings.Contains(reason, "handed over") {
			t.Errorf("%s: %q", name, reason)
		}
	}
	r := changing(t, of(1, 1, 2, 3), 2, 3)
	for _, id := range []messages.ServerID{2, 3} {
		r.l.Pong(&messages.Pong{Server: id, DiskFull: true}, r.now)
	}
	r.change(1, of(0, 2, 3))
	r.kept(1)
	r.ack(2, 1)
	r.ack(3, 1)
	r.ack(1, 1)
	for _, id := range []messages.ServerID{2, 3} {
		if _, ended := r.l.Ended(); ended {
			t.Fatalf("it leaves before server %d has heard of the commit", id)
		}
		r.l.Pong(&messages.Pong{Server: id, Beat: r.l.syncs.beat, DiskFull: true}, r.now)
	}
	if reason, ended := r.l.Ended(); !ended || !strings.Contains(reason, "no vote") {
		t.Errorf("%q", reason)
	}
}

// A leader whose disk is full hands over; when its own log has no room for what it has proposed that can't end, so the reign
// does, if another voter has room.
func TestALeaderWithAFullDisk(t *testing.T) {
	for name, others := range map[string]struct{ full, ends bool }{"others have room": {false, true}, "nobody has": {true, false}} {
		r := changing(t, of(1, 1, 2, 3), 2, 3)
		for _, id := range []messages.ServerID{2, 3} {
			r.l.Pong(&messages.Pong{Server: id, DiskFull: others.full}, r.now)
		}
		r.propose(1, 1)
		r.l.DiskFull(r.now)
		r.l.DeskHeld(nil)
		r.ack(2, 1)
		r.ack(3, 1)
		if r.l.committed != r.l.proposed {
			t.Fatalf("%s: %v is committed of %v", name, r.l.committed, r.l.proposed)
		}
		if reason, ended := r.l.Ended(); ended {
			t.Fatalf("%s: it has ended before its log could have found room: %s", name, reason)
		}
		for range 3 {
			r.now += handOverLimit/2 + 1
			r.l.Pong(&messages.Pong{Server: 2, DiskFull: others.full}, r.now)
			r.l.Pong(&messages.Pong{Server: 3, DiskFull: others.full}, r.now)
			r.l.Tick(r.now)
			if _, ended := r.l.Ended(); !ended {
				r.l.DiskFull(r.now) // it is told each second
			}
		}
		if reason, ended := r.l.Ended(); ended != others.ends || ended && !strings.Contains(reason, "disk is full") {
			t.Errorf("%s: ended %v: %s", name, ended, reason)
		}
	}
}

// Whatever is acknowledged in whatever order, a transaction is committed exactly when the quorums that count for it have it.
func TestCommitsByBothQuorumsUnderChance(t *testing.T) {
	ids := []int{1, 2, 3, 4, 5, 6}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) []int {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 5, rapid.ID).Draw(rt, name)
		}
		old, next := of(1, draw("old")...), of(0, draw("next")...)
		slices.SortFunc(old.Members, func(a, b messages.Member) int { return int(a.ID) - int(b.ID) })
		slices.SortFunc(next.Members, func(a, b messages.Member) int { return int(a.ID) - int(b.ID) })
		r := changing(t, old, 2, 3, 4, 5, 6)
		const last = 6
		at := rapid.IntRange(1, last).Draw(rt, "at")
		for c := 1; c <= last; c++ {
			if c == at {
				r.change(uint32(c), next)
				r.kept(uint32(c))
				continue
			}
			r.propose(c, c)
		}
		acked := map[messages.ServerID]uint32{}
		has := func(c uint32) func(messages.ServerID) bool {
			return func(id messages.ServerID) bool { return acked[id] >= c }
		}
		before, after := NewMajority(old.Voters()), NewMajority(next.Voters())
		for range rapid.IntRange(0, 20).Draw(rt, "acks") {
			id := messages.ServerID(rapid.SampledFrom(ids).Draw(rt, "server"))
			acked[id] = min(last, acked[id]+uint32(rapid.IntRange(1, 3).Draw(rt, "more")))
			r.ack(id, acked[id])
			want := uint32(0)
			for c := uint32(1); c <= last; c++ {
				ok := before.Quorum(has(c))
				if c == uint32(at) {
					ok = ok && after.Quorum(has(c))
				} else if c > uint32(at) {
					ok = after.Quorum(has(c))
				}
				if !ok {
					break
				}
				want = c
			}
			if got := r.l.committed.Counter(); got != want {
				rt.Fatalf("committed %d, want %d: old %v, next %v at %d, acked %v", got, want, old.Voters(), next.Voters(), at, acked)
			}
		}
	})
}
