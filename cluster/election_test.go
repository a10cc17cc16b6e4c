package cluster

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// looker is the election of server 1 among 1, 2 and 3, with the history of epoch 3 that ended at 3.5, in round 1. Links to
// 2 and 3 are up.
func looker(t *testing.T) *Election {
	t.Helper()
	e := NewElection(DefaultElectionOptions(1))
	e.SetRules([]QuorumRule{NewMajority([]messages.ServerID{1, 2, 3})}, 10, membershipText(10), 0)
	e.LinkUp(2, 0)
	e.LinkUp(3, 0)
	e.Start(messages.Vote{Epoch: 3, Zxid: messages.MakeZxid(3, 5)}, 0)
	return e
}

func word(from messages.ServerID, state messages.ServerState, round uint64, leader messages.ServerID, epoch uint32,
	zxid messages.Zxid,
) *messages.Notification {
	return &messages.Notification{
		From: from, State: state, Round: round, Config: 10, Members: membershipText(10),
		Vote: messages.Vote{Leader: leader, Epoch: epoch, Zxid: zxid},
	}
}

func wantNobody(t *testing.T, out ElectionOutput) {
	t.Helper()
	if out.Elected != nil {
		t.Fatalf("elected %+v", *out.Elected)
	}
}

func wantElected(t *testing.T, out ElectionOutput, want messages.Elected) {
	t.Helper()
	if out.Elected == nil || *out.Elected != want {
		t.Fatalf("elected %+v, want %+v", out.Elected, want)
	}
}

// ZOOKEEPER-975: a server declared itself the leader on the word of former followers although an ensemble with a leader
// existed. What they say of us counts in the round that we are in, and in no other.
func TestZookeeper975FormerFollowersDontElect(t *testing.T) {
	e := looker(t)
	wantNobody(t, e.Notified(word(2, messages.Following, 9, 1, 3, messages.MakeZxid(3, 5)), 1))
	wantNobody(t, e.Notified(word(3, messages.Following, 9, 1, 3, messages.MakeZxid(3, 5)), 1))
	wantNobody(t, e.Tick(1000))

	// In this round they have counted our own vote.
	wantNobody(t, e.Notified(word(2, messages.Following, 1, 1, 4, messages.MakeZxid(3, 5)), 1001))
	wantElected(t, e.Tick(1051), messages.Elected{State: messages.Leading, Leader: 1, Round: 1})
}

// ZOOKEEPER-1154: a server with the highest zxid was absent when the others elected a leader, and came back with
// transactions that nobody else ever had. Its vote tells the true end of its log, and doesn't help it against a
// leader that there is; and it tells the true end of it again after it has voted for another one.
func TestZookeeper1154ReturningServerTellsItsTrueLog(t *testing.T) {
	e := looker(t)
	own := messages.Vote{Leader: 1, Epoch: 3, Zxid: messages.MakeZxid(3, 5)}
	if e.word.Vote != own {
		t.Fatalf("votes %+v", e.word.Vote)
	}
	wantNobody(t, e.Notified(word(2, messages.Leading, 7, 2, 4, messages.MakeZxid(3, 2)), 1))
	wantElected(t, e.Notified(word(3, messages.Following, 7, 2, 4, messages.MakeZxid(3, 2)), 2),
		messages.Elected{State: messages.Following, Leader: 2, Round: 7})

	// 2's log was cut to be as the leader's. The next vote tells of the log as it is, not of votes that were cast.
	cut := messages.Vote{Epoch: 4, Zxid: messages.MakeZxid(4, 1)}
	e.Start(cut, 10)
	cut.Leader = 1
	if e.word.Vote != cut || e.word.Round != 8 {
		t.Fatalf("round %d, votes %+v", e.word.Round, e.word.Vote)
	}
	// Nor is it elected with a log that somebody else says it has.
	out := e.Notified(word(2, messages.Looking, 8, 1, 4, messages.MakeZxid(4, 9)), 11)
	wantNobody(t, out)
	if e.word.Vote != cut {
		t.Fatalf("votes %+v", e.word.Vote)
	}
	wantNobody(t, e.Notified(word(3, messages.Looking, 8, 1, 4, messages.MakeZxid(4, 9)), 12))
	wantNobody(t, e.Tick(1000))
}

