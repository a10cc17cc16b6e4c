package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// reign drives a leader's core of server 1 in an ensemble of so many voters.
type reign struct {
	t   testing.TB
	l   *Leader
	now int64
	// desk: its word to the desk on who follows is listed too.
	desk bool
}

func newReign(t testing.TB, voters int, accepted, current uint32, last messages.Zxid) *reign {
	var ids []messages.ServerID
	for i := 1; i <= voters; i++ {
		ids = append(ids, messages.ServerID(i))
	}
	return newReignOf(t, LeaderMembers{Rules: []QuorumRule{NewMajority(ids)}}, accepted, current, last)
}

func newReignOf(t testing.TB, m LeaderMembers, accepted, current uint32, last messages.Zxid) *reign {
	o := LeaderOptions{Self: 1, Tick: 1000, InitLimit: 10_000, SyncLimit: 5000, EpochWait: 2000, Window: 500, WindowBytes: 1 << 20,
		LastCounter: lastCounter}
	r := &reign{t: t, now: 1}
	r.l = NewLeader(o, m, accepted, current, last, r.now)
	return r
}

// said lists what the core wants to send, in words.
func (r *reign) said() string {
	var lines []string
	for _, s := range r.l.Flush() {
		if _, ok := s.Msg.(*messages.Followers); ok && !r.desk {
			continue
		}
		to := [...]string{fmt.Sprintf("%d", s.Server), "gate", "peer", "desk"}[s.To]
		text := strings.TrimPrefix(fmt.Sprintf("%T", s.Msg), "*")
		switch m := s.Msg.(type) {
		case *messages.Commit:
			text += " " + m.Zxid.String()
		case *messages.Committed:
			text += fmt.Sprintf(" %d", len(m.Items))
		case *messages.LeaderInfo:
			text += fmt.Sprintf(" %d", m.Epoch)
		case *SaveEpoch:
			text += fmt.Sprintf(" %s %d", m.File, m.Epoch)
		case *SaveMembers:
			text += " " + strings.TrimPrefix(m.Members.Version.String(), "0x")
		case *MembersCommitted:
			text += " " + strings.TrimPrefix(m.Members.Version.String(), "0x")
		case *messages.Followers:
			text += fmt.Sprintf(" %v", m.Servers)
		case *FeedTurn:
			if m.Now {
				text += " now"
			}
		case *BeginSync:
			text += fmt.Sprintf(" to %v, %d outstanding", m.Committed, len(m.Outstanding))
		}
		lines = append(lines, to+": "+text)
	}
	return strings.Join(lines, "\n")
}

