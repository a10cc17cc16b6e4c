package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// MembersKept tells a leader's proposal stage that the members of the change with that version, and of all before it, are
// durable on this server.
type MembersKept struct{ Version messages.Zxid }

// proposalActor is the notice board of a leader: what prep has decided goes to the leader, which proposes it to the
// learners, and to this server's own log, at the same time. Everything passes in its order. A change of members, and what
// is behind it, goes to the log only when the members are kept: a server whose log has a change that it knows nothing of would
// lead by the old members, while others may have committed it.
type proposalActor struct {
	env     *StageEnv
	kept    messages.Zxid
	waiting []*messages.Proposals // the first holds a change beyond kept
}

func newProposalStage(env *StageEnv) actor.Actor { return &proposalActor{env: env} }

// Receive implements actor.Actor.
func (a *proposalActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Proposals:
		// The leader first: its learners' disks should not wait for this one's.
		ctx.Send(a.env.Member, m)
		for i := range m.Items {
			a.env.Metrics.proposalSize(int64(len(m.Items[i].Encoded)))
		}
		if len(a.waiting) > 0 || a.early(m) {
			a.waiting = append(a.waiting, m)
			return
		}
		ctx.Send(a.env.Sync, m)
	case MembersKept:
		a.kept = max(a.kept, m.Version)
		a.goOn(ctx)
	case *messages.Words, *messages.SyncWishes, DeskHeld:
		ctx.Send(a.env.Member, m)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

// goOn passes on to the log what doesn't have to wait any more.
func (a *proposalActor) goOn(ctx actor.Context) {
	for len(a.waiting) > 0 && !a.early(a.waiting[0]) {
		ctx.Send(a.env.Sync, a.waiting[0])
		a.waiting = a.waiting[1:]
	}
}

// early tells whether there is a change of members among proposals that isn't kept yet.
func (a *proposalActor) early(m *messages.Proposals) bool {
	for i := range m.Items {
		if h := &m.Items[i].Header; h.Op == messages.OpReconfig && h.Zxid > a.kept {
			return true
		}
	}
	return false
}