// ZOOKEEPER-2212: an election used the older membership while a newer one had been received already. A vote with a
// newer membership is reported, and nothing is decided before that has been taken over.
func TestZookeeper2212NothingIsDecidedByAnOutdatedMembership(t *testing.T) {
	e := looker(t)
	newer := word(2, messages.Looking, 1, 1, 3, messages.MakeZxid(3, 5))
	newer.Config, newer.Members = 20, membershipText(20)
	out := e.Notified(newer, 1)
	wantNobody(t, out)
	if out.Newer == nil || out.Newer.Version != 20 || out.Newer.Members != newer.Members || out.Newer.From != 2 {
		t.Fatalf("reported %+v", out.Newer)
	}
	// By the old membership 1 and 3 were a quorum.
	wantNobody(t, e.Notified(word(3, messages.Looking, 1, 1, 3, messages.MakeZxid(3, 5)), 2))
	wantNobody(t, e.Tick(100))

	// By the new one they aren't. The votes are cast again; 2's vote is there already.
	five := []QuorumRule{NewMajority([]messages.ServerID{1, 2, 3, 4, 5})}
	out = e.SetRules(five, 20, newer.Members, 101)
	wantNobody(t, out)
	if len(out.Sends) != 2 || out.Sends[0].Notification.Config != 20 || e.Round() != 2 {
		t.Fatalf("round %d, sends %+v", e.Round(), out.Sends)
	}
	old := word(3, messages.Looking, 2, 1, 3, messages.MakeZxid(3, 5))
	wantNobody(t, e.Notified(old, 102)) // it hasn't got the new membership yet
	newer = word(2, messages.Looking, 2, 1, 3, messages.MakeZxid(3, 5))
	newer.Config = 20
	wantNobody(t, e.Notified(newer, 103))
	wantNobody(t, e.Tick(1000))
	again := *old
	again.Config = 20
	wantElected(t, e.Notified(&again, 1001), messages.Elected{State: messages.Leading, Leader: 1, Round: 2})
}

// The leader check: a quorum of followers isn't enough, the leader must say itself that it leads. Its word counts as
// long as its link is up.
func TestLeaderCheckNeedsTheLeadersOwnWord(t *testing.T) {
	e := looker(t)
	e.SetRules([]QuorumRule{NewMajority([]messages.ServerID{1, 2, 3, 4, 5})}, 10, membershipText(10), 0)
	e.LinkUp(4, 0)
	e.LinkUp(5, 0)
	wantNobody(t, e.Notified(word(2, messages.Following, 4, 5, 3, 0), 1))
	wantNobody(t, e.Notified(word(3, messages.Following, 4, 5, 3, 0), 1))
	wantNobody(t, e.Notified(word(4, messages.Following, 4, 5, 3, 0), 1))
	wantNobody(t, e.Tick(10_000))
	// That it says that it follows, or looks, isn't it.
	wantNobody(t, e.Notified(word(5, messages.Following, 4, 5, 3, 0), 10_001))
	wantNobody(t, e.Notified(word(5, messages.Leading, 4, 5, 2, 0), 10_001)) // of another reign
	e.LinkDown(4, 10_002)
	e.LinkDown(3, 10_002)
	wantNobody(t, e.Notified(word(5, messages.Leading, 4, 5, 3, 0), 10_003))
	e.LinkDown(5, 10_004)
	e.LinkUp(3, 10_004)
	e.LinkUp(4, 10_004)
	e.LinkUp(5, 10_004)
	wantNobody(t, e.Notified(word(3, messages.Following, 4, 5, 3, 0), 10_005))
	wantNobody(t, e.Notified(word(4, messages.Following, 4, 5, 3, 0), 10_005))
	wantElected(t, e.Notified(word(5, messages.Leading, 4, 5, 3, 0), 10_006),
		messages.Elected{State: messages.Following, Leader: 5, Round: 4})
}

