package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// expireBatch is how many sessions go to the desk in one message, so that ten thousand that expire together don't
// stand in the way of the living.
const expireBatch = 256

// bucketActor is the shell of one Bucket. What is in it comes from the tracker, also after a restart.
type bucketActor struct {
	env    *StageEnv
	core   *Bucket
	expire func([]messages.SessionID)
}

func newBucket(env *StageEnv, expire func([]messages.SessionID)) actor.Actor {
	return &bucketActor{env: env, core: NewBucket(), expire: expire}
}

// Receive implements actor.Actor.
func (a *bucketActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.BucketJoin:
		a.core.Join(m.Session)
	case *messages.BucketLeave:
		a.core.Leave(m.Session)
	case *messages.BucketDue:
		a.due(ctx)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *bucketActor) due(ctx actor.Context) {
	ids := a.core.Due()
	a.env.Metrics.StaleSessionsExpired.Add(int64(len(ids)))
	a.expire(ids)
	ctx.Stop(ctx.Self())
}

// endSessions asks the desk to close sessions that have expired. It refuses those that have ended already.
func (env *StageEnv) endSessions(ids []messages.SessionID) {
	for part := range slices.Chunk(ids, expireBatch) {
		requests := make([]messages.Request, len(part))
		for i, id := range part {
			requests[i] = messages.Request{Session: id, Op: messages.OpCloseSession}
		}
		env.System.Root.Send(env.Prep, &messages.Requests{Items: requests})
	}
}
