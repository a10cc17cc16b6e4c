package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// commitActor is the shell of the gate.
type commitActor struct {
	env  *StageEnv
	core *Commit
}

func newCommitStage(env *StageEnv) actor.Actor {
	return &commitActor{env: env, core: NewCommit(env.Tree.LastZxid())}
}

// Receive implements actor.Actor.
func (a *commitActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Requests:
		a.core.Submit(m.Items)
		a.env.doneWith(m)
	case *messages.Committed:
		a.core.Committed(m.Items)
		a.env.Metrics.Commits.Add(int64(len(m.Items)))
	case *messages.Refusals:
		a.core.Refused(m.Items)
	case *messages.Revalidate:
		// It asks about the state behind all that has been committed so far, so it goes the same way.
		a.flush(ctx)
		ctx.Send(a.next(), m)
	case Quiesce:
		a.flush(ctx)
		ctx.Send(a.next(), m)
	case Relink:
		a.env.relink(m)
	case resubmit:
		a.resubmit(ctx)
	case Drained:
		a.flush(ctx)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *commitActor) flush(ctx actor.Context) { a.env.dispatch(ctx, a.next(), a.core.Flush()) }

func (a *commitActor) next() *actor.PID {
	if a.env.ToBeApplied != nil {
		return a.env.ToBeApplied
	}
	return a.env.Final
}

func (a *commitActor) resubmit(ctx actor.Context) {
	alive := func(c messages.ConnID) bool { return a.env.Conns.PID(c) != nil }
	for part := range messages.Batches(a.core.Resubmit(alive), (*messages.Request).Size) {
		ctx.Send(a.env.Prep, &messages.Requests{Items: part})
	}
	ctx.Send(a.env.Front, resubmitted{})
}
