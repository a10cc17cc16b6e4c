package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// SweepOptions say how containers and TTL nodes are looked after.
type SweepOptions struct {
	Interval  time.Duration // between two looks (znode.container.checkIntervalMs)
	PerMinute int           // deletes at most (znode.container.maxPerMinute)
	NeverUsed time.Duration // containers that never had a child go after that time; 0: they stay
}

type sweepNow struct{}

// sweeperActor asks prep to delete containers that have become empty and TTL nodes whose time is up. Prep judges
// each of them anew.
type sweeperActor struct {
	env   *StageEnv
	timer Timer
}

func newSweeper(env *StageEnv) actor.Actor { return &sweeperActor{env: env} }

// Receive implements actor.Actor.
func (a *sweeperActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		a.arm(ctx)
	case sweepNow:
		a.sweep(ctx)
		a.arm(ctx)
	case *actor.Stopping, *actor.Restarting:
		if a.timer != nil {
			a.timer.Stop()
		}
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *sweeperActor) arm(ctx actor.Context) {
	self, root := ctx.Self(), a.env.System.Root
	a.timer = a.env.Clock.After(a.env.Options.Sweep.Interval, func() { root.Send(self, sweepNow{}) })
}

func (a *sweeperActor) sweep(ctx actor.Context) {
	o := a.env.Options.Sweep
	limit := max(1, int(int64(o.PerMinute)*o.Interval.Milliseconds()/time.Minute.Milliseconds()))
	var paths []string
	a.env.Tree.Read(func(t *tree.Tree) {
		paths = t.SweepCandidates(a.env.Clock.WallMs(), o.NeverUsed.Milliseconds(), limit)
	})
	if len(paths) == 0 {
		return
	}
	items := make([]messages.Request, len(paths))
	for i, path := range paths {
		items[i] = messages.Request{Op: messages.OpDeleteContainer, Body: jute.AppendString(nil, path)}
	}
	a.env.Metrics.ContainersDeleted.Add(int64(len(items)))
	ctx.Send(a.env.Prep, &messages.Requests{Items: items})
}
