package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// How the peer changes the leader without its clients noticing: the stages that they depend on go on, the others and the
// role stop, and an election that all servers begin with the same wish finds the new leader.

type (
	// MoveLeader asks a server that leads to hand over to another one; 0: to the one that is furthest. Done is called once,
	// with nil when this leader has handed over, else with the reason why it leads on.
	MoveLeader struct {
		To   messages.ServerID
		Done func(error)
	}
	// handOverLate ends a handover that doesn't come to an end.
	handOverLate struct{ passage *passage }
)

func (m MoveLeader) answer(err error) {
	if m.Done != nil {
		m.Done(err)
	}
}

// passage is a handover under way on this server.
type passage struct {
	to    messages.ServerID
	zxid  messages.Zxid
	homes []messages.SessionHome
	left  map[string]bool // actors of the old role that haven't stopped yet
	quiet int             // how many of the log and the tree have finished
	// looked: the next leader is looked for, or was found.
	looked bool
}

// passageLimit is how long clients may wait. After it their connections are closed, as at any change of leaders.
const passageLimit = 2 * time.Second

func (a *peerActor) handover(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case MoveLeader:
		a.moveLeader(ctx, m)
	case *HandingOver:
		a.handingOver(ctx, m)
	case actors.Quiet:
		a.quiet(ctx)
	case handOverLate:
		a.handOverLate(ctx, m)
	}
}

func (a *peerActor) moveLeader(ctx actor.Context, m MoveLeader) {
	if a.state != messages.Leading || a.role == nil || a.chain == nil || a.ending != nil || a.passage != nil {
		m.answer(fmt.Errorf("server %d does not lead", a.m.Self.ID))
		return
	}
	ctx.Send(a.role, m)
}

func (a *peerActor) handingOver(ctx actor.Context, m *HandingOver) {
	if a.chain == nil || m.Generation != a.generation || a.ending != nil || a.passage != nil || a.stopping {
		return
	}
	a.log.Info().Uint8("to", uint8(m.To)).Stringer("zxid", m.Zxid).Msg("leadership is being handed over; clients stay connected")
	p := &passage{to: m.To, zxid: m.Zxid, homes: m.Homes, left: map[string]bool{}}
	a.passage = p
	a.admitLearners(ctx, nil)
	ctx.Send(a.chain.Links.Front, actors.HoldFront{})
	ctx.Send(a.chain.Links.Sync, actors.Quiesce{To: ctx.Self()})
	ctx.Send(a.chain.Links.Gate, actors.Quiesce{To: ctx.Self()})
	for _, pid := range append(a.chain.Leave(ctx), a.role) {
		p.left[pid.Id] = true
	}
	if a.state == messages.Leading {
		ctx.Send(a.role, retire{}) // it stops when its last words are out
	} else {
		ctx.Stop(a.role)
	}
	a.role = nil
	self, root := ctx.Self(), a.m.rt.System.Root
	a.m.rt.Clock.After(passageLimit, func() { root.Send(self, handOverLate{p}) })
	a.passed(ctx)
}

func (a *peerActor) quiet(ctx actor.Context) {
	if a.passage != nil {
		a.passage.quiet++
		a.passed(ctx)
	}
}

// passed begins the election when the old role is gone and this server's state is what it should be. It does so once: other
// children, such as those of ports that move, may stop while the next role begins.
func (a *peerActor) passed(ctx actor.Context) {
	p := a.passage
	if len(p.left) > 0 || p.quiet < 2 || p.looked {
		return
	}
	if last := a.kept.LastZxid(); last != p.zxid {
		a.endRole(ctx, fmt.Sprintf("the tree is at %v, the leader handed over at %v", last, p.zxid), true)
		return
	}
	p.looked = true
	a.state, a.leader = messages.Looking, 0
	a.look(ctx)
}

func (a *peerActor) handOverLate(ctx actor.Context, m handOverLate) {
	if a.passage == m.passage {
		a.endRole(ctx, "leadership was handed over and not taken up in time", false)
	}
}

// nextReign is the only epoch in which clients can stay connected after that one. If there was another reign in between, their
// sessions may have been elsewhere: what they had asked for here before that must not be carried out now.
func nextReign(epoch uint32) uint32 { return epoch + 1 }

const reignBetween = "there may have been another reign in between, so clients have to connect anew"

// switchRole gives the pipeline that has waited its new neighbours.
func (a *peerActor) switchRole(ctx actor.Context, role actors.Role, epoch uint32, links actors.Links) {
	base := a.base
	if epoch != nextReign(base.Epoch) {
		a.endRole(ctx, fmt.Sprintf("leadership was handed over in epoch %d, and this is epoch %d: %s", base.Epoch, epoch, reignBetween), false)
		return
	}
	links.Commands = a.m.Commands
	base.Role, base.Epoch, base.Links, base.DiskFull = role, epoch, links, false
	base.Ensemble = actors.Ensemble{Members: a.members.Current(), Quorum: quorumOf}
	base.Homes = a.passage.homes
	if err := a.chain.Switch(ctx, base, a.generation); err != nil {
		a.endRole(ctx, err.Error(), true)
		return
	}
	a.passage = nil
	a.established(ctx, role, epoch)
	a.keepClients(ctx, role, epoch)
	a.base.Role, a.base.Epoch = role, epoch
}

// keepClients tells the connections who their pipeline's new stages are. With leaderServes=no a server that now leads
// sends its clients away, and one that led has none.
func (a *peerActor) keepClients(ctx actor.Context, role actors.Role, epoch uint32) {
	if a.m.LeaderRefuses && (role == actors.RoleLeader || a.base.Role == actors.RoleLeader) {
		for _, l := range a.m.Listeners {
			ctx.Send(l, actors.Hold{Reason: "leadership has moved"})
		}
		a.admitClients(ctx, role, a.chain)
	} else {
		for _, l := range a.m.Listeners {
			ctx.Send(l, actors.Relink{Links: a.chain.Links, Role: role, Epoch: epoch})
		}
	}
}