func (r *reign) expect(want ...string) {
	r.t.Helper()
	if got := r.said(); got != strings.Join(want, "\n") {
		r.t.Fatalf("said\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func (r *reign) info(server messages.ServerID, accepted uint32) {
	r.l.LearnerInfo(&messages.LearnerInfo{Server: server, AcceptedEpoch: accepted}, r.now)
}

func (r *reign) promise(server messages.ServerID, current uint32, last messages.Zxid) {
	r.l.EpochAck(server, &messages.EpochAck{Fresh: true, CurrentEpoch: current, Last: last}, r.now)
}

func (r *reign) saved(file string) {
	r.l.EpochSaved(&EpochSaved{File: file, Epoch: r.l.Epoch()}, r.now)
}

// establish brings a leader of three to the broadcast with server 2.
func (r *reign) establish() {
	r.info(2, 0)
	r.saved(persistence.AcceptedEpochFile)
	r.promise(2, 0, 0)
	r.saved(persistence.CurrentEpochFile)
	r.l.NewLeaderAck(2, &messages.NewLeaderAck{Epoch: r.l.Epoch()}, r.now)
	if !r.l.Active() {
		r.t.Fatal("not established")
	}
	r.l.Flush()
}

func (r *reign) propose(from, to int) {
	r.l.Propose(proposals(r.l.Epoch(), from, to), r.now)
}

func proposals(epoch uint32, from, to int) (items []messages.Proposal) {
	for i := from; i <= to; i++ {
		items = append(items, messages.Proposal{Header: messages.TxnHeader{Zxid: messages.MakeZxid(epoch, uint32(i))}, Encoded: []byte{1}})
	}
	return items
}

func (r *reign) ack(server messages.ServerID, counter uint32) {
	r.l.Ack(&messages.Ack{Server: server, Zxid: messages.MakeZxid(r.l.Epoch(), counter)}, r.now)
}

// An empty start: each step waits until the one before it is durable.
func TestLeaderBecomesEstablished(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.expect()
	r.info(2, 4)
	r.expect("peer: cluster.SaveEpoch acceptedEpoch 5")
	r.saved(persistence.AcceptedEpochFile)
	r.expect("2: messages.LeaderInfo 5")
	r.promise(2, 0, 0)
	r.expect("peer: cluster.SaveEpoch currentEpoch 5")
	r.info(3, 0)
	r.expect("3: messages.LeaderInfo 5")
	r.saved(persistence.CurrentEpochFile)
	r.expect("2: cluster.BeginSync to 0x0, 0 outstanding")
	r.l.NewLeaderAck(2, &messages.NewLeaderAck{Epoch: 5}, r.now)
	r.expect("peer: cluster.LeaderActive", "2: cluster.GoOn")
	r.promise(3, 0, 0)
	r.expect("3: cluster.BeginSync to 0x0, 0 outstanding")
	r.l.NewLeaderAck(3, &messages.NewLeaderAck{Epoch: 5}, r.now)
	r.expect("3: cluster.GoOn")
}

// A member of the quorum has a newer history: whoever has that must lead (ZOOKEEPER-335).
func TestLeaderAbdicatesBeforeANewerHistory(t *testing.T) {
	for name, last := range map[string]struct {
		current uint32
		last    messages.Zxid
	}{
		"by a transaction": {1, messages.MakeZxid(1, 6)},
		"by an epoch":      {2, messages.MakeZxid(1, 1)},
	} {
		r := newReign(t, 3, 2, 1, messages.MakeZxid(1, 5))
		r.info(2, 2)
		r.saved(persistence.AcceptedEpochFile)
		r.promise(2, last.current, last.last)
		if reason, ended := r.l.Ended(); !ended || !strings.Contains(reason, "newer history") {
			t.Errorf("%s: %q", name, reason)
		}
	}
}

// A promise that was given to somebody else before doesn't count again, so two leaders can't share an epoch.
func TestOldPromisesDoNotCount(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.info(2, 0)
	r.saved(persistence.AcceptedEpochFile)
	r.l.Flush()
	r.l.EpochAck(2, &messages.EpochAck{Fresh: false}, r.now)
	r.expect()
}

// A transaction is committed when a quorum has it on disk, this server's own disk only after its own fsync.
func TestCommitNeedsAQuorumOnDisk(t *testing.T) {
	r := newReign(t, 5, 0, 0, 0)
	r.info(2, 0)
	r.info(3, 0)
	r.saved(persistence.AcceptedEpochFile)
	r.promise(2, 0, 0)
	r.promise(3, 0, 0)
	r.saved(persistence.CurrentEpochFile)
	r.l.NewLeaderAck(2, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.l.NewLeaderAck(3, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.l.Flush()
	r.propose(1, 3)
	r.expect("2: messages.Propose", "3: messages.Propose")
	r.ack(2, 3)
	r.ack(3, 2)
	r.expect()
	r.ack(1, 1)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000001", "3: messages.Commit 0x100000001")
	r.ack(1, 3)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000002", "3: messages.Commit 0x100000002")
	r.ack(3, 3)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000003", "3: messages.Commit 0x100000003")
}

// What is proposed while a learner is being synchronised reaches it, once: its history ends where its broadcast begins
// (ZOOKEEPER-962).
func TestSyncPointAndBroadcastMeet(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.establish()
	r.propose(1, 2)
	r.ack(1, 2)
	r.ack(2, 1)
	r.l.Flush()
	r.info(3, 0)
	r.promise(3, 0, 0)
	r.expect("3: messages.LeaderInfo 1", "3: cluster.BeginSync to 0x100000001, 1 outstanding")
	r.propose(3, 3)
	r.expect("2: messages.Propose", "3: messages.Propose")
	r.ack(2, 2)
	r.expect("gate: messages.Committed 1", "2: messages.Commit 0x100000002", "3: messages.Commit 0x100000002")
	// Its word counts when it is up, not before.
	r.ack(3, 3)
	r.ack(1, 3)
	r.expect()
	r.l.NewLeaderAck(3, &messages.NewLeaderAck{Epoch: 1}, r.now)
	r.ack(3, 3)
	r.expect("3: cluster.GoOn", "gate: messages.Committed 1", "2: messages.Commit 0x100000003", "3: messages.Commit 0x100000003")
}

// A sync is answered by a heartbeat that began after it, not by one that was under way.
func TestSyncNeedsAProofOfItsOwn(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.establish()
	r.l.Syncs(&messages.SyncWishes{Items: []messages.SyncWish{{Ticket: 7}}}, r.now)
	r.expect("2: messages.Ping")
	r.l.Syncs(&messages.SyncWishes{Items: []messages.SyncWish{{Ticket: 8, Server: 2}}}, r.now)
	r.expect()
	r.l.Pong(&messages.Pong{Server: 2, Beat: 1}, r.now)
	r.expect("gate: messages.Refusals", "2: messages.Ping")
	r.l.Pong(&messages.Pong{Server: 2, Beat: 1}, r.now)
	r.expect()
	r.l.Pong(&messages.Pong{Server: 2, Beat: 2}, r.now)
	r.expect("2: messages.Words")
}

// Fresh reads need what is committed when they come, not what is only proposed, and share a round.
func TestFreshReadsShareARoundAndWaitForNoProposal(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.establish()
	r.propose(1, 2)
	r.ack(1, 2)
	r.ack(2, 1)
	r.l.Flush()
	first := []messages.SyncWish{{Server: 2, Ticket: 1}, {Ticket: 2}}
	r.l.Syncs(&messages.SyncWishes{Items: first}, r.now)
	for ticket := range messages.Ticket(100) {
		r.l.Syncs(&messages.SyncWishes{Items: []messages.SyncWish{{Server: 2, Ticket: 10 + ticket}}}, r.now)
	}
	r.expect("2: messages.Ping")
	if first[0].After != 0 {
		t.Error("a message was changed after it had been sent")
	}
	r.l.Pong(&messages.Pong{Server: 2, Beat: 1}, r.now)
	r.expect("gate: messages.Refusals", "2: messages.Words", "2: messages.Ping")
	r.l.Pong(&messages.Pong{Server: 2, Beat: 2}, r.now)
	words := r.l.Flush()
	if len(words) != 1 {
		t.Fatalf("a hundred reads are answered with %d messages", len(words))
	}
	items := words[0].Msg.(*messages.Words).Items
	if committed := messages.MakeZxid(1, 1); len(items) != 100 || items[0].After != committed || items[99].Ticket != 109 {
		t.Errorf("%d answers, the first %+v", len(items), items[0])
	}
}

// A leader that hears no quorum steps down: after syncLimit of silence, or a moment after the links have broken.
func TestLeaderStepsDownWithoutAQuorum(t *testing.T) {
	silent := newReign(t, 3, 0, 0, 0)
	silent.establish()
	for silent.now = 100; silent.now < 5000; silent.now += 100 {
		silent.l.Tick(silent.now)
		if _, ended := silent.l.Ended(); ended {
			t.Fatalf("ended at %d ms", silent.now)
		}
	}
	silent.l.Tick(5100)
	if _, ended := silent.l.Ended(); !ended {
		t.Error("a silent quorum")
	}
	broken := newReign(t, 3, 0, 0, 0)
	broken.establish()
	broken.l.LearnerGone(2)
	broken.l.Tick(100)
	if _, ended := broken.l.Ended(); ended {
		t.Error("a link had no time to come back")
	}
	broken.l.Tick(100 + quorumGrace)
	if _, ended := broken.l.Ended(); !ended {
		t.Error("broken links")
	}
}

// What this server's own pipeline still says when the reign is over is of no account.
func TestWordsBehindTheReign(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.establish()
	r.l.LearnerGone(2)
	r.l.Tick(100)
	r.l.Tick(100 + quorumGrace)
	r.propose(1, 2)
	r.ack(1, 2)
	if _, ended := r.l.Ended(); !ended {
		t.Error("the reign goes on")
	}
}

// A voter that has promised a later epoch can't follow: the leader makes room for an election that it can join.
func TestLaterPromiseEndsTheReign(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.establish()
	r.info(3, 9)
	if _, ended := r.l.Ended(); !ended {
		t.Error("server 3 can never come back")
	}
}

// The counter never runs into the epoch (ZOOKEEPER-1277): the leader hands over to itself, and if that fails it ends.
func TestReignEndsBeforeTheCounterDoes(t *testing.T) {
	r := newReign(t, 1, 0, 0, 0)
	r.saved(persistence.AcceptedEpochFile)
	r.saved(persistence.CurrentEpochFile)
	r.l.Flush()
	jump := func(counter uint32) {
		r.l.proposed = messages.MakeZxid(1, counter-1)
		r.l.Propose([]messages.Proposal{{Header: messages.TxnHeader{Zxid: messages.MakeZxid(1, counter)}}}, r.now)
	}
	jump(lastCounter)
	r.expect("desk: cluster.deskOrder")
	jump(lastCounter + 1)
	r.expect()
	jump(lastCounter + counterMargin)
	if _, ended := r.l.Ended(); !ended {
		t.Error("the reign goes on")
	}
}

// What a quorum needs of this server's disk stays in memory until it is on that disk.
func TestWindowKeepsWhatIsNotDurable(t *testing.T) {
	h := history{}
	h.add(proposals(1, 1, 10))
	h.trim(3, 1<<20, messages.MakeZxid(1, 5))
	if len(h.items) != 5 || h.base != messages.MakeZxid(1, 5) {
		t.Errorf("%d items behind %v", len(h.items), h.base)
	}
	h.trim(3, 1<<20, messages.MakeZxid(1, 10))
	if len(h.items) != 3 || h.base != messages.MakeZxid(1, 7) || h.bytes != 3 {
		t.Errorf("%d items, %d bytes behind %v", len(h.items), h.bytes, h.base)
	}
}
