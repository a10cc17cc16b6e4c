package cluster

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// join brings a learner to the point where it is to be fed.
func (r *reign) join(server messages.ServerID, observer bool) {
	r.t.Helper()
	r.l.LearnerInfo(&messages.LearnerInfo{Server: server, Observer: observer, AcceptedEpoch: 0}, r.now)
	r.promise(server, 0, 0)
	r.l.Flush()
}

// Learners beyond the limit wait, followers less long than observers. Whose turn it is begins at what is committed then.
func TestLearnersBeyondTheLimitWaitForTheirTurn(t *testing.T) {
	r := newReign(t, 3, 0, 0, 0)
	r.l.opts.SnapSyncs, r.l.opts.DiffSyncs = 1, 1
	r.establish()
	r.l.FeedEnded(2)
	for server, observer := range map[messages.ServerID]bool{3: false, 4: true, 5: true, 6: true} {
		r.join(server, observer)
	}
	r.l.WantFeed(4, feedSnapshot, 0)
	r.expect("4: cluster.FeedTurn now")
	if !r.l.learners[4].follows() || len(r.l.feeding.kinds) != 1 {
		t.Fatalf("it is the turn of %v", r.l.feeding.kinds)
	}
	r.l.WantFeed(5, feedSnapshot, 0)
	r.l.WantFeed(3, feedSnapshot, 0)
	r.l.WantFeed(6, feedDiff, 0) // the limits are apart
	r.expect("5: cluster.FeedTurn", "3: cluster.FeedTurn", "6: cluster.FeedTurn now")
	if len(r.l.feeding.waiting) != 2 || len(r.l.feeding.kinds) != 2 {
		t.Fatalf("%v wait, it is the turn of %v", r.l.feeding.waiting, r.l.feeding.kinds)
	}

	r.propose(1, 3)
	r.ack(1, 3)
	r.ack(2, 3)
	r.l.Flush()
	r.l.FeedEnded(4)
	r.expect("3: cluster.BeginSync to 0x100000003, 0 outstanding")
	r.l.WantFeed(3, feedSnapshot, 0)
	r.expect("3: cluster.FeedTurn now")
	r.l.LearnerGone(3) // in the midst of it: the next one has its turn all the same
	r.expect("5: cluster.BeginSync to 0x100000003, 0 outstanding")

	// By now it needs something else, of which there is enough under way.
	r.l.WantFeed(5, feedDiff, 0)
	r.expect("5: cluster.FeedTurn")
	if got := r.l.feeding.waiting; len(got) != 1 || got[0].server != 5 {
		t.Errorf("%v wait", got)
	}
	r.l.LearnerGone(5)
	r.l.FeedEnded(6)
	if f := r.l.feeding; len(f.waiting)+len(f.kinds) != 0 {
		t.Errorf("in the end %v wait, and it is the turn of %v", f.waiting, f.kinds)
	}
}

// Without a quorum a follower may be the one that makes it, so it doesn't wait for anybody.
func TestFollowersDontWaitWhileThereIsNoQuorum(t *testing.T) {
	r := newReign(t, 5, 0, 0, 0)
	r.l.opts.SnapSyncs = 1
	for _, server := range []messages.ServerID{2, 3} {
		r.info(server, 0)
	}
	r.saved("acceptedEpoch")
	for _, server := range []messages.ServerID{2, 3} {
		r.promise(server, 0, 0)
	}
	r.saved("currentEpoch")
	r.join(6, true)
	r.l.WantFeed(6, feedSnapshot, 0)
	r.l.WantFeed(2, feedSnapshot, 0)
	r.l.WantFeed(3, feedSnapshot, 0)
	for _, s := range r.l.Flush() {
		if turn, ok := s.Msg.(*FeedTurn); ok && !turn.Now {
			t.Errorf("server %d waits", s.Server)
		}
	}
	r.join(7, true)
	r.l.WantFeed(7, feedSnapshot, 0)
	if got := r.l.feeding.waiting; len(got) != 1 || got[0].server != 7 {
		t.Errorf("%v wait, want server 7 alone", got)
	}
}
