package actors

import (
	"fmt"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// TestLogWaitsForMembers: a change of members, and what is behind it, goes to the leader at once and to the log only when the
// members are kept.
func TestLogWaitsForMembers(t *testing.T) {
	system := actor.NewActorSystem()
	defer system.Shutdown()
	inline := actor.WithDispatcher(actor.NewSynchronizedDispatcher(300))
	var got []string
	// place is a stage that notes what comes to it.
	place := func(name string) *actor.PID {
		return system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *messages.Proposals:
				got = append(got, fmt.Sprintf("%s %d", name, m.Items[0].Header.Zxid.Counter()))
			case *messages.Words:
				got = append(got, name+" words")
			}
		}, inline))
	}
	env := &StageEnv{
		Runtime: &Runtime{World: World{}, System: system, Metrics: &Metrics{}}, Links: Links{Member: place("leader"), Sync: place("log")},
	}
	stage := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return newProposalStage(env) }, inline))
	send := func(msg any, want ...string) {
		t.Helper()
		got = nil
		if system.Root.Send(stage, msg); !slices.Equal(got, want) {
			t.Fatalf("%T: %q, want %q", msg, got, want)
		}
	}
	batch := func(op messages.OpCode, counter uint32) *messages.Proposals {
		return &messages.Proposals{Items: []messages.Proposal{{Header: messages.TxnHeader{Op: op, Zxid: messages.MakeZxid(1, counter)}}}}
	}
	kept := func(counter uint32) MembersKept { return MembersKept{Version: messages.MakeZxid(1, counter)} }
	send(batch(messages.OpCreate, 1), "leader 1", "log 1")
	send(batch(messages.OpReconfig, 2), "leader 2")
	send(batch(messages.OpCreate, 3), "leader 3")
	send(batch(messages.OpReconfig, 4), "leader 4") // the first may be committed by others meanwhile
	send(&messages.Words{}, "leader words")
	send(kept(2), "log 2", "log 3")
	send(batch(messages.OpCreate, 5), "leader 5")
	send(kept(4), "log 4", "log 5")
	send(batch(messages.OpCreate, 6), "leader 6", "log 6")
}
