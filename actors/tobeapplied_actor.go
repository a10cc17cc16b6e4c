package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// toBeAppliedActor stands between a member's gate and its tree. It keeps account of what has been committed and is not
// applied yet, and tells a leader's prep, whose overlay stands in for it, what has been.
type toBeAppliedActor struct {
	env                *StageEnv
	committed, applied messages.Zxid
}

func newToBeAppliedStage(env *StageEnv) actor.Actor {
	last := env.Tree.LastZxid()
	return &toBeAppliedActor{env: env, committed: last, applied: last}
}

// Receive implements actor.Actor.
func (a *toBeAppliedActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Deliveries:
		a.pass(ctx, m)
	case *messages.Revalidate, Quiesce:
		ctx.Send(a.env.Final, m)
	case Relink:
		a.env.relink(m)
	case *messages.Applied:
		if m.Zxid > a.committed {
			panic("tobeapplied: " + m.Zxid.String() + " is applied, but only " + a.committed.String() + " was to be")
		}
		a.applied = m.Zxid
		if a.env.Role == RoleLeader {
			ctx.Send(a.env.Prep, m)
		}
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *toBeAppliedActor) pass(ctx actor.Context, m *messages.Deliveries) {
	for i := range m.Items {
		if p := m.Items[i].Proposal; p != nil {
			a.committed = p.Header.Zxid
		}
	}
	ctx.Send(a.env.Final, m)
}
