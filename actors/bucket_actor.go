package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// expireBatch is how many sessions go to the desk in one message, so that ten thousand that expire together don't
// stand in the way of the living.
const expireBatch = 256

// bucketActor is the shell of one Bucket. What is in it comes from the tracker, also after a restart.
type bucketActor struct {
	env  *StageEnv
	core *Bucket
}

func newBucket(env *StageEnv) actor.Actor { return &bucketActor{env: env, core: NewBucket()} }

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
	requests := a.core.Due()
	a.env.Metrics.StaleSessionsExpired.Add(int64(len(requests)))
	for len(requests) > 0 {
		n := min(len(requests), expireBatch)
		ctx.Send(a.env.Prep, &messages.Requests{Items: requests[:n:n]})
		requests = requests[n:]
	}
	ctx.Stop(ctx.Self())
}
