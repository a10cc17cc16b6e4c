package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// ElectionActorOptions say what an election actor needs. Spawn makes the props of an electionpeer.
type ElectionActorOptions struct {
	Self     Identity
	Observer bool
	Peer     *actor.PID
	Core     ElectionOptions
	Spawn    func(ElectionMember, *actor.PID) *actor.Props
}

type electionWake struct{}

type electionActor struct {
	actors.PrivateChildren
	rt    *actors.Runtime
	o     ElectionActorOptions
	core  *Election
	peers map[messages.ServerID]*actor.PID
	timer actors.Timer
}

// NewElectionActor makes the props of the election actor, the shell of Election.
func NewElectionActor(rt *actors.Runtime, o ElectionActorOptions) *actor.Props {
	return rt.SharedProps("election", func() actor.Actor {
		return &electionActor{
			PrivateChildren: actors.PrivateChildren{Runtime: rt}, rt: rt, o: o, core: NewElection(o.Core),
			peers: map[messages.ServerID]*actor.PID{},
		}
	})
}

// Receive implements actor.Actor.
func (a *electionActor) Receive(ctx actor.Context) {
	now := a.rt.Clock.MonoUs() / 1000
	switch m := ctx.Message().(type) {
	case *actor.Started:
		ctx.Send(a.o.Peer, ElectionRestarted{})
	case SetMembers:
		for _, o := range m.Others {
			if a.peers[o.ID] == nil {
				pid, err := ctx.SpawnNamed(a.o.Spawn(o, ctx.Self()), fmt.Sprintf("peer%d", o.ID))
				if err != nil {
					panic(err)
				}
				a.peers[o.ID] = pid
			}
		}
		a.do(ctx, a.core.SetRules(m.Rules, m.Version, m.Text, now))
	case StartElection:
		a.do(ctx, a.core.Start(m.Vote, now))
	case RoleSettled:
		a.do(ctx, a.core.Settled(m.State, m.Leader, m.Epoch, m.Zxid))
	case *messages.Notification:
		a.do(ctx, a.core.Notified(m, now))
	case PeerUp:
		a.do(ctx, a.core.LinkUp(m.ID, now))
	case PeerDown:
		a.do(ctx, a.core.LinkDown(m.ID, now))
	case LinkAccepted:
		if pid := a.peers[m.Peer.From]; pid != nil {
			ctx.Send(pid, m)
		}
	case electionWake:
		a.do(ctx, a.core.Tick(now))
	case *actor.Stopping:
		if a.timer != nil {
			a.timer.Stop()
		}
	}
}

func (a *electionActor) do(ctx actor.Context, out ElectionOutput) {
	for _, s := range out.Sends {
		if pid := a.peers[s.To]; pid != nil {
			ctx.Send(pid, s.Notification)
		}
	}
	if out.Elected != nil {
		ctx.Send(a.o.Peer, out.Elected)
	}
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	if out.WakeAt != 0 {
		self, root := ctx.Self(), a.rt.System.Root
		wait := time.Duration(max(0, out.WakeAt-a.rt.Clock.MonoUs()/1000)) * time.Millisecond
		a.timer = a.rt.Clock.After(wait, func() { root.Send(self, electionWake{}) })
	}
}
