package cluster

import (
	"strconv"
	"testing"

	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

// proposalRun takes proposals from a leader's core over both ends of a link to a learner's core, its acknowledgement back, and
// the commit there again: all that an ensemble does for a write between the leader's prep and the two gates, but for sockets,
// disks and mailboxes.
type proposalRun struct {
	*reign
	learner   *Learner
	there     *linkCore // the learner's end
	here      *linkCore // the leader's
	body      messages.SetDataTxn
	items     []messages.Proposal
	last      messages.Zxid
	atGate    int // how many are committed, at the leader's gate …
	atLearner int // … and at the learner's
}

func newProposalRun(t testing.TB) *proposalRun {
	r := newReign(t, 3, 0, 0, 0)
	r.establish() // with learner 2
	epoch := r.l.Epoch()
	learner := NewLearner(2, 0, 0, 0)
	if _, err := learner.LeaderInfo(epoch); err != nil {
		t.Fatal(err)
	}
	if err := learner.Synchronised(&messages.NewLeader{Epoch: epoch}, 0); err != nil {
		t.Fatal(err)
	}
	if err := learner.UpToDate(&messages.UpToDate{Epoch: epoch}); err != nil {
		t.Fatal(err)
	}
	there, here := greetedPair(t)
	return &proposalRun{
		reign: r, learner: learner, there: there, here: here, last: messages.MakeZxid(epoch, 0),
		body: messages.SetDataTxn{Path: "/app/config/node-0000000017", Data: make([]byte, 100), Version: 12},
	}
}

// carry brings what one end has to send to the other one, and gives the one message that comes out.
func (r *proposalRun) carry(from, to *linkCore) any {
	out := from.Take()
	msgs, err := to.Bytes(out)
	from.Wrote(out)
	if err != nil || len(msgs) != 1 {
		r.t.Fatalf("%d messages came, want 1; %v", len(msgs), err)
	}
	return msgs[0]
}

func (r *proposalRun) check(err error) {
	if err != nil {
		r.t.Fatal(err)
	}
}

// run is one batch.
func (r *proposalRun) run(items []messages.Proposal) {
	r.l.Propose(items, r.now)
	for _, s := range r.l.Flush() {
		frames, err := pack.Encode(nil, s.Msg) // once for all learners, as leaderActor does
		r.check(err)
		r.check(r.here.PutFrames(frames))
	}
	propose := r.carry(r.here, r.there).(*messages.Propose)
	r.check(r.learner.Propose(propose.Items))
	last := propose.Items[len(propose.Items)-1].Header.Zxid
	r.check(r.there.Put(&messages.Ack{Server: 2, Zxid: last}))
	r.l.Ack(r.carry(r.there, r.here).(*messages.Ack), r.now)
	r.l.Ack(&messages.Ack{Server: 1, Zxid: last}, r.now)
	for _, s := range r.l.Flush() {
		switch m := s.Msg.(type) {
		case *messages.Committed:
			r.atGate += len(m.Items)
		case *messages.Commit:
			r.check(r.here.Put(m))
		}
	}
	committed, err := r.learner.Commit(r.carry(r.here, r.there).(*messages.Commit).Zxid)
	r.check(err)
	r.atLearner += len(committed)
}

// batch encodes the next n transactions, as the leader's prep does. Each sets 100 bytes.
func (r *proposalRun) batch(n int) []messages.Proposal {
	r.items = r.items[:0]
	for range n {
		r.last++
		h := messages.TxnHeader{Zxid: r.last, Time: 1795314193612, Session: 9, Op: messages.OpSetData}
		encoded, err := messages.EncodeTxn(&h, &r.body)
		r.check(err)
		r.items = append(r.items, messages.Proposal{Header: h, Ticket: messages.Ticket(r.last), Encoded: encoded, Body: &r.body})
	}
	return r.items
}

// counted checks that every proposal has come to both gates.
func (r *proposalRun) counted() {
	if n := int(r.last.Counter()); r.atGate != n || r.atLearner != n {
		r.t.Fatalf("%d proposals are at the leader's gate and %d at the learner's, want %d", r.atGate, r.atLearner, n)
	}
}

// A proposal costs 5 allocations, however many go together: its encoded form, and at the learner that form once more, the
// transaction, its path and its data. A batch costs the messages (the leader's four, three that are decoded), their lists, the frames that
// all learners share, and the leader's looks through its learners, each of which sorts them.
func TestAllocationsOfProposals(t *testing.T) {
	if actortest.RaceDetector {
		t.Skip("the race detector allocates on its own account")
	}
	for batch, most := range map[int]float64{1: 5 + 35, 32: 32*5 + 45} {
		r := newProposalRun(t)
		for range 100 { // until all buffers have the size that they need
			r.run(r.batch(batch))
		}
		got := testing.AllocsPerRun(200, func() { r.run(r.batch(batch)) })
		r.counted()
		t.Logf("a batch of %d: %v allocations", batch, got)
		if got > most {
			t.Errorf("a batch of %d: %v allocations, at most %v are known", batch, got, most)
		}
	}
}

func BenchmarkPropose(b *testing.B) {
	for _, batch := range []int{1, 32} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			r := newProposalRun(b)
			b.ReportAllocs()
			for b.Loop() {
				r.run(r.batch(batch))
			}
			r.counted()
		})
	}
}
