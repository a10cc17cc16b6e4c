package cluster

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// TestStatusBoard: a part that belongs to an earlier state is not shown.
func TestStatusBoard(t *testing.T) {
	var b StatusBoard
	if s := b.Status(); s.State != messages.Looking || s.Phase != PhaseElection || s.Leader != 0 {
		t.Errorf("an empty board shows %+v", s)
	}
	b.PutPeer(PeerStatus{ID: 2, State: messages.Leading, Leader: 2})
	b.PutPhase(PhaseBroadcast)
	b.PutLeader(LeaderStatus{PendingSyncs: 3})
	if s := b.Status(); s.Phase != PhaseBroadcast || s.PendingSyncs != 3 {
		t.Errorf("a leader's board shows %+v", s)
	}
	b.PutPeer(PeerStatus{ID: 2, State: messages.Looking})
	b.PutLeader(LeaderStatus{PendingSyncs: 4}) // a last word of the leader that was stopped
	if s := b.Status(); s.Phase != PhaseElection || s.PendingSyncs != 0 {
		t.Errorf("while looking the board shows %+v", s)
	}
	b.PutPeer(PeerStatus{ID: 2, State: messages.Leading, Leader: 2})
	if s := b.Status(); s.Phase != PhaseDiscovery || s.PendingSyncs != 0 {
		t.Errorf("the next reign begins with %+v", s)
	}
}

func TestStatusCounts(t *testing.T) {
	m, err := messages.ParseMembership("server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\nserver.4=d:1:2:observer")
	if err != nil {
		t.Fatal(err)
	}
	s := Status{PeerStatus: PeerStatus{ID: 3, Members: m}, LeaderStatus: LeaderStatus{Learners: []LearnerStatus{
		{ID: 1, Synced: true}, {ID: 2}, {ID: 4, Observer: true, Synced: true}, {ID: 9, Synced: true},
	}}}
	followers, guests, observers := s.Synced()
	if followers != 2 || guests != 1 || observers != 1 || !s.Voter() {
		t.Errorf("%d followers, %d guests, %d observers, voter %v", followers, guests, observers, s.Voter())
	}
	if s.ID = 4; s.Voter() {
		t.Error("an observer does not vote")
	}
}

func TestTally(t *testing.T) {
	var got Tally
	for _, v := range []int64{7, 3, 5} {
		got.Add(v)
	}
	if want := (Tally{Count: 3, Last: 5, Min: 3, Max: 7, Sum: 15}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
