package actors

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// trackerActor is the session tracker: the shell of the Wheel and the parent of its buckets. Its state comes from
// the tree: when it starts, or restarts after a failure, every session gets a fresh timeout.
type trackerActor struct {
	supervisor
	env     *StageEnv
	wheel   *Wheel
	buckets map[int64]*actor.PID // those to come
	numbers map[string]int64     // bucket by child, until it has ended
	timer   Timer
	local   bool // it looks after the sessions that only this server knows
}

type (
	wheelTick struct{}
	// takeLocals asks the request processor for the local sessions that there are.
	takeLocals struct{}
)

func newTracker(env *StageEnv) actor.Actor { return makeTracker(env, false) }

// newLocalTracker is the tracker of sessions that only this server knows. It hears every sign of life first and passes on
// what isn't about one of them. Their state is the request processor's.
func newLocalTracker(env *StageEnv) actor.Actor { return makeTracker(env, true) }

func makeTracker(env *StageEnv, local bool) *trackerActor {
	a := &trackerActor{env: env, local: local, buckets: map[int64]*actor.PID{}, numbers: map[string]int64{}}
	a.supervisor = supervisor{rt: env.Runtime, class: func(*actor.PID) FailureClass { return Rebuildable }}
	a.escalate = func(child *actor.PID, reason any) { panic(reason) } // too many failures: the tracker fails as well
	return a
}

// HandleFailure restarts a bucket and tells it anew what is in it. One whose deadline has passed doesn't come back: the
// word on the deadline may still wait in its mailbox, and would end it before it knew its sessions again.
func (a *trackerActor) HandleFailure(system *actor.ActorSystem, parent actor.Supervisor, child *actor.PID,
	stats *actor.RestartStatistics, reason, message any,
) {
	bucket, ok := a.numbers[child.Id]
	if ok && a.wheel.Called(bucket) {
		a.env.Metrics.PrivateStops.Inc()
		parent.StopChildren(child)
		a.expire(a.wheel.Members(bucket))
		return
	}
	a.supervisor.HandleFailure(system, parent, child, stats, reason, message)
	if !ok {
		return
	}
	for _, id := range a.wheel.Members(bucket) {
		a.env.System.Root.Send(child, &messages.BucketJoin{Session: id})
	}
}

// Receive implements actor.Actor.
func (a *trackerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *messages.Touch:
		a.touch(ctx, m)
	case *messages.Touches:
		a.touches(ctx, m)
	case *messages.Revalidate:
		a.revalidate(ctx, m)
	case *messages.SessionOpened:
		a.moved(ctx)(a.wheel.Open(m.Session, m.Timeout, a.now()))
	case *messages.SessionClosed:
		a.moved(ctx)(a.wheel.Close(m.Session))
	case wheelTick:
		a.tick(ctx)
	case *messages.SessionQuery:
		report := a.wheel.Report()
		ctx.Respond(&report)
	case Relink:
		a.env.relink(m)
	case *actor.Terminated:
		delete(a.numbers, m.Who.Id)
	case *actor.Stopping, *actor.Restarting:
		if a.timer != nil {
			a.timer.Stop()
		}
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *trackerActor) now() int64 { return monoMs(a.env.Clock) }

func (a *trackerActor) start(ctx actor.Context) {
	now := a.now()
	a.wheel = NewWheel(a.env.Options.Conn.TickMs, now)
	a.arm(ctx)
	if a.local {
		ctx.Send(a.env.Front, takeLocals{})
		return
	}
	var sessions []messages.SessionInfo
	a.env.Tree.Read(func(t *tree.Tree) { sessions = t.Sessions() })
	for _, s := range sessions {
		a.moved(ctx)(a.wheel.Open(s.Session, s.Timeout, now))
	}
}

func (a *trackerActor) touch(ctx actor.Context, m *messages.Touch) {
	if a.local && !a.wheel.Alive(m.Session) && a.env.Role != RoleReadOnly {
		ctx.Send(a.env.Tracker, m)
		return
	}
	a.moved(ctx)(a.wheel.Touch(m.Session, m.Now))
}

// expire ends sessions of which nothing was heard for too long.
func (a *trackerActor) expire(ids []messages.SessionID) {
	if a.local {
		a.env.System.Root.Send(a.env.Front, &messages.SessionsExpired{Sessions: ids})
		return
	}
	a.env.endSessions(ids)
}

func (a *trackerActor) arm(ctx actor.Context) {
	self, root := ctx.Self(), a.env.System.Root
	wait := time.Duration(a.wheel.NextTick(a.now())) * time.Millisecond
	a.timer = a.env.Clock.After(wait, func() { root.Send(self, wheelTick{}) })
}

func (a *trackerActor) tick(ctx actor.Context) {
	a.wheel.Tick(a.now())
	for _, bucket := range a.called() {
		ctx.Send(a.buckets[bucket], &messages.BucketDue{})
		delete(a.buckets, bucket)
	}
	a.arm(ctx)
}

// called lists the buckets whose deadline has passed, those that all sessions have left among them: they must end too.
func (a *trackerActor) called() (numbers []int64) {
	for n := range a.buckets {
		if a.wheel.Called(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// touches takes a learner's word on its clients.
func (a *trackerActor) touches(ctx actor.Context, m *messages.Touches) {
	now := a.now()
	for _, id := range m.Sessions {
		a.moved(ctx)(a.wheel.Touch(id, now))
	}
}

// revalidate gives a session that lives its new timeout and says whether it lives. In an ensemble it also notes which
// server its client is connected to, before the client can ask anything there.
func (a *trackerActor) revalidate(ctx actor.Context, m *messages.Revalidate) {
	valid := a.wheel.Alive(m.Session)
	answer := &messages.Revalidated{Server: m.Server, Conn: m.Conn, Session: m.Session, Timeout: m.Timeout}
	if a.env.Role == RoleLeader {
		password, known := a.env.password(m.Session)
		valid = valid && known && bytes.Equal(password, m.Password)
	}
	if answer.Valid = valid; valid {
		a.moved(ctx)(a.wheel.Open(m.Session, m.Timeout, a.now()))
	}
	a.env.Metrics.ConnRevalidate.Inc()
	if a.env.Role != RoleLeader {
		ctx.Send(a.env.Front, answer)
		return
	}
	if valid {
		ctx.Send(a.env.Prep, &messages.SessionHome{Session: m.Session, Server: m.Server})
	}
	ctx.Send(a.env.Member, answer)
}

// moved tells the buckets of a session's move.
func (a *trackerActor) moved(ctx actor.Context) func(Move, bool) {
	return func(m Move, changed bool) {
		if !changed {
			return
		}
		if from := a.buckets[m.From]; from != nil {
			ctx.Send(from, &messages.BucketLeave{Session: m.Session})
		}
		if m.To != 0 {
			ctx.Send(a.bucket(ctx, m.To), &messages.BucketJoin{Session: m.Session})
		}
	}
}

// bucket finds or spawns a bucket's actor. It ends by itself when its deadline has passed.
func (a *trackerActor) bucket(ctx actor.Context, number int64) *actor.PID {
	if pid := a.buckets[number]; pid != nil {
		return pid
	}
	props := a.env.sharedProps("bucket", func() actor.Actor { return newBucket(a.env, a.expire) })
	pid, err := ctx.SpawnNamed(props, "bucket"+strconv.FormatInt(number, 10))
	if err != nil {
		panic(err) // a number is used once in a tracker's life, and after it its children are gone
	}
	a.buckets[number] = pid
	a.numbers[pid.Id] = number
	return pid
}
