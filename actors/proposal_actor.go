package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// proposalActor is the notice board of a leader: what prep has decided goes to the leader, which proposes it to the
// learners, and to this server's own log, at the same time. Everything passes in its order.
type proposalActor struct{ env *StageEnv }

func newProposalStage(env *StageEnv) actor.Actor { return &proposalActor{env: env} }

// Receive implements actor.Actor.
func (a *proposalActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Proposals:
		// The leader first: its learners' disks should not wait for this one's.
		ctx.Send(a.env.Member, m)
		ctx.Send(a.env.Sync, m)
		for i := range m.Items {
			a.env.Metrics.proposalSize(int64(len(m.Items[i].Encoded)))
		}
	case *messages.Words, *messages.SyncWishes, DeskHeld:
		ctx.Send(a.env.Member, m)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}
