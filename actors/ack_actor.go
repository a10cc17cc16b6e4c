package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// ackActor tells the leader what this server's log holds durably: the leader's own ack stage, and a follower's
// sendack. A batch of the log is one acknowledgement, and what queued meanwhile too.
type ackActor struct {
	env  *StageEnv
	last messages.Zxid
}

func newAckStage(env *StageEnv) actor.Actor { return &ackActor{env: env} }

// Receive implements actor.Actor.
func (a *ackActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Durable:
		a.last = m.Zxid
	case Drained:
		ctx.Send(a.env.Leader, &messages.Ack{Server: a.env.Options.SessionServer, Zxid: a.last})
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}
