package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// TakeTouches asks a learner's session tracker for its word to the leader.
type TakeTouches struct{}

// learnerTrackerActor is the session tracker of a follower or observer. The leader alone expires sessions; a learner tells
// it, with each answer to its heartbeat, whose clients gave a sign of life.
type learnerTrackerActor struct {
	env     *StageEnv
	touched map[messages.SessionID]struct{}
}

func newLearnerTracker(env *StageEnv) actor.Actor {
	return &learnerTrackerActor{env: env, touched: map[messages.SessionID]struct{}{}}
}

// Receive implements actor.Actor.
func (a *learnerTrackerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Touch:
		a.touched[m.Session] = struct{}{}
	case TakeTouches:
		a.tell(ctx)
	case *messages.SessionOpened:
	case *messages.SessionClosed:
		delete(a.touched, m.Session)
	case *messages.SessionQuery:
		ctx.Respond(a.report())
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *learnerTrackerActor) tell(ctx actor.Context) {
	if len(a.touched) == 0 {
		return
	}
	ids := make([]messages.SessionID, 0, len(a.touched))
	for id := range a.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	clear(a.touched)
	ctx.Send(a.env.Leader, &messages.Touches{Sessions: ids})
}

// report lists the sessions without deadlines: those are the leader's.
func (a *learnerTrackerActor) report() *messages.SessionReport {
	r := &messages.SessionReport{}
	var b messages.BucketReport
	a.env.Tree.Read(func(t *tree.Tree) {
		for _, s := range t.Sessions() {
			b.Sessions = append(b.Sessions, s.Session)
		}
	})
	if len(b.Sessions) > 0 {
		r.Buckets = append(r.Buckets, b)
	}
	return r
}
