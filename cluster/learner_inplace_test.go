package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// TestInPlaceWaitsForTheReign: a server whose clients stay connected while leadership moves writes down at once what its new
// leader has beyond its own history, and shows it to nobody before that leader is established: another leader may come first,
// and cut it off. The leader's word that it is established waits in turn until the tree has it all.
func TestInPlaceWaitsForTheReign(t *testing.T) {
	system := actor.NewActorSystem()
	defer system.Shutdown()
	inline := actor.WithDispatcher(actor.NewSynchronizedDispatcher(300))
	var got []string
	place := func(name string) *actor.PID {
		return system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case actor.SystemMessage, *actor.Started:
			case *messages.Proposals:
				got = append(got, fmt.Sprint(name, " ", m.Items[0].Header.Zxid.Counter()))
			case *messages.Committed:
				got = append(got, fmt.Sprint(name, " ", m.Items[0].Header.Zxid.Counter(), "..", m.Items[len(m.Items)-1].Header.Zxid.Counter()))
			default:
				got = append(got, fmt.Sprintf("%s %T", name, m))
			}
		}, inline))
	}
	zxid := func(counter uint32) messages.Zxid { return messages.MakeZxid(9, counter) }
	learner := &learnerActor{
		m: &member{rt: &actors.Runtime{World: actors.World{}}}, peer: place("peer"), link: place("leader"),
		start: learnerStart{inPlace: &actors.Links{Gate: place("gate"), Sync: place("log")}, last: zxid(4)}, core: NewLearner(2, 9, 9, zxid(4)),
	}
	learner.m.Board = &StatusBoard{}
	self := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *messages.History, *messages.UpToDate:
			if err := learner.synchronise(ctx, m); err != nil {
				t.Error(err)
			}
		case actors.Quiet:
			learner.quiet(ctx)
		}
	}, inline))
	send := func(msg any, want ...string) {
		t.Helper()
		got = nil
		if system.Root.Send(self, msg); !slices.Equal(got, want) {
			t.Fatalf("%T: %q, want %q", msg, got, want)
		}
	}
	history := func(counter uint32) *messages.History {
		return &messages.History{Items: []messages.Proposal{{Header: messages.TxnHeader{Zxid: zxid(counter)}}}}
	}
	if _, err := learner.core.LeaderInfo(10); err != nil {
		t.Fatal(err)
	}
	send(history(5), "log 5", "leader *messages.SnapCredit")
	send(history(6), "log 6", "leader *messages.SnapCredit")
	if err := learner.core.Synchronised(&messages.NewLeader{Epoch: 10, Last: zxid(6)}, learner.last()); err != nil {
		t.Fatal(err)
	}
	send(&messages.UpToDate{Epoch: 10}, "gate 5..6", "gate actors.Quiesce")
	send(actors.Quiet{}, "peer *cluster.LearnerActive")
}

// TestInPlaceOnlyIntoTheNextReign: if there may have been a reign in between, the sessions of this server's clients may have been
// elsewhere, and what they had asked for here before must not be carried out.
func TestInPlaceOnlyIntoTheNextReign(t *testing.T) {
	learner := &learnerActor{start: learnerStart{inPlace: &actors.Links{}}, core: NewLearner(2, 9, 9, messages.MakeZxid(9, 4))}
	err := learner.leaderInfo(nil, &messages.LeaderInfo{Epoch: 11})
	if err == nil || !strings.Contains(err.Error(), "epoch 9") || !strings.Contains(err.Error(), "epoch 11") {
		t.Errorf("from epoch 9 into epoch 11: %v", err)
	}
	if learner.core.epoch != 0 || learner.core.accepted != 9 {
		t.Errorf("it has promised to follow: epoch %d, accepted %d", learner.core.epoch, learner.core.accepted)
	}
}