// A candidate isn't followed on hearsay: it must have voted for itself in this round, for then it waits for us.
func TestCandidateMustStandForItself(t *testing.T) {
	e := looker(t)
	wantNobody(t, e.Notified(word(2, messages.Looking, 1, 3, 3, messages.MakeZxid(3, 9)), 1))
	if e.word.Vote.Leader != 3 {
		t.Fatalf("votes %+v", e.word.Vote)
	}
	wantNobody(t, e.Tick(10_000))
	wantElected(t, e.Notified(word(3, messages.Looking, 1, 3, 3, messages.MakeZxid(3, 9)), 10_001),
		messages.Elected{State: messages.Following, Leader: 3, Round: 1})
}

// Votes are repeated at growing intervals, and what is new, be it a link or a vote, starts them over.
func TestNotificationsAreRepeated(t *testing.T) {
	e := looker(t)
	now, out := int64(0), e.Tick(0)
	for _, wait := range []int64{200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000} {
		if out.WakeAt != now+wait {
			t.Fatalf("at %d: wakes at %d, want %d", now, out.WakeAt, now+wait)
		}
		now = out.WakeAt
		if early := e.Tick(now - 1); len(early.Sends) != 0 || early.WakeAt != now {
			t.Fatalf("too early: %+v", early)
		}
		if out = e.Tick(now); len(out.Sends) != 2 {
			t.Fatalf("at %d: sends %+v", now, out.Sends)
		}
	}
	out = e.LinkUp(3, now+10)
	if len(out.Sends) != 1 || out.Sends[0].To != 3 || out.WakeAt != now+210 {
		t.Fatalf("a link comes up: %+v", out)
	}
	e.Tick(now + 210)
	out = e.Notified(word(2, messages.Looking, 1, 2, 3, messages.MakeZxid(3, 6)), now+300)
	if len(out.Sends) != 2 || out.WakeAt != now+350 { // there is a quorum: it may become final before
		t.Fatalf("a better vote: %+v", out)
	}
	if out = e.Settled(messages.Following, 2, 3, 0); out.WakeAt != 0 || len(out.Sends) != 2 {
		t.Fatalf("settled: %+v", out)
	}
	if out = e.Settled(messages.Following, 2, 3, 0); len(out.Sends) != 0 {
		t.Fatalf("nothing new: %+v", out)
	}
}

// A server that looks is answered at once by one that is settled, and by one that is in a higher round.
func TestLookingServersAreAnswered(t *testing.T) {
	e := looker(t)
	e.Start(messages.Vote{}, 1)
	out := e.Notified(word(3, messages.Looking, 1, 3, 0, 0), 2)
	if len(out.Sends) != 1 || out.Sends[0].To != 3 || out.Sends[0].Notification.Round != 2 {
		t.Fatalf("in a lower round: %+v", out.Sends)
	}
	e.Settled(messages.Leading, 1, 4, 0)
	for range 2 {
		out = e.Notified(word(3, messages.Looking, 1, 3, 0, 0), 3)
		if len(out.Sends) != 1 || out.Sends[0].Notification.State != messages.Leading || out.Sends[0].Notification.Vote.Epoch != 4 {
			t.Fatalf("settled: %+v", out.Sends)
		}
	}
	// A settled server's word is for nobody to answer, or two of them would talk for ever.
	if out = e.Notified(word(3, messages.Following, 2, 1, 4, 0), 4); len(out.Sends) != 0 {
		t.Fatalf("answers %+v", out.Sends)
	}
}

func TestElectionOptionsAreValidated(t *testing.T) {
	o := DefaultElectionOptions(1)
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*ElectionOptions){
		func(o *ElectionOptions) { o.Self = 0 },
		func(o *ElectionOptions) { o.FinalizeWaitMs = -1 },
		func(o *ElectionOptions) { o.MinNotificationMs = 0 },
		func(o *ElectionOptions) { o.MaxNotificationMs = 100 },
	} {
		bad := o
		change(&bad)
		if bad.Validate() == nil {
			t.Errorf("%+v is let through", bad)
		}
	}
}

// A leader has handed over, and servers that haven't left that reign yet speak of it. One that was late has come to the next
// reign by their word, so it names the old round for ever; its epoch tells that it is of the new one.
func TestWhoeverIsOfALaterEpochIsOfAReignThatGoesOn(t *testing.T) {
	e := looker(t)
	e.Over(5, 3)
	wantNobody(t, e.Notified(word(2, messages.Leading, 5, 2, 3, 0), 1))
	wantNobody(t, e.Notified(word(3, messages.Following, 5, 2, 3, 0), 2))
	wantNobody(t, e.Notified(word(2, messages.Leading, 6, 2, 4, 0), 3))
	wantElected(t, e.Notified(word(3, messages.Following, 5, 2, 4, 0), 4),
		messages.Elected{State: messages.Following, Leader: 2, Round: 6})
}

// Of two processes with one id nothing is believed that could elect anybody: the one may say here what the other denies
// elsewhere. A leader that the others have may be joined all the same.
func TestADisputedServerElectsNobody(t *testing.T) {
	e := looker(t)
	wantNobody(t, e.Dispute(2, true, 1))
	longer := messages.MakeZxid(3, 9)
	wantNobody(t, e.Notified(word(2, messages.Looking, 1, 2, 3, longer), 2))
	if e.word.Vote.Leader != 1 {
		t.Fatalf("it votes for a disputed server: %+v", e.word.Vote)
	}
	wantNobody(t, e.Notified(word(2, messages.Looking, 1, 1, 3, messages.MakeZxid(3, 5)), 3))
	wantNobody(t, e.Tick(1000))
	// The other two elect by themselves …
	wantElected(t, e.Notified(word(3, messages.Looking, 1, 1, 3, messages.MakeZxid(3, 5)), 1001),
		messages.Elected{State: messages.Leading, Leader: 1, Round: 1})

	// … or one of them finds that the other leads, with the server 2 that it knows.
	e = looker(t)
	e.Dispute(2, true, 1)
	wantNobody(t, e.Notified(word(2, messages.Leading, 4, 2, 4, longer), 2))
	wantElected(t, e.Notified(word(3, messages.Leading, 7, 3, 4, longer), 3),
		messages.Elected{State: messages.Following, Leader: 3, Round: 7})

	// Where there is nobody else, a disputed leader is followed; and when the dispute is over, it counts as ever.
	e = looker(t)
	e.Dispute(2, true, 1)
	wantNobody(t, e.Notified(word(2, messages.Leading, 7, 2, 4, longer), 2))
	wantElected(t, e.Notified(word(3, messages.Following, 7, 2, 4, longer), 3),
		messages.Elected{State: messages.Following, Leader: 2, Round: 7})
	e = looker(t)
	e.Dispute(2, true, 1)
	wantNobody(t, e.Notified(word(2, messages.Looking, 1, 2, 3, longer), 2))
	e.Dispute(2, false, 3)
	wantElected(t, e.Tick(2000), messages.Elected{State: messages.Following, Leader: 2, Round: 1})
}

// A membership of 1 and 2 is to become one of 1, 2 and 3; 1 doesn't know that yet and never votes for 3. So 2, which does
// know, must not insist on 3 because of nothing but its higher id.
func TestProposedVoterComesBehindOneWhomAllKnow(t *testing.T) {
	last := messages.MakeZxid(3, 9)
	e := NewElection(DefaultElectionOptions(2))
	e.SetRules([]QuorumRule{NewMajority([]messages.ServerID{1, 2}), NewMajority([]messages.ServerID{1, 2, 3})}, 10, membershipText(10), 0)
	e.LinkUp(1, 0)
	e.LinkUp(3, 0)
	e.Start(messages.Vote{Epoch: 3, Zxid: last}, 0)
	wantNobody(t, e.Notified(word(3, messages.Looking, 1, 3, 3, last), 1))
	wantNobody(t, e.Notified(word(1, messages.Looking, 1, 1, 3, messages.MakeZxid(3, 5)), 2))
	wantNobody(t, e.Notified(word(1, messages.Looking, 1, 2, 3, last), 3))
	wantElected(t, e.Notified(word(3, messages.Looking, 1, 2, 3, last), 4),
		messages.Elected{State: messages.Leading, Leader: 2, Round: 1})
}
